"""What a product does about events with the client."""

from datetime import UTC, datetime, timedelta

import httpx

from followup_client import AsyncFollowup, WebhookVerifier, endpoints, events


async def test_a_product_has_itself_told_with_the_client(house):
    """Every answer about endpoints, deliveries and events is read."""
    transport = httpx.ASGITransport(app=house.replicas[0].app)
    async with AsyncFollowup("http://home", key=house.token, transport=transport) as followup:
        send = followup.send
        wanted = endpoints.NewEndpoint(url=f"{house.receiver.url}/hook", description="CRM")
        made = await send(endpoints.make(wanted))
        renewed = await send(endpoints.rotate(made.id, endpoints.Rotation(grace_seconds=0)))
        trial = await send(endpoints.test(made.id))
        lead = await house.lead(need="a roof")
        await house.deliver()
        verifier = WebhookVerifier(renewed.secret)
        now = datetime.now(UTC)
        told = [verifier.verify(h.body, h.headers, now=now) for h in house.receiver.heard]
        assert {each.body["type"] for each in told} == {
            "followup.endpoint.tested.v1",
            "followup.lead.captured.v1",
        }
        listed = [each async for each in followup.each(endpoints.deliveries(made.id, limit=1))]
        assert {each.state for each in listed} == {"delivered"}
        assert trial.delivery_id in {each.id for each in listed}
        whole = await send(endpoints.delivery(made.id, trial.delivery_id))
        assert [(each.number, each.status) for each in whole.tries] == [(1, 200)]
        assert (await send(endpoints.replay(made.id, trial.delivery_id))).replayed == 1
        since = now - timedelta(hours=1)
        assert (await send(endpoints.replay_failed(made.id, since))).replayed == 0
        (found,) = (await send(events.page())).items
        assert (found.sequence, found.data["lead"]["id"]) == (1, str(lead))
        assert [each async for each in followup.each(events.page(behind=1))] == []
        changes = endpoints.EndpointChanges(state="disabled", types=("followup.lead.updated.v1",))
        assert (await send(endpoints.change(made.id, changes))).reason == "by request"
        assert (await send(endpoints.find())).items == (await send(endpoints.get(made.id)),)
        assert await send(endpoints.delete(made.id)) is None
        assert (await send(endpoints.find())).items == ()

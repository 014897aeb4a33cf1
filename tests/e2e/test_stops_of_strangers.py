"""Somebody unknown says stop to a vendor that answers nothing: heard, listed, and told so once."""

import orjson
from receiver import Told, receiving
from signed_hooks import now, standard
from sqlalchemy import text

from followup_database import new_id
from followup_directory import Vault, put_account, set_tenant_settings
from followup_embedded.stillness import at_rest
from followup_runtime.keyring import keys_of

PHONE, OURS = "+12125550123", "+12025550100"


async def test_a_strangers_stop_is_confirmed_to_them_once(followup):
    """All the way, at any hour; nothing of it is kept with the attempt, and no lead comes of it."""
    signer = standard()
    async with receiving() as vendor:
        vendor.answers["/send"] = [Told(200, b'{"id": "m1"}')]
        async with followup.house.databases.worker.transaction() as tx:
            await set_tenant_settings(tx, followup.house.tenant.id, {"sandbox": False})
            account = await put_account(
                tx,
                followup.house.tenant.id,
                channel="sms",
                provider="webhook",
                name="our own",
                settings={"url": f"{vendor.url}/send", "from": OURS},
                sealed=Vault(keys_of(followup.house.settings).secret_keys).seal(
                    signer.secrets | {"signing_secret": signer.secrets["webhook_secret"]}
                ),
            )
        for body in ("STOP", "HELP", "stop"):
            said = {"id": new_id().hex, "channel": "sms", "from": PHONE, "to": OURS, "body": body}
            value = {"type": "message.received", "data": said}
            content, headers = signer.sign(orjson.dumps(value), now())
            path = f"/hooks/webhook/{account.id}/events"
            answer = await followup.client.post(path, content=content, headers=headers)
            assert answer.status_code == 204, answer.text
            await at_rest(followup.house)
        (heard,) = vendor.at("/send")
    sent = heard.checked(signer.secrets["webhook_secret"])
    assert (sent["to"], sent["from"]) == (PHONE, OURS)
    assert "unsubscribed" in str(sent["text"])
    async with followup.house.databases.worker.transaction() as tx:
        rows = await tx.all(text("SELECT state, recipient, body FROM dispatcher.attempts"))
        assert [tuple(row.values()) for row in rows] == [("accepted", None, None)]
        assert await tx.all(text("SELECT 1 FROM people.persons")) == []

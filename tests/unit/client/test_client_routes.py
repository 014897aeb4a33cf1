import re
from datetime import UTC, datetime
from pathlib import Path
from uuid import UUID

import pytest

from followup_client import (
    Call,
    accounts,
    approvals,
    consent,
    endpoints,
    enrollments,
    events,
    keys,
    leads,
    replies,
    routing,
    rules,
    sequences,
    sources,
    tasks,
    tenants,
    touches,
)

REFERENCE = Path(__file__).parents[3] / "docs/reference/http.md"
ID = UUID(int=1)
NOW = datetime(2026, 1, 1, tzinfo=UTC)
EVENT = leads.LeadEvent(kind="lead.converted")
TASK = tasks.NewTask(lead_id=ID, title="t", due_at="2026-01-01T00:00:00Z")
KEY = keys.NewKey(name="k", scopes=["read"])
EXEMPTING = rules.Exempting(
    jurisdiction="US-VA",
    what="hours",
    channels=("sms",),
    reason="written",
    who="R. Roe",
    ends_at="2026-01-31T00:00:00Z",
)
CALLS: list[Call[object]] = [
    keys.find(),
    keys.make(KEY),
    keys.rotate(ID),
    keys.revoke(ID),
    tenants.find(),
    tenants.get(ID),
    tenants.make(tenants.NewTenant(slug="t", name="T")),
    tenants.change(ID, tenants.TenantChanges()),
    tenants.delete(ID),
    tenants.make_key(ID, KEY),
    sources.find(),
    sources.get(ID),
    sources.make(sources.NewSource(kind="form", name="f")),
    sources.change(ID, sources.SourceChanges()),
    sources.move(ID),
    sources.delete(ID),
    sources.retry(ID, ID),
    consent.proof(ID),
    consent.record(ID, consent.Said(state="no")),
    consent.ask(ID, consent.Question(wording="w")),
    routing.get(),
    routing.put(routing.Rules(rules=())),
    routing.choose(leads.NewLead()),
    routing.schema(),
    routing.put_schema(routing.Schema(attributes={})),
    rules.get(),
    rules.put(rules.House()),
    rules.exempt(EXEMPTING),
    rules.revoke(ID),
    rules.stop(rules.Stopping(jurisdiction="FR", reason="storm", who="R. Roe")),
    rules.lift("FR"),
    approvals.find(),
    approvals.get(ID),
    approvals.approve(ID),
    approvals.reject(ID),
    touches.preview(touches.Wanted(lead_id=ID, channel="sms", template={"text": "hi"})),
    touches.get(ID),
    touches.attempts(),
    touches.settle(ID, touches.Settling(outcome="sent", reason="seen")),
    touches.sandbox(),
    accounts.find(),
    accounts.get(ID),
    accounts.put(ID, accounts.Standing(state="active")),
    leads.post(leads.NewLead()),
    leads.get(ID),
    leads.named(["x"]),
    leads.change(ID, leads.LeadChanges()),
    leads.tell(ID, EVENT),
    leads.erase(ID),
    leads.erasure(ID),
    leads.export(ID),
    leads.exported(ID),
    leads.import_file(b""),
    enrollments.enroll(ID, "s"),
    enrollments.get(ID),
    enrollments.halt(ID),
    enrollments.pause(ID),
    enrollments.resume(ID),
    enrollments.timeline(ID),
    tasks.find(),
    tasks.add(TASK),
    tasks.get(ID),
    tasks.complete(ID),
    tasks.snooze(ID, tasks.Snooze(until="2026-01-01T00:00:00Z")),
    tasks.assign(ID, tasks.Assignment(assignee=None)),
    tasks.agenda(),
    sequences.get("s"),
    sequences.write("s", ""),
    sequences.lint("s"),
    sequences.publish("s", 1),
    sequences.simulate("s"),
    replies.conversation(ID),
    replies.write(ID, replies.NewMessage(text="Hi")),
    replies.message(ID, ID),
    replies.suppressions(),
    replies.suppress(replies.Suppression(address="+12125550123")),
    replies.suppress_all([replies.Suppression(address="+12125550123")]),
    replies.lift(replies.Suppression(address="+12125550123")),
    endpoints.make(endpoints.NewEndpoint(url="https://example.com/")),
    endpoints.find(),
    endpoints.get(ID),
    endpoints.change(ID, endpoints.EndpointChanges()),
    endpoints.delete(ID),
    endpoints.rotate(ID),
    endpoints.test(ID),
    endpoints.deliveries(ID),
    endpoints.delivery(ID, ID),
    endpoints.replay(ID, ID),
    endpoints.replay_failed(ID, NOW),
    events.page(),
]


def _routes() -> list[tuple[str, str, re.Pattern[str]]]:
    service, found = "", []
    for line in REFERENCE.read_text().splitlines():
        if heading := re.match(r"## (\w+) \(\d+\)", line):
            service = heading[1]
        elif route := re.match(r"\| `(\w+) (\S+)` \|", line):
            pattern = re.sub(r"\\{\w+\\}", "[^/]+", re.escape(route[2]))
            found.append((service, route[1], re.compile(pattern)))
    return found


@pytest.mark.parametrize("call", CALLS, ids=lambda call: f"{call.method} {call.path}")
def test_every_call_goes_to_a_route_there_is(call):
    """Its service has a route of this method and path."""
    assert any(
        (service, method) == (call.service, call.method) and pattern.fullmatch(call.path)
        for service, method, pattern in _routes()
    )

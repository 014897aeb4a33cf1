import json
from uuid import UUID

import pytest
from client_desk import HANG_UP, KEY, Told

from followup_client import (
    Addresses,
    Conflict,
    CutOff,
    Failed,
    Followup,
    Invalid,
    LineRefused,
    LineTaken,
    NotAllowed,
    TooMany,
    Unreachable,
    Unreadable,
    leads,
    replies,
    tasks,
)
from followup_client.leads import NewLead
from followup_client.tasks import NewTask

ID = UUID(int=7)
TAKEN = {
    "lead_id": str(ID),
    "person_id": str(UUID(int=8)),
    "verdict": "accept",
    "reason": "complete",
    "merged": False,
    "repeated": False,
    "a_member_of_tomorrow": 1,
}
LISTING = {
    "kind": "phone",
    "channel": "all",
    "hash": "00",
    "reason": "requested",
    "via": "api",
    "listed_at": "2026-01-01T00:00:00Z",
}
TASK = NewTask(lead_id=ID, title="Call back", due_at="2026-01-05T09:00:00Z")


def test_a_lead_whose_answer_was_lost_is_posted_again_under_the_same_key(desk, caller):
    """A hang-up and a 503 are tried again, and every try has the key of the first."""
    desk.script = [Told(HANG_UP), Told(503, {}, {"Retry-After": "2"}), Told(201, TAKEN)]
    taken = caller.send(desk.url, leads.post(NewLead(phone="+1 212 555 0123", consent="yes")))
    assert taken.lead_id == ID
    assert len({heard.headers["idempotency-key"] for heard in desk.heard}) == 1
    assert [json.loads(heard.body) for heard in desk.heard] == [
        {"phone": "+1 212 555 0123", "consent": "yes", "attributes": {}}
    ] * 3
    assert desk.heard[0].headers["authorization"] == f"Bearer {KEY}"
    assert caller.pauses == [0.25, 2.0]


def test_a_call_sent_again_by_hand_keeps_its_key(desk, caller):
    """The key belongs to the call, not to the sending."""
    desk.script = [Told(201, TAKEN), Told(200, TAKEN), Told(201, TAKEN)]
    call = leads.post(NewLead(email="ana@example.com"))
    for each in (call, call, leads.post(NewLead(email="ana@example.com"), key="form-1")):
        caller.send(desk.url, each)
    first, second, named = (heard.headers["idempotency-key"] for heard in desk.heard)
    assert first == second
    assert named == "form-1"


@pytest.mark.parametrize("answer", [Told(HANG_UP), Told(500, {}), Told(503, {})])
def test_what_must_not_happen_twice_is_not_tried_again(desk, caller, answer):
    """Setting a task whose answer is lost or unclear is left to whoever asked."""
    desk.script = [answer]
    with pytest.raises((Unreachable, Failed)) as failure:
        caller.send(desk.url, tasks.add(TASK))
    assert len(desk.heard) == 1
    assert caller.pauses == []
    if isinstance(failure.value, Unreachable):
        assert failure.value.begun


def test_what_was_certainly_not_done_is_tried_again_whatever_it_is(desk, caller):
    """429 is kept to as it asks, three times and no more."""
    desk.script = [Told(429, {"title": "Too many"}, {"Retry-After": "7"})] * 3
    with pytest.raises(TooMany) as refusal:
        caller.send(desk.url, tasks.add(TASK))
    assert refusal.value.retry_after == 7
    assert caller.pauses == [7, 7]


def test_a_pause_longer_than_patience_ends_it_at_once(desk, caller):
    """A key whose minute is used up for longer than the caller waits is told so at once."""
    desk.script = [Told(429, {}, {"Retry-After": "3600"})]
    with pytest.raises(TooMany):
        caller.send(desk.url, tasks.find())
    assert caller.pauses == []


def test_nobody_there_is_told_as_not_begun(desk, caller):
    """A refused connection is tried again even for what must not happen twice."""
    url = desk.url
    desk.server_close()
    with pytest.raises(Unreachable) as failure:
        caller.send(url, tasks.add(TASK))
    assert not failure.value.begun
    assert len(caller.pauses) == 2


def test_a_problem_is_an_exception_with_its_pointer(desk, caller):
    """Problem details come as they are, once, and without the key."""
    errors = [
        {"pointer": "/phone", "detail": "no number"},
        {"pointer": "/email", "detail": "no address"},
    ]
    problem = {"type": "about:blank", "title": "Nobody", "detail": "nobody", "errors": errors}
    desk.script = [Told(422, problem, kind="application/problem+json")]
    with pytest.raises(Invalid) as refusal:
        caller.send(desk.url, leads.post(NewLead(name="Ana")))
    found = refusal.value
    assert (found.status, found.title, found.pointer) == (422, "Nobody", "/phone")
    assert [fault.pointer for fault in found.faults] == ["/phone", "/email"]
    assert KEY not in str(found)
    assert len(desk.heard) == 1


@pytest.mark.parametrize("body", [b"<html>", b"", b'["x"]', b'{"errors": [1, {}], "title": 3}'])
def test_a_refusal_of_something_between_is_told_by_its_status(desk, caller, body):
    """A proxy's answer has no problem details and is an exception all the same."""
    desk.script = [Told(403, body, kind="text/html")]
    with pytest.raises(NotAllowed, match="403"):
        caller.send(desk.url, leads.get(ID))


def test_the_second_of_two_at_once_waits_for_the_first(desk, caller):
    """A key that is under way is asked again; another conflict is not."""
    under_way = {"errors": [{"pointer": "Idempotency-Key:", "detail": "under way"}]}
    desk.script = [Told(409, under_way), Told(200, TAKEN), Told(409, {"title": "Closed"})]
    assert caller.send(desk.url, leads.post(NewLead(phone="+12125550123"))).lead_id == ID
    with pytest.raises(Conflict):
        caller.send(desk.url, tasks.snooze(ID, tasks.Snooze(until="2026-01-05T09:00:00Z")))


def test_pages_are_walked_to_their_end(desk, caller):
    """Every item of every page comes, and each page is asked for behind the last."""
    desk.script = [
        Told(200, {"items": [LISTING, LISTING], "next": "a b&c"}),
        Told(200, {"items": [], "next": "d"}),
        Told(200, {"items": [LISTING], "next": None}),
    ]
    assert len(caller.each(desk.url, replies.suppressions(limit=2))) == 3
    assert [heard.path for heard in desk.heard] == [
        "/v1/suppressions?limit=2",
        "/v1/suppressions?limit=2&cursor=a+b%26c",
        "/v1/suppressions?limit=2&cursor=d",
    ]


def test_each_service_has_an_address_of_its_own(desk, caller):
    """With one address a service a call goes to its service, below the path given."""
    nowhere = "http://127.0.0.1:9"
    desk.script = [Told(200, {"items": [], "next": None})]
    addresses = Addresses(nowhere, nowhere, nowhere, f"{desk.url}/behind/")
    caller.send(addresses, replies.conversation("a/b?"))
    assert desk.heard[0].path == "/behind/v1/leads/a%2Fb%3F/conversation?limit=100"


def test_an_answer_that_cannot_be_read_is_named_without_its_content(desk, caller):
    """A member that is missing is named; what was answered is not repeated."""
    desk.script = [Told(200, {"lead_id": "Ana Silva"})]
    with pytest.raises(Unreadable, match="Taken: /lead_id") as failure:
        caller.send(desk.url, leads.post(NewLead(phone="+12125550123")))
    assert "Ana" not in str(failure.value)


def test_a_batch_goes_in_requests_of_five_hundred(desk, caller):
    """Lines are counted over the whole batch, and refused ones say why."""
    several = [NewLead(phone="+12125550123", external_id=f"x{n}") for n in range(501)]
    first = [{"line": n + 1, "status": "accepted", **TAKEN} for n in range(499)]
    fault = {"pointer": "/phone", "detail": "no number"}
    first.append({"line": 500, "status": "refused", "detail": "no", "errors": [fault]})
    second = [{"line": 1, "status": "accepted", **TAKEN}]
    desk.script = [
        Told(200, _lines(first), kind="application/x-ndjson"),
        Told(HANG_UP),
        Told(200, _lines(second), kind="application/x-ndjson"),
    ]
    answers = []
    caller.batch(desk.url, several, answers)
    assert [answer.line for answer in answers] == list(range(1, 502))
    assert isinstance(answers[500], LineTaken)
    assert isinstance(answers[499], LineRefused)
    assert answers[499].faults[0].pointer == "/phone"
    assert [heard.body.count(b"\n") for heard in desk.heard] == [500, 1, 1]


def test_a_batch_without_names_is_not_sent_again(desk, caller):
    """Leads that have no external id would be there twice."""
    desk.script = [Told(HANG_UP)]
    with pytest.raises(Unreachable):
        caller.batch(desk.url, [NewLead(phone="+12125550123")], [])
    assert len(desk.heard) == 1


@pytest.mark.parametrize("last", [{"line": 2, "status": "stopped", "detail": "later"}, None])
def test_a_batch_that_is_cut_off_says_how_far_it_came(desk, caller, last):
    """Whether the service says so or its answer just ends."""
    lines = [{"line": 1, "status": "accepted", **TAKEN}, *([last] if last else [])]
    desk.script = [Told(200, _lines(lines), kind="application/x-ndjson")]
    with pytest.raises(CutOff) as cut:
        caller.batch(desk.url, [NewLead(phone="1", external_id=name) for name in "ab"], [])
    assert cut.value.answered == 1


def test_a_file_is_sent_whole_again(desk, caller, tmp_path):
    """A file by its path is read anew for every try, and its columns are told."""
    file = tmp_path / "leads.csv"
    file.write_bytes(b"Ruf\n" + b"+12125550123\n" * 20_000)
    report = {"import_id": str(ID), "rows": 1, "accepted": 1, "merged": 0, "refused": 0}
    desk.script = [Told(HANG_UP), Told(200, {**report, "reasons": {}, "refusals": []})]
    done = caller.send(desk.url, leads.import_file(file, columns={"Ruf": "phone"}))
    assert done.accepted == 1
    assert {heard.body for heard in desk.heard} == {file.read_bytes()}
    assert desk.heard[0].path == "/v1/leads/import?map=Ruf%3Dphone"


def test_an_export_is_whole_or_under_way(desk, caller):
    """202 says where to ask again."""
    desk.script = [Told(202, {"export_id": str(ID)}), Told(200, {"intake": {"leads": []}})]
    under_way = caller.send(desk.url, leads.export(ID))
    assert isinstance(under_way, leads.ExportUnderWay)
    done = caller.send(desk.url, leads.exported(under_way.export_id))
    assert isinstance(done, leads.Exported)
    assert done.parts == {"intake": {"leads": []}}


@pytest.mark.parametrize("key", ["", "two words", "schlüssel", "line\nbreak"])
def test_a_key_that_is_none_is_refused_before_anything_is_sent(key):
    """Such a key could not stand in a header."""
    with pytest.raises(ValueError, match="API key"):
        Followup("http://localhost:8000", key=key)


@pytest.mark.parametrize("address", ["localhost:8000", "ftp://x", "http://", ""])
def test_an_address_that_is_none_is_refused(address):
    """Only http and https, with a host."""
    with pytest.raises(ValueError, match="address"):
        Followup(address, key=KEY)


def _lines(several):
    return b"".join(json.dumps(each).encode() + b"\n" for each in several)

"""Each check is shown a run in which all is well, and the same with one thing wrong."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from chaos.checks import CHECKS, violations
from chaos.evidence import Disruption, Evidence, Lead, Taken, Told, Word
from chaos.sending import late_sends
from followup_policy.zones import Place

NOON = datetime(2026, 11, 18, 17, tzinfo=UTC)
"""In New York."""
LATER = NOON + timedelta(minutes=5)
NEW_YORK = Place(country="US", state="NY", postal_code="10001", phone="+12122000001")
LEAD = Lead("L1", "steady", "+12122000001", NEW_YORK)


def at(seconds: float) -> datetime:
    return NOON + timedelta(seconds=seconds)


def touch(id_: str, channel: str = "sms", **changes: Any) -> dict[str, Any]:
    return {
        "id": id_,
        "step": "first",
        "channel": channel,
        "state": "sent",
        "round": 1,
        "occurrence": 0,
        "due_at": NOON.isoformat(),
        "reason": None,
        **changes,
    }


def line(what: str, touch_id: str | None = None, **why: Any) -> dict[str, Any]:
    return {"what": what, "touch_id": touch_id, "enrollment_id": "E1", "why": why}


def attempt(id_: str, touch_id: str, **changes: Any) -> dict[str, Any]:
    return {
        "id": id_,
        "touch_id": touch_id,
        "number": 1,
        "state": "accepted",
        "settled_by": "answer",
        "asked": 0,
        "reason": None,
        "claimed_on": at(0).isoformat(),
        "started_on": at(0.01).isoformat(),
        **changes,
    }


def taken(touch_id: str, attempt_id: str, **changes: Any) -> Taken:
    made = Taken(
        touch=touch_id,
        attempt=attempt_id,
        channel="sms",
        to=LEAD.phone,
        sid="SM1",
        first_byte=at(0.02),
        answered=at(0.05),
        peer=40_000,
    )
    return replace(made, **changes)


def told(*touches: Mapping[str, Any], timeline=(), conversation=()) -> Told:
    enrollment = {"id": "E1", "sequence": "soon-0", "touches": list(touches)}
    return Told(list(timeline), [enrollment], list(conversation))


def fine(**changes: Any) -> Evidence:
    """A lead whose text and call went out."""
    given = {
        "checked": LATER,
        "leads": (LEAD,),
        "ledger": (taken("T1", "A1"), taken("T2", "A2", channel="voice", sid="CA1")),
        "told": {"L1": told(touch("T1"), touch("T2", "voice"))},
        "attempts": {"T1": [attempt("A1", "T1")], "T2": [attempt("A2", "T2")]},
        "left": {"outbox": 0.0},
    }
    return Evidence(**(given | changes))


def rules(evidence: Evidence) -> set[str]:
    return {violation.rule for violation in violations(evidence)}


def test_a_run_in_which_all_is_well_has_no_violation() -> None:
    """No check cries wolf."""
    assert violations(fine()) == []


def test_every_check_has_a_name_of_its_own() -> None:
    """What is counted is what is asserted."""
    assert len(CHECKS) == len(set(CHECKS.values())) == 12


@pytest.mark.parametrize(
    "known",
    [
        {},
        {"L1": Told((), (), ())},
        {"L1": told(touch("T1"))},
    ],
    ids=["unknown to the API", "never enrolled", "its call never planned"],
)
def test_a_lead_that_got_lost_is_found(known) -> None:
    """Accepted means followed up."""
    assert "lost" in rules(fine(told=known))


@pytest.mark.parametrize(
    "changes",
    [
        {"state": "commanded"},
        {"state": "planned", "due_at": at(-60).isoformat()},
        {"state": "planned", "due_at": (LATER + timedelta(seconds=90)).isoformat()},
        {"state": "failed", "reason": "21211"},
        {"state": "cancelled", "reason": "halted"},
        {"state": "skipped", "reason": "no moment"},
    ],
)
def test_a_touch_that_did_not_go_out_without_reason_is_found(changes) -> None:
    """Unanswered, overdue, waiting for nothing, refused, or dropped though nobody wrote."""
    lost = told(touch("T1", **changes), touch("T2", "voice"))
    assert "lost" in rules(fine(told={"L1": lost}, ledger=(taken("T2", "A2", channel="voice"),)))


def test_a_touch_that_made_room_for_another_sequence_has_a_successor() -> None:
    """Cancelled and planned anew is well; cancelled with nothing after it is lost."""
    reason = "another sequence goes first"
    gone = touch("T0", state="cancelled", reason=reason)
    voice = touch("T2", "voice")
    assert rules(fine(told={"L1": told(gone, touch("T1", occurrence=1), voice)})) == set()
    ledger = (taken("T2", "A2", channel="voice"),)
    for alone in (told(gone, voice), told(gone, touch("T3", "voice", occurrence=1), voice)):
        assert "lost" in rules(fine(told={"L1": alone}, ledger=ledger))


def test_a_touch_told_as_sent_that_the_provider_never_took_is_found() -> None:
    """The provider's ledger is the truth."""
    assert rules(fine(ledger=(taken("T1", "A1"),))) == {"lost"}


def test_a_touch_that_the_provider_took_and_the_api_denies_is_found() -> None:
    """Taken, but skipped says the API, with a reason that would do."""
    denied = told(touch("T1", state="skipped", reason="opted out"), touch("T2", "voice"))
    wrote = (Word(LEAD.phone, "STOP", stop=True, acknowledged=None),)
    assert rules(fine(told={"L1": denied}, words=wrote)) == {"untold"}


@pytest.mark.parametrize(
    ("rule", "due", "well"),
    [
        ("provider: provider:20429", 200, True),
        ("rate: rate", 200, True),
        ("cap: R1", 200, False),
        ("provider: provider:20429", 60_000, False),
    ],
)
def test_a_first_touch_may_wait_for_the_provider_alone_and_not_for_long(rule, due, well) -> None:
    """Its own ghost in the caps must not put it off to tomorrow."""
    kind, _, name = rule.partition(": ")
    waiting = touch("T1", state="planned", due_at=(LATER + timedelta(seconds=due)).isoformat())
    timeline = [line("deferred", "T1", kind=kind, rule=name)]
    evidence = fine(
        told={"L1": told(waiting, touch("T2", "voice"), timeline=timeline)},
        ledger=(taken("T2", "A2", channel="voice"),),
    )
    assert (rules(evidence) == set()) is well


def test_a_touch_in_quiet_hours_waits_with_the_law_as_its_reason() -> None:
    """Planned for the morning because of R15 is as it should be."""
    morning = (LATER + timedelta(hours=12)).isoformat()
    timeline = [line("planned", t, moved_by=["R15: quiet"]) for t in ("T1", "T2")]
    waiting = [touch("T1", state="planned", due_at=morning, round=0)]
    waiting.append(touch("T2", "voice", state="planned", due_at=morning, round=0))
    evidence = fine(
        leads=(replace(LEAD, kind="quiet"),),
        ledger=(),
        attempts={},
        told={"L1": told(*waiting, timeline=timeline)},
    )
    assert violations(evidence) == []


def test_a_touch_accepted_twice_is_found() -> None:
    """Whatever the attempts were called."""
    twice = (*fine().ledger, taken("T1", "A9", sid="SM9", first_byte=at(60)))
    assert "twice" in rules(fine(ledger=twice))


def test_an_accepted_request_without_a_touch_is_found() -> None:
    """What names no touch can't be told from a second sending."""
    assert "twice" in rules(fine(ledger=(*fine().ledger, replace(taken("T9", "A9"), touch=None))))


STOPPED = (Word(LEAD.phone, "STOP", stop=True, acknowledged=at(10)),)
HEARD = [{"direction": "inbound", "body": "STOP", "opt_out": True}]


def after_stop(first_byte: float, started_on: float | None, **more: Any) -> Evidence:
    began = None if started_on is None else at(started_on).isoformat()
    return fine(
        words=STOPPED,
        told={"L1": told(touch("T1"), touch("T2", "voice"), conversation=HEARD)},
        ledger=(fine().ledger[0], taken("T2", "A2", channel="voice", first_byte=at(first_byte))),
        attempts={"T1": [attempt("A1", "T1")], "T2": [attempt("A2", "T2", started_on=began)]},
        **more,
    )


@pytest.mark.parametrize("started_on", [10.1, 9.95, None])
def test_a_send_begun_after_an_acknowledged_stop_is_found(started_on) -> None:
    """Its own stamp is behind the acknowledgement, or too near to blame a freeze, or lost."""
    assert rules(after_stop(10.02 if started_on == 9.95 else 10.2, started_on)) == {"stop"}


def test_a_send_before_the_acknowledgement_is_none_of_the_stops_business() -> None:
    """The promise begins with the 2xx."""
    assert violations(after_stop(9.99, 9.98)) == []


def test_a_send_frozen_between_its_last_look_and_its_first_byte_is_counted_apart() -> None:
    """The attempt's own stamp is before the acknowledgement and far from the first byte."""
    evidence = after_stop(12, 9.9)
    assert violations(evidence) == []
    (late,) = late_sends(evidence)
    assert (late.frozen, late.by) == (True, timedelta(seconds=2))


def test_a_freeze_tells_for_a_dispatcher_that_died_before_it_wrote_its_stamp() -> None:
    """Frozen by us, thawed, sent, killed: the trace has no stamp."""
    frozen = Disruption("freeze", "dispatcher-1", at(8), at(12), frozenset({40_000}))
    assert violations(after_stop(12.01, None, disruptions=(frozen,))) == []
    elsewhere = replace(frozen, peers=frozenset({40_001}))
    assert rules(after_stop(12.01, None, disruptions=(elsewhere,))) == {"stop"}


@pytest.mark.parametrize(
    "heard",
    [[], [*HEARD, *HEARD], [{**HEARD[0], "opt_out": False}]],
    ids=["lost", "kept twice", "not understood"],
)
def test_an_acknowledged_stop_that_is_not_kept_once_is_found(heard) -> None:
    """What was acknowledged is in the conversation, once, for what it is."""
    known = told(touch("T1"), touch("T2", "voice"), conversation=heard)
    assert rules(fine(words=STOPPED, told={"L1": known})) == {"words"}


def test_a_send_at_night_is_found() -> None:
    """By the law of the place, at the moment of the first byte."""
    night = taken("T1", "A1", first_byte=NOON + timedelta(hours=12))
    assert rules(fine(ledger=(night, fine().ledger[1]))) == {"quiet"}


def test_two_texts_on_one_day_are_found() -> None:
    """R1, and R6 where they are of two enrollments."""
    second = {"id": "E2", "sequence": "twice-b", "touches": [touch("T3"), touch("T4", "voice")]}
    both = Told((), [*fine().told["L1"].enrollments, second], ())
    ledger = (*fine().ledger, taken("T3", "A3"), taken("T4", "A4", channel="voice"))
    found = violations(fine(told={"L1": both}, ledger=ledger))
    assert {(v.rule, v.text[:2]) for v in found} == {("cap", "R1"), ("cap", "R6")}


UNKNOWN = {"state": "accepted", "settled_by": "record", "asked": 1, "reason": "no answer"}


def doubtful(disruptions=(), **changes: Any) -> Evidence:
    ledger = (replace(fine().ledger[0], **changes), fine().ledger[1])
    attempts = {**fine().attempts, "T1": [attempt("A1", "T1", **UNKNOWN)]}
    return fine(ledger=ledger, attempts=attempts, disruptions=disruptions)


def test_an_unknown_that_the_provider_had_answered_is_found() -> None:
    """It said 201 to a caller who was there."""
    assert rules(doubtful()) == {"unknown"}


@pytest.mark.parametrize("changes", [{"fault": "cut_after"}, {"hung_up": True}])
def test_an_unknown_that_the_provider_left_open_is_in_order(changes) -> None:
    """A cut, or a caller gone before the answer."""
    assert violations(doubtful(**changes)) == []


def test_a_429_leaves_nothing_open() -> None:
    """It says that the request was not accepted."""
    assert rules(doubtful(fault="too_many")) == {"unknown"}


def test_a_kill_during_the_call_leaves_it_open_for_the_killed_alone() -> None:
    """By the port of the process's connection."""
    kill = Disruption("kill", "dispatcher-2", at(0.06), at(0.06), frozenset({40_000}))
    assert violations(doubtful((kill,))) == []
    assert rules(doubtful((replace(kill, peers=frozenset({40_001})),))) == {"unknown"}
    assert rules(doubtful((replace(kill, at=at(60), until=at(60)),))) == {"unknown"}


def test_an_unknown_only_told_on_the_timeline_needs_a_cause_too() -> None:
    """A callback settled it before anybody asked, so the attempt shows nothing."""
    known = told(touch("T1"), touch("T2", "voice"), timeline=[line("unknown", "T1")])
    assert rules(fine(told={"L1": known})) == {"unknown"}


def test_a_claim_whose_call_never_began_needs_a_kill_near_it() -> None:
    """The provider never saw it; a dispatcher died with it."""
    swept = attempt("A0", "T1", state="retry_later", settled_by="record", asked=1)
    attempts = {**fine().attempts, "T1": [swept, attempt("A1", "T1", number=2)]}
    kill = Disruption("kill", "dispatcher-1", at(1), at(1))
    assert rules(fine(attempts=attempts)) == {"unknown"}
    assert violations(fine(attempts=attempts, disruptions=(kill,))) == []
    assert rules(fine(attempts=attempts, disruptions=(replace(kill, name="intake"),))) == {
        "unknown"
    }


@pytest.mark.parametrize("state", ["unknown", "claimed"])
def test_an_attempt_unresolved_at_the_end_is_found(state) -> None:
    """The provider's record could tell of it either way."""
    unresolved = attempt("A1", "T1", state=state, reason="no answer")
    evidence = doubtful(fault="cut_before", sid=None)
    assert "unresolved" in rules(
        replace(evidence, attempts={**evidence.attempts, "T1": [unresolved]})
    )


def test_a_touch_that_only_its_sequence_still_takes_for_unknown_is_found() -> None:
    """The ledger has settled it; the enrollment never learnt."""
    known = told(touch("T1", state="unknown"), touch("T2", "voice"))
    assert rules(fine(told={"L1": known})) == {"unresolved"}


@pytest.mark.parametrize("name", ["queue scheduler.replies", "outbox", "oldest hold"])
def test_what_is_left_over_is_found(name) -> None:
    """Queues, outbox, holds, timers: all at zero."""
    assert rules(fine(left={name: 1.0})) == {"left"}


@pytest.mark.parametrize(
    "what", ["lead never acknowledged", "word refused with 403", "lead answered with 500"]
)
def test_a_client_turned_away_is_found(what) -> None:
    """An outage is 503 and passes; whoever goes on trying is heard."""
    assert rules(fine(clients={"lead sent again": 9, what: 1})) == {"clients"}


def test_a_run_in_which_nobody_got_through_proves_nothing() -> None:
    """No leads, no violations: that is one."""
    assert rules(fine(leads=(), ledger=(), told={}, attempts={})) == {"clients"}

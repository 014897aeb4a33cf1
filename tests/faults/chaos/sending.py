"""What was sent: nothing twice, nothing forbidden, and nothing unknown without cause."""

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from chaos.evidence import Evidence, Taken, Violation
from followup_policy.quiet import quiet_hours
from followup_policy.wallclock import local_date
from followup_policy.zones import whereabouts

FREEZE = timedelta(milliseconds=100)
"""The room between a lease and an acknowledgement: only a freeze takes longer."""

RECORDING = timedelta(seconds=15)
"""How long an answer may take to be recorded, with the database away meanwhile."""
UNBEGUN = timedelta(seconds=20)
"""How long a claim may wait for its slot and its call."""

Attempt = Mapping[str, Any]


def sent_twice(evidence: Evidence) -> Iterator[Violation]:
    """Touches that the provider has accepted more than once, and requests without a touch."""
    counts = Counter(t.touch for t in evidence.ledger if t.accepted)
    for touch, count in counts.items():
        if touch is None:
            yield Violation("twice", "?", f"{count} accepted requests name no touch")
        elif count > 1:
            yield Violation("twice", touch, f"accepted {count} times")


@dataclass(frozen=True, slots=True)
class Late:
    """A request that began after an acknowledgement that forbade it."""

    taken: Taken
    acknowledged: datetime
    begun: datetime | None
    """The attempt's own stamp."""
    frozen: bool

    @property
    def by(self) -> timedelta:
        """How late its first byte came."""
        return self.taken.first_byte - self.acknowledged


def late_sends(evidence: Evidence) -> list[Late]:
    """Requests whose first byte came after the acknowledgement of their person's word.

    A process that was frozen between its last look at the clock and the write is told
    from one that broke the promise: its own stamp is older than the acknowledgement.
    """
    first: dict[str, datetime] = {}
    for word in evidence.words:
        if word.acknowledged is not None:
            first[word.phone] = min(word.acknowledged, first.get(word.phone, word.acknowledged))
    found = []
    for taken in evidence.ledger:
        acknowledged = first.get(taken.to)
        if acknowledged is not None and taken.first_byte > acknowledged:
            begun = _begun(taken, evidence)
            frozen = _frozen(taken, begun, acknowledged=acknowledged, evidence=evidence)
            found.append(Late(taken, acknowledged, begun, frozen))
    return found


def sent_after_stop(evidence: Evidence) -> Iterator[Violation]:
    """Sends begun after the acknowledgement of a STOP or a reply."""
    for late in late_sends(evidence):
        if not late.frozen:
            seconds = late.by.total_seconds()
            text = f"began {seconds:.3f} s after the word to {late.taken.to} was acknowledged"
            yield Violation("stop", late.taken.touch or "?", text)


def _begun(taken: Taken, evidence: Evidence) -> datetime | None:
    for attempt in evidence.attempts.get(taken.touch or "", ()):
        if attempt["id"] == taken.attempt and attempt["started_on"] is not None:
            return datetime.fromisoformat(attempt["started_on"])
    return None


def _frozen(
    taken: Taken, begun: datetime | None, *, acknowledged: datetime, evidence: Evidence
) -> bool:
    if begun is not None:
        return begun <= acknowledged and taken.first_byte - begun > FREEZE
    return any(
        d.kind == "freeze"
        and taken.peer in d.peers
        and d.at <= taken.first_byte <= d.until + FREEZE
        for d in evidence.disruptions
    )


def in_quiet_hours(evidence: Evidence) -> Iterator[Violation]:
    """Requests at an hour at which the law forbids them."""
    places = {lead.phone: lead.place for lead in evidence.leads}
    for taken in evidence.ledger:
        place = places.get(taken.to)
        if place is None:
            continue
        verdict = quiet_hours(
            taken.channel,
            where=whereabouts(place),
            now=taken.first_byte,
            span=timedelta(seconds=1),
        )
        if not verdict.allowed:
            yield Violation("quiet", taken.touch or "?", f"{verdict.rule}: {verdict.reason}")


def caps_exceeded(evidence: Evidence) -> Iterator[Violation]:
    """Two texts (R1), or contacts of two rounds (R6), on one local day of a person."""
    by_day: dict[tuple[str, str, str], list[Taken]] = defaultdict(list)
    zones = {lead.phone: whereabouts(lead.place).zones for lead in evidence.leads}
    for taken in evidence.ledger:
        if taken.accepted:
            for zone in zones.get(taken.to, ()):
                by_day[taken.to, zone, str(local_date(zone, taken.first_byte))].append(taken)
    for (phone, zone, day), several in by_day.items():
        yield from _above_cap(phone, f"{day} in {zone}", several, evidence)


def _above_cap(
    phone: str, when: str, several: Sequence[Taken], evidence: Evidence
) -> Iterator[Violation]:
    texts = {t.touch for t in several if t.channel == "sms"}
    if len(texts) > 1:
        yield Violation("cap", phone, f"R1: {len(texts)} texts on {when}")
    rounds = {evidence.enrollment_of.get(t.touch or "") for t in several} - {None}
    if len(rounds) > 1:
        yield Violation("cap", phone, f"R6: {len(rounds)} rounds on {when}")


def unknown_without_cause(evidence: Evidence) -> Iterator[Violation]:
    """Touches that were unknown though the provider answered and nobody disturbed the call."""
    told = {
        line["touch_id"]
        for each in evidence.told.values()
        for line in each.timeline
        if line["what"] == "unknown"
    }
    for touch_id, attempts in evidence.attempts.items():
        doubtful = [attempt for attempt in attempts if _was_unknown(attempt)]
        for attempt in doubtful:
            if not _open(attempt, evidence):
                text = f"attempt {attempt['number']} was unknown: {attempt['reason']}"
                yield Violation("unknown", touch_id, f"{text}; the provider left nothing open")
        if touch_id in told and not doubtful and not any(_open(a, evidence) for a in attempts):
            yield Violation("unknown", touch_id, "was told as unknown; nothing was left open")


def _was_unknown(attempt: Attempt) -> bool:
    by = attempt["settled_by"]
    return attempt["state"] == "unknown" or attempt["asked"] > 0 or by in ("sweep", "record")


def _open(attempt: Attempt, evidence: Evidence) -> bool:
    """Whether the provider, or a kill or freeze during the call, left an attempt open."""
    taken = evidence.by_attempt.get(attempt["id"])
    if taken is None:
        claimed = datetime.fromisoformat(attempt["claimed_on"])
        return any(
            d.name.startswith("dispatcher") and claimed <= d.until and d.at <= claimed + UNBEGUN
            for d in evidence.disruptions
        )
    if taken.left_open:
        return True
    end = (taken.answered or evidence.checked) + RECORDING
    return any(
        taken.peer in d.peers and taken.first_byte <= d.until and d.at <= end
        for d in evidence.disruptions
    )


def still_unknown(evidence: Evidence) -> Iterator[Violation]:
    """Touches and attempts that are unknown at the end though the provider's record tells of them.

    The record tells of all: what it has was accepted, what it has not was not.
    """
    found = [
        (touch_id, attempt)
        for touch_id, attempts in evidence.attempts.items()
        for attempt in attempts
        if attempt["state"] in ("unknown", "claimed")
    ]
    found += [
        (touch["id"], touch)
        for told in evidence.told.values()
        for enrollment in told.enrollments
        for touch in enrollment["touches"]
        if touch["state"] == "unknown"
    ]
    for touch_id, body in found:
        held = "has it" if touch_id in evidence.accepted else "does not have it"
        text = f"{body['state']} at the end; the provider {held}: {body['reason']}"
        yield Violation("unresolved", touch_id, text)


def left_over(evidence: Evidence) -> Iterator[Violation]:
    """Messages in queues, rows in the outbox, holds and overdue timers at the end."""
    for name, amount in evidence.left.items():
        if amount:
            yield Violation("left", name, f"{amount:g} at the end")

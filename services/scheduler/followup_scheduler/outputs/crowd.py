"""What a sequence comes to for many leads."""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field
from datetime import datetime, timedelta
from typing import Any

from followup_contracts.channels import TRAITS, Channel
from followup_policy.segments import segments_of
from followup_scheduler.core.document import Sequence
from followup_scheduler.core.simulation import SimulatedTouch, Simulation
from followup_scheduler.lint.readings import readings
from followup_scheduler.outputs.drain import Drain, drain

_COUNTED = ("states", "channels", "steps", "skipped", "moved", "tasks")


@dataclass(slots=True)
class Crowd:
    """Counts over simulations, added one by one."""

    sequence: Sequence
    leads: int = 0
    states: Counter[str] = field(default_factory=Counter)
    channels: Counter[str] = field(default_factory=Counter)
    steps: Counter[str] = field(default_factory=Counter)
    skipped: Counter[str] = field(default_factory=Counter)
    moved: Counter[str] = field(default_factory=Counter)
    tasks: Counter[str] = field(default_factory=Counter)
    touches: list[tuple[Channel, datetime, int]] = field(default_factory=list)
    _segments: dict[str, int] = field(default_factory=dict)

    def join(self, other: "Crowd") -> None:
        """Count what another has counted of the same sequence."""
        self.leads += other.leads
        self.touches += other.touches
        for name in _COUNTED:
            getattr(self, name).update(getattr(other, name))

    def add(self, simulation: Simulation, *, times: int = 1) -> None:
        """Count one run, or so many that are alike."""
        self.leads += times
        self.states[_ended(simulation)] += times
        for touch in simulation.touches:
            if touch.state == "cancelled":
                continue
            self.channels[touch.channel] += times
            self.steps[f"{touch.key.step} {touch.channel}"] += times
            self.touches += [(touch.channel, touch.due_at, self._units(touch))] * times
            for rule in {reason.split(":")[0] for reason in touch.moved_by if ":" in reason}:
                self.moved[rule] += times
        for skip in simulation.skipped:
            self.skipped[f"{skip.key.step} {skip.key.channel}: {skip.rule}"] += times
        for task in simulation.tasks:
            self.tasks[task.task.kind] += times

    def told(self, rates: Mapping[Channel, float]) -> dict[str, Any]:
        """All of it as JSON values; drain times for the rates that are given."""
        moments = [at for _, at, _ in self.touches]
        return {
            "sequence": self.sequence.key,
            "leads": self.leads,
            "touches": len(self.touches),
            "first": min(moments).isoformat() if moments else None,
            "last": max(moments).isoformat() if moments else None,
            "states": dict(self.states.most_common()),
            "channels": dict(self.channels.most_common()),
            "steps": dict(self.steps),
            "skipped": dict(self.skipped.most_common()),
            "moved": dict(self.moved.most_common()),
            "tasks": dict(self.tasks.most_common()),
            "drain": [drain_json(each) for each in drain(self.touches, rates)],
        }

    def _units(self, touch: SimulatedTouch) -> int:
        """Segments of a text with values of ordinary length; else one."""
        name = touch.template.split("~")[0]
        body = self.sequence.templates.get(name)
        if body is None or not TRAITS[touch.channel].segmented:
            return 1
        if name not in self._segments:
            self._segments[name] = segments_of(readings(body.text).full.words)
        return self._segments[name]


def drain_json(each: Drain) -> dict[str, Any]:
    """A drain as JSON values; lengths in seconds."""
    values = asdict(each)
    return {
        name: value.total_seconds()
        if isinstance(value, timedelta)
        else value.isoformat()
        if isinstance(value, datetime)
        else value
        for name, value in values.items()
    }


def crowd_text(told: Mapping[str, Any]) -> str:
    """The same for people."""
    lines = [
        f"{told['sequence']}: {told['leads']:,} leads, {told['touches']:,} touches",
        f"from {told['first']} to {told['last']}",
    ]
    for name in ("states", "channels", "steps", "moved", "skipped", "tasks"):
        counts: Mapping[str, int] = told[name]
        if counts:
            lines += ["", name]
            lines += [f"  {count:>9,}  {what}" for what, count in counts.items()]
    for each in told["drain"]:
        lines += ["", *_drained(each)]
    return "\n".join(lines) + "\n"


def _drained(each: Mapping[str, Any]) -> Iterable[str]:
    yield f"{each['channel']} at the rate given"
    yield f"  {each['touches']:>9,}  touches, {each['units']:,} units"
    yield f"  {_length(each['busy'])} of sending, {_length(each['latest'])} late at worst"
    yield f"  empty at {each['emptied_at']}"


def _length(seconds: float) -> str:
    return str(timedelta(seconds=round(seconds)))


def _ended(simulation: Simulation) -> str:
    reason = f" ({simulation.end_reason})" if simulation.end_reason else ""
    return f"{simulation.state}{reason}"

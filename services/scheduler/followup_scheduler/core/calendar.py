"""A simulation told to people and to machines."""

from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from followup_scheduler.core.simulation import SimulatedTouch, Simulation


def calendar_text(simulation: Simulation) -> str:
    """The calendar as lines: the day, the time in each zone and in UTC, what, and why then."""
    upon = f", upon {' or '.join(simulation.starts)}" if simulation.starts else ""
    start = _local(simulation, simulation.started_at)
    lines = [f"{simulation.sequence}, lead in at {start}{upon}", ""]
    for touch in simulation.touches:
        lines += _touch_lines(simulation, touch)
    lines += [
        f"         {skip.key.channel:<6}{skip.key.step}: skipped. {skip.reason}"
        for skip in simulation.skipped
    ]
    lines += [
        f"         task  {each.task.kind} at {_local(simulation, each.at)} ({each.task.reason})"
        for each in simulation.tasks
    ]
    handed = f", handed to {simulation.handed_to}" if simulation.handed_to else ""
    handed += f", enters {' and '.join(simulation.enters)}" if simulation.enters else ""
    reason = f" ({simulation.end_reason})" if simulation.end_reason else ""
    lines += [
        "",
        f"{simulation.state}{reason}{handed} at {_local(simulation, simulation.ended_at)}",
    ]
    return "\n".join(lines) + "\n"


def calendar_json(simulation: Simulation) -> dict[str, Any]:
    """The same as JSON values; moments are ISO 8601 with their offset."""
    return {
        "sequence": simulation.sequence,
        "started_at": simulation.started_at.isoformat(),
        "zones": list(simulation.zones),
        "touches": [_touch_json(simulation, touch) for touch in simulation.touches],
        "skipped": [
            {
                "step": skip.key.step,
                "channel": skip.key.channel,
                "rule": skip.rule,
                "reason": skip.reason,
            }
            for skip in simulation.skipped
        ],
        "tasks": [
            {
                "at": each.at.isoformat(),
                "kind": each.task.kind,
                "reason": each.task.reason,
                "due_at": each.task.due_at.isoformat(),
            }
            for each in simulation.tasks
        ],
        "story": [{"at": at.isoformat(), "what": what} for at, what in simulation.story],
        "state": simulation.state,
        "end_reason": simulation.end_reason,
        "ended_at": simulation.ended_at.isoformat(),
        "handed_to": simulation.handed_to,
        "enters": list(simulation.enters),
        "starts": list(simulation.starts),
    }


def _touch_lines(simulation: Simulation, touch: SimulatedTouch) -> list[str]:
    said = "" if touch.state == "sent" else f" [{touch.state}]"
    if touch.call is not None:
        said += f" [{touch.call}]"
    when = f"day {_day(simulation, touch):>3}  {touch.channel:<6}"
    told = f"{touch.key.step}: {touch.template}{said}  ({touch.due_at:%Y-%m-%d %H:%M} UTC)"
    return [
        f"{when}{_local(simulation, touch.due_at)}  {told}",
        *(f"         {reason}" for reason in touch.moved_by),
    ]


def _touch_json(simulation: Simulation, touch: SimulatedTouch) -> dict[str, Any]:
    return {
        "day": _day(simulation, touch),
        "step": touch.key.step,
        "occurrence": touch.key.occurrence,
        "channel": touch.channel,
        "template": touch.template,
        "wanted_at": touch.wanted_at.isoformat(),
        "due_at": touch.due_at.isoformat(),
        "local": {zone: at.isoformat() for zone, at in sorted(touch.local.items())},
        "moved_by": list(touch.moved_by),
        "state": touch.state,
        "call": touch.call,
    }


def _day(simulation: Simulation, touch: SimulatedTouch) -> int:
    """How many local dates after the start, in the first of the zones."""
    zone = ZoneInfo(simulation.zones[0])
    start = simulation.started_at.astimezone(zone).date()
    return (touch.due_at.astimezone(zone).date() - start).days


def _local(simulation: Simulation, at: datetime) -> str:
    """Weekday, date and time in the first zone, and the other zones' times."""
    first, *others = (at.astimezone(ZoneInfo(zone)) for zone in simulation.zones)
    also = {f"{other:%H:%M %Z}" for other in others} - {f"{first:%H:%M %Z}"}
    return " / ".join([f"{first:%a %Y-%m-%d %H:%M %Z}", *sorted(also)])

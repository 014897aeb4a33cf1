"""A simulation as iCalendar (RFC 5545), to be looked at in any calendar."""

from collections.abc import Iterator
from datetime import UTC, datetime

from followup_scheduler.core.simulation import SimulatedTask, SimulatedTouch, Simulation

_LONGEST = 75
"""Octets of a line (RFC 5545, section 3.1)."""


def icalendar(simulation: Simulation) -> str:
    """One event for each touch and one to-do for each task, in UTC.

    Touches that were cancelled are there with that status, so that a what-if shows.
    """
    lines = [
        "BEGIN:VCALENDAR",
        "VERSION:2.0",
        "PRODID:-//Followup//simulate//EN",
        f"X-WR-CALNAME:{_escaped(simulation.sequence)}",
    ]
    for touch in simulation.touches:
        lines += _event(simulation, touch)
    for number, task in enumerate(simulation.tasks):
        lines += _todo(simulation, task, number)
    lines.append("END:VCALENDAR")
    return "".join(f"{part}\r\n" for line in lines for part in _folded(line))


def _event(simulation: Simulation, touch: SimulatedTouch) -> list[str]:
    key = touch.key
    uid = f"{simulation.sequence}-{key.step}-{key.occurrence}-{key.channel}@followup.invalid"
    said = "; ".join(touch.moved_by) or "as the sequence wants it"
    return [
        "BEGIN:VEVENT",
        f"UID:{uid}",
        f"DTSTAMP:{_moment(simulation.started_at)}",
        f"DTSTART:{_moment(touch.due_at)}",
        "DURATION:PT5M",
        f"SUMMARY:{_escaped(f'{touch.channel}: {touch.template} ({key.step})')}",
        f"DESCRIPTION:{_escaped(said)}",
        f"STATUS:{'CANCELLED' if touch.state == 'cancelled' else 'CONFIRMED'}",
        "TRANSP:TRANSPARENT",
        "END:VEVENT",
    ]


def _todo(simulation: Simulation, each: SimulatedTask, number: int) -> list[str]:
    return [
        "BEGIN:VTODO",
        f"UID:{simulation.sequence}-task-{number}@followup.invalid",
        f"DTSTAMP:{_moment(simulation.started_at)}",
        f"DTSTART:{_moment(each.at)}",
        f"DUE:{_moment(max(each.task.due_at, each.at))}",
        f"SUMMARY:{_escaped(each.task.kind)}",
        f"DESCRIPTION:{_escaped(each.task.reason)}",
        "END:VTODO",
    ]


def _moment(at: datetime) -> str:
    return f"{at.astimezone(UTC):%Y%m%dT%H%M%SZ}"


def _escaped(text: str) -> str:
    slashed = text.replace("\\", "\\\\").replace(";", "\\;").replace(",", "\\,")
    return slashed.replace("\r\n", "\\n").replace("\n", "\\n")


def _folded(line: str) -> Iterator[str]:
    """The line in parts of at most 75 octets, the later ones behind a blank."""
    part = ""
    for letter in line:
        if len((part + letter).encode()) > _LONGEST:
            yield part
            part = " "
        part += letter
    yield part

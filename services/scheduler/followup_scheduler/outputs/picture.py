"""A simulation as a picture: a lane for each channel, a mark for each touch."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from html import escape
from zoneinfo import ZoneInfo

from followup_scheduler.core.simulation import SimulatedTouch, Simulation

_WIDTH, _LEFT, _RIGHT = 1000, 110, 30
_TOP, _LANE, _BOTTOM = 60, 64, 46
_COLOURS = {
    "sms": "#1b6ca8",
    "email": "#8a5a00",
    "voice": "#2e7d32",
    "whatsapp": "#00796b",
    "instagram": "#ad1457",
    "task": "#5d4037",
}
_MOST_TICKS = 16
_STEPS = (1, 2, 7, 14, 28, 61, 122, 365)
_DAY = timedelta(days=1)
_STYLE = (
    "text{font:12px system-ui,sans-serif;fill:#222}.name{font-weight:600}.dim{fill:#666}"
    ".grid{stroke:#ddd}.lane{stroke:#bbb}.cancelled{fill:#fff}"
)

Mark = tuple[datetime, str, str, bool]
"""When, its label, what a pointer over it is told, and whether it went out."""


def svg(simulation: Simulation) -> str:
    """The timeline as an SVG document of its own; local times of the first zone."""
    zone = ZoneInfo(simulation.zones[0])
    lanes = _lanes(simulation)
    first = simulation.started_at
    moments = [at for marks in lanes.values() for at, *_ in marks]
    last = max([first + _DAY, *moments])
    scale = _Scale(first, last)
    height = _TOP + _LANE * max(len(lanes), 1) + _BOTTOM
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {height}" role="img">',
        f"<title>{escape(simulation.sequence)}</title><style>{_STYLE}</style>",
        f'<rect width="{_WIDTH}" height="{height}" fill="#fff"/>',
        f'<text class="name" x="12" y="24">{escape(simulation.sequence)}</text>',
        f'<text class="dim" x="12" y="42">{escape(_from(simulation, zone))}</text>',
        *_grid(scale, zone, height=height),
    ]
    for number, (name, marks) in enumerate(lanes.items()):
        parts += _lane(name, marks, y=_TOP + _LANE * number + _LANE // 2, scale=scale)
    return "\n".join([*parts, "</svg>", ""])


class _Scale:
    """Moments to places on the paper."""

    def __init__(self, first: datetime, last: datetime) -> None:
        self.first = first
        self.last = last
        self._span = (last - first).total_seconds() or 1.0

    def x(self, at: datetime) -> float:
        share = (at - self.first).total_seconds() / self._span
        return round(_LEFT + share * (_WIDTH - _LEFT - _RIGHT), 1)


def _lanes(simulation: Simulation) -> dict[str, list[Mark]]:
    lanes: dict[str, list[Mark]] = {}
    for touch in simulation.touches:
        label = touch.template
        mark = (touch.due_at, label, _told(touch), touch.state == "sent")
        lanes.setdefault(touch.channel, []).append(mark)
    for each in simulation.tasks:
        told = f"{each.task.kind}: {each.task.reason}"
        lanes.setdefault("task", []).append((each.at, each.task.kind, told, True))
    return lanes


def _told(touch: SimulatedTouch) -> str:
    local = " / ".join(f"{at:%a %Y-%m-%d %H:%M %Z}" for _, at in sorted(touch.local.items()))
    return "\n".join([f"{touch.key.step}: {touch.template}, {touch.state}", local, *touch.moved_by])


def _from(simulation: Simulation, zone: ZoneInfo) -> str:
    started = simulation.started_at.astimezone(zone)
    ended = f"{simulation.state} ({simulation.end_reason})" if simulation.end_reason else ""
    return f"from {started:%a %Y-%m-%d %H:%M %Z} {ended or simulation.state}"


def _grid(scale: _Scale, zone: ZoneInfo, *, height: int) -> list[str]:
    """A line for a day, a week or a month, with its number and date."""
    days = (scale.last - scale.first) // _DAY + 1
    apart = next((step for step in _STEPS if days / step <= _MOST_TICKS), days)
    parts = []
    for day in range(0, days + 1, apart):
        at = scale.first + day * _DAY
        if at > scale.last:
            break
        x = scale.x(at)
        date = f"{at.astimezone(zone):%b %-d}"
        parts += [
            f'<line class="grid" x1="{x}" y1="{_TOP - 6}" x2="{x}" y2="{height - _BOTTOM + 4}"/>',
            f'<text x="{x}" y="{height - 26}" text-anchor="middle">day {day}</text>',
            f'<text class="dim" x="{x}" y="{height - 10}" text-anchor="middle">{date}</text>',
        ]
    return parts


def _lane(name: str, marks: Sequence[Mark], *, y: int, scale: _Scale) -> list[str]:
    colour = _COLOURS.get(name, "#444")
    end = _WIDTH - _RIGHT
    parts = [
        f'<text class="name" x="12" y="{y + 4}" style="fill:{colour}">{escape(name)}</text>',
        f'<line class="lane" x1="{_LEFT}" y1="{y}" x2="{end}" y2="{y}"/>',
    ]
    for number, (at, label, told, went) in enumerate(marks):
        x = scale.x(at)
        fill = f'fill="{colour}"' if went else 'class="cancelled"'
        above = y - 12 if number % 2 == 0 else y + 22
        anchor = "start" if x < _LEFT + 60 else "end" if x > end - 60 else "middle"
        parts += [
            f'<circle cx="{x}" cy="{y}" r="6" {fill} stroke="{colour}" stroke-width="2">',
            f"<title>{escape(told)}</title></circle>",
            f'<text x="{x}" y="{above}" text-anchor="{anchor}">{escape(label)}</text>',
        ]
    return parts

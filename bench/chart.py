"""A small writer of SVG charts: curves and bars.

Colours are of middle lightness and text takes the page's colour scheme, so that a chart
can be read on light and on dark.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

WIDTH, HEIGHT = 720, 400
LEFT, RIGHT, TOP, BOTTOM = 70, 24, 44, 56
COLOURS = ("#3b82f6", "#f97316", "#10b981", "#a855f7", "#ef4444")
STYLE = """<style>
text { font: 13px system-ui, sans-serif; fill: #374151 }
.title { font-size: 15px; font-weight: 600 }
.grid { stroke: #9ca3af; stroke-opacity: .35 }
@media (prefers-color-scheme: dark) { text { fill: #d1d5db } }
</style>"""


@dataclass(frozen=True)
class Chart:
    """Title and axes; a logarithmic axis has its ticks at powers of ten."""

    title: str
    x: str
    y: str
    log_x: bool = False
    log_y: bool = False


@dataclass(frozen=True)
class Line:
    """A named row of points."""

    name: str
    points: Sequence[tuple[float, float]]


@dataclass(frozen=True)
class Bars:
    """Named lengths, from the longest shown to the shortest as given."""

    title: str
    rows: Sequence[tuple[str, float]]


@dataclass(frozen=True)
class _Axis:
    """Values from `low` to `high`, laid between two pixels."""

    low: float
    high: float
    start: float
    end: float
    log: bool

    def at(self, value: float) -> float:
        """The pixel of a value."""
        low, high, here = (self._scaled(v) for v in (self.low, self.high, value))
        return self.start + (here - low) / ((high - low) or 1.0) * (self.end - self.start)

    def ticks(self) -> list[float]:
        """Round values between the ends."""
        if self.log:
            powers = range(math.floor(math.log10(self.low)), math.ceil(math.log10(self.high)) + 1)
            return [t for p in powers if self.low <= (t := 10.0**p) <= self.high]
        step = _step(self.high - self.low)
        return [n * step for n in range(math.ceil(self.low / step), int(self.high / step) + 1)]

    def _scaled(self, value: float) -> float:
        return math.log10(value) if self.log else value


def curve(chart: Chart, lines: Sequence[Line]) -> str:
    """Lines over two axes, named at the top."""
    xs = [x for line in lines for x, _ in line.points]
    ys = [y for line in lines for _, y in line.points]
    across = _Axis(*_ends(xs, log=chart.log_x, zero=False), LEFT, WIDTH - RIGHT, chart.log_x)
    up = _Axis(
        *_ends(ys, log=chart.log_y, zero=not chart.log_y), HEIGHT - BOTTOM, TOP + 24, chart.log_y
    )
    parts = [*_grid(across, up), *_names(chart)]
    for number, line in enumerate(lines):
        colour = COLOURS[number % len(COLOURS)]
        points = [(across.at(x), up.at(y)) for x, y in line.points]
        path = " ".join(f"{x:.1f},{y:.1f}" for x, y in points)
        parts.append(
            f'<polyline points="{path}" fill="none" stroke="{colour}" stroke-width="2.5"/>'
        )
        parts += [f'<circle cx="{x:.1f}" cy="{y:.1f}" r="4" fill="{colour}"/>' for x, y in points]
        left = LEFT + number * 215
        parts.append(f'<rect x="{left}" y="{TOP - 8}" width="12" height="12" fill="{colour}"/>')
        parts.append(f'<text x="{left + 18}" y="{TOP + 3}">{escape(line.name)}</text>')
    return _svg(parts, HEIGHT)


def bars(wanted: Bars) -> str:
    """A bar a row, with its number."""
    height = TOP + 36 * len(wanted.rows) + 16
    most = max(value for _, value in wanted.rows)
    parts = [f'<text x="16" y="24" class="title">{escape(wanted.title)}</text>']
    for number, (name, value) in enumerate(wanted.rows):
        y = TOP + 36 * number
        width = max(2.0, value / most * (WIDTH - 290))
        colour = COLOURS[number % len(COLOURS)]
        parts += [
            f'<text x="190" y="{y + 17}" text-anchor="end">{escape(name)}</text>',
            f'<rect x="200" y="{y}" width="{width:.1f}" height="24" rx="3" fill="{colour}"/>',
            f'<text x="{208 + width:.1f}" y="{y + 17}">{value:,.0f}</text>',
        ]
    return _svg(parts, height)


def _grid(across: _Axis, up: _Axis) -> list[str]:
    parts = []
    for tick in up.ticks():
        y = up.at(tick)
        parts.append(
            f'<line class="grid" x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{y:.1f}" y2="{y:.1f}"/>'
        )
        parts.append(f'<text x="{LEFT - 8}" y="{y + 4:.1f}" text-anchor="end">{_said(tick)}</text>')
    for tick in across.ticks():
        x, y = across.at(tick), HEIGHT - BOTTOM + 20
        parts.append(f'<text x="{x:.1f}" y="{y}" text-anchor="middle">{_said(tick)}</text>')
    return parts


def _names(chart: Chart) -> list[str]:
    middle = (LEFT + WIDTH - RIGHT) / 2
    return [
        f'<text x="16" y="24" class="title">{escape(chart.title)}</text>',
        f'<text x="{middle}" y="{HEIGHT - 12}" text-anchor="middle">{escape(chart.x)}</text>',
        f'<text x="16" y="{TOP + 22}">{escape(chart.y)}</text>',
    ]


def _ends(values: Sequence[float], *, log: bool, zero: bool) -> tuple[float, float]:
    low, high = min(values), max(values)
    if log:
        return 10.0 ** math.floor(math.log10(low)), 10.0 ** math.ceil(math.log10(high))
    return (0.0 if zero else low), high * 1.1 if zero else high


def _step(span: float) -> float:
    rough = span / 5 or 1.0
    power = 10.0 ** math.floor(math.log10(rough))
    return next(power * n for n in (1, 2, 5, 10) if power * n >= rough)


def _said(value: float) -> str:
    for size, letter in ((1e6, "M"), (1e3, "k")):
        if value >= size:
            return f"{value / size:g}{letter}"
    return f"{value:g}"


def _svg(parts: Sequence[str], height: float) -> str:
    body = "\n".join(parts)
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}"'
        f' width="{WIDTH}" height="{height}" role="img">\n{STYLE}\n{body}\n</svg>\n'
    )

"""A simulation as a page of its own: the picture, and a table of what moved each touch."""

from html import escape

from followup_scheduler.core.simulation import SimulatedTouch, Simulation
from followup_scheduler.outputs.picture import svg

_STYLE = (
    "body{font:15px/1.5 system-ui,sans-serif;margin:2rem auto;max-width:64rem;color:#222;"
    "padding:0 1rem}"
    "table{border-collapse:collapse;width:100%}th,td{text-align:left;padding:.4rem .6rem;"
    "border-bottom:1px solid #ddd;vertical-align:top}small{color:#666;display:block}"
    "svg{width:100%;height:auto}"
)
_HEADINGS = ("step", "channel", "local time", "UTC", "says", "what moved it", "state")


def page(simulation: Simulation) -> str:
    """An HTML document that needs nothing else."""
    name = escape(simulation.sequence)
    handed = f", handed to {escape(simulation.handed_to)}" if simulation.handed_to else ""
    reason = f" ({escape(simulation.end_reason)})" if simulation.end_reason else ""
    return "\n".join(
        [
            "<!DOCTYPE html>",
            f'<html lang="en"><head><meta charset="utf-8"><title>{name}</title>',
            f"<style>{_STYLE}</style></head><body>",
            f"<h1>{name}</h1>",
            svg(simulation),
            _table(simulation),
            *_skipped(simulation),
            *_tasks(simulation),
            f"<p>{escape(simulation.state)}{reason}{handed}</p>",
            "</body></html>",
            "",
        ]
    )


def _table(simulation: Simulation) -> str:
    head = "".join(f"<th>{heading}</th>" for heading in _HEADINGS)
    rows = "\n".join(_row(touch) for touch in simulation.touches)
    return f"<table><thead><tr>{head}</tr></thead><tbody>\n{rows}\n</tbody></table>"


def _row(touch: SimulatedTouch) -> str:
    local = "".join(
        f"{at:%a %Y-%m-%d %H:%M}<small>{escape(zone)}</small>"
        for zone, at in sorted(touch.local.items())
    )
    moved = "".join(f"<small>{escape(reason)}</small>" for reason in touch.moved_by)
    call = f" ({escape(touch.call)})" if touch.call else ""
    cells = (
        escape(touch.key.step),
        escape(touch.channel),
        local,
        f"{touch.due_at:%Y-%m-%d %H:%M}",
        escape(touch.template),
        moved,
        f"{escape(touch.state)}{call}",
    )
    return "<tr>" + "".join(f"<td>{cell}</td>" for cell in cells) + "</tr>"


def _skipped(simulation: Simulation) -> list[str]:
    if not simulation.skipped:
        return []
    items = "".join(
        f"<li>{escape(s.key.channel)} of {escape(s.key.step)}: {escape(s.reason)}</li>"
        for s in simulation.skipped
    )
    return ["<h2>Skipped</h2>", f"<ul>{items}</ul>"]


def _tasks(simulation: Simulation) -> list[str]:
    if not simulation.tasks:
        return []
    items = "".join(
        f"<li>{escape(t.task.kind)}, due {t.task.due_at:%Y-%m-%d %H:%M} UTC:"
        f" {escape(t.task.reason)}</li>"
        for t in simulation.tasks
    )
    return ["<h2>Tasks</h2>", f"<ul>{items}</ul>"]

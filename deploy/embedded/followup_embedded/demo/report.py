"""The demo's report, for people."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

from followup_embedded.demo import figures
from followup_embedded.demo.play import Outcome

_WHY_MOST = 90
_SHOWN = 20


def show(outcome: Outcome, console: Console) -> None:
    """Print all of it."""
    console.rule("[bold]What came in")
    console.print(_imported(outcome))
    console.rule("[bold]What went out")
    console.print(_touches(outcome))
    console.print(_deferrals(outcome))
    console.print(_not_sent(outcome))
    console.rule("[bold]What came back")
    console.print(_replies(outcome))
    console.rule("[bold]How it ended")
    console.print(_endings(outcome))
    console.rule("[bold]One lead's whole story")
    console.print(_timeline(outcome.timeline))
    console.rule("[bold]The judge")
    _judge(outcome, console)


def _imported(outcome: Outcome) -> Table:
    taken = outcome.imported
    table = Table("rows", "number", "why", title=f"{taken['rows']} rows of the file")
    table.add_row("imported", str(taken["accepted"] - taken["merged"]), "leads of their own")
    table.add_row("merged", str(taken["merged"]), "phone or e-mail of an earlier row")
    for reason, number in sorted(taken["reasons"].items(), key=lambda pair: -pair[1]):
        refused = {row["reason"] for row in outcome.refusals}
        if reason not in refused and reason not in ("ok", "duplicate"):
            table.add_row("  with a remark", str(number), reason)
    for row in outcome.refusals:
        table.add_row("refused", str(row["number"]), row["reason"], style="red")
    return table


def _touches(outcome: Outcome) -> Table:
    table = Table("day", "sms", "email", "voice", "", title="Touches by channel and day")
    days = figures.by_channel_and_day(outcome)
    most = max((sum(day.values()) for day in days.values()), default=1)
    for number, day in days.items():
        bar = "█" * max(1, round(sum(day.values()) * 40 / most))
        cells = [str(day[channel] or "") for channel in ("sms", "email", "voice")]
        table.add_row(str(number), *cells, Text(bar, style="cyan"))
    return table


def _deferrals(outcome: Outcome) -> Table:
    table = Table("rule", "when", "touches", title="Moved or put off, by rule")
    for (when, rule), number in figures.deferrals(outcome).most_common():
        table.add_row(rule, when, str(number))
    return table


def _not_sent(outcome: Outcome) -> Table:
    table = Table("state", "why", "touches", title="Planned by the sequence, not sent")
    for (state, why), number in figures.not_sent(outcome).most_common():
        table.add_row(state, why, str(number))
    return table


def _replies(outcome: Outcome) -> Table:
    table = Table("intent", "replies", "opt-outs", title="Replies by intent")
    for row in outcome.intents:
        table.add_row(row["intent"], str(row["number"]), str(row["opt_outs"] or ""))
    table.add_section()
    table.add_row("addresses that opted out", str(outcome.opt_outs))
    table.add_row("bookings", str(outcome.bookings))
    return table


def _endings(outcome: Outcome) -> Table:
    table = Table("sequence", "state", "why", "leads", title="Enrollments")
    for row in outcome.endings:
        table.add_row(row["sequence"], row["state"], row["end_reason"], str(row["number"]))
    return table


def _timeline(timeline: Mapping[str, Any]) -> Table:
    zones = timeline["zones"]
    title = f"Lead {timeline['lead_id']} ({', '.join(zones)})"
    table = Table("local time", "step", "what", "why", title=title)
    for item in timeline["items"]:
        local = next(iter(item["local"].values()), item["at"])
        step = " ".join(filter(None, (item["step"], item["channel"])))
        table.add_row(local[:16].replace("T", " "), step, item["what"], _why(item["why"]))
    return table


def _why(why: Mapping[str, Any]) -> str:
    told = {"moved_by", "reason", "rule", "result", "intent", "end_reason", "waits_until", "for"}
    parts = [f"{name}: {_plain(value)}" for name, value in why.items() if name in told and value]
    text = "; ".join(parts)
    return text if len(text) <= _WHY_MOST * 3 else text[: _WHY_MOST * 3] + " …"


def _plain(value: Any) -> str:
    if isinstance(value, list):
        return " ".join(map(str, value))
    text = str(value)
    return text[:16].replace("T", " ") if text[4:5] == "-" and "T" in text[:11] else text


def _judge(outcome: Outcome, console: Console) -> None:
    told = figures.summary(outcome)
    quick = figures.first_touches(outcome)
    console.print(
        f"First touch of the {len(quick)} leads who could have it at once: "
        f"{told['first_touch_seconds_p50']} s after they were enrolled (median, business time)."
    )
    days = (outcome.ended - outcome.began).days
    console.print(f"{days} days of business time in {told['seconds']} s, {outcome.jumps} jumps.")
    for line in _accusations(outcome):
        console.print(line, style="red")
    good = not (told["rule_violations"] or told["lost"] or told["duplicates"])
    console.print(
        f"{told['touches']} touches, {told['rule_violations']} of them broke a rule; "
        f"{told['lost']} lost, {told['duplicates']} sent twice.",
        style="bold green" if good else "bold red",
    )


def _accusations(outcome: Outcome) -> Iterable[str]:
    broken: Sequence[Any] = outcome.violations[:_SHOWN]
    for violation in broken:
        yield f"{violation.rule}: touch {violation.touch_id}: {violation.told}"
    for fate in outcome.lost[:_SHOWN]:
        yield f"lost: {fate.what} {fate.id} is {fate.state} ({fate.reason or 'no reason'})"

"""The figures as SVG under docs/performance, readable on light and on dark pages.

    pictures.py [bench.json]   → draws them anew

Two runs with the same figures give the same files: nothing in them tells of a time or a
machine.
"""

import json
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from chart import Bars, Chart, Line, bars, curve

ROOT = Path(__file__).resolve().parent.parent
FOLDER = ROOT / "docs" / "performance"


def draw(figures: Mapping[str, Any], folder: Path = FOLDER) -> None:
    """Draw every picture whose figures are there."""
    folder.mkdir(parents=True, exist_ok=True)
    if points := figures.get("throughput_by_batch"):
        (folder / "throughput.svg").write_text(throughput(points))
    if "raw_per_s" in figures:
        (folder / "peers.svg").write_text(peers(figures))
    if "timer_lateness_ms" in figures and "lead_percentiles_ms" in figures:
        (folder / "latency.svg").write_text(latency(figures))
    if points := figures.get("claim_cost"):
        (folder / "claims.svg").write_text(claims(points))


def throughput(points: Sequence[Mapping[str, Any]]) -> str:
    """Touches per second against messages per batch."""
    chart = Chart("Touches per second by batch size", "messages a batch", "touches/s", log_x=True)
    lines = [
        Line(name, [(p["batch"], p["per_s"]) for p in points if p["pipeline"] == key])
        for key, name in (("raw", "raw pipeline"), ("full", "full path"))
    ]
    return curve(chart, lines)


def peers(figures: Mapping[str, Any]) -> str:
    """Touches per second of everybody."""
    named = {
        "raw pipeline": "raw_per_s",
        "full path": "full_per_s",
        "Celery, send half": "celery_per_s",
        "procrastinate, send half": "procrastinate_per_s",
        "DBOS, send half": "dbos_per_s",
    }
    rows = [(name, figures[key]) for name, key in named.items() if key in figures]
    return bars(Bars("Touches per second", rows))


def latency(figures: Mapping[str, Any]) -> str:
    """Milliseconds by percentile: speed to lead, timers, STOPs."""
    chart = Chart("Latency by percentile", "percentile", "ms", log_y=True)
    named = {
        "lead to provider, 100/s": "lead_percentiles_ms",
        "timer lateness, 500/s": "timer_lateness_ms",
        "STOP acknowledged, full load": "stop_percentiles_ms",
    }
    return curve(
        chart,
        [
            Line(name, [(float(share), ms) for share, ms in figures[key].items()])
            for name, key in named.items()
            if key in figures
        ],
    )


def claims(points: Sequence[Mapping[str, Any]]) -> str:
    """Milliseconds of a batch against armed timers."""
    chart = Chart("Cost of claiming 500 due timers", "armed timers", "ms", log_x=True)
    named = {"ms_of_500": "longest due first", "ms_of_500_shared": "in shares, when behind"}
    return curve(
        chart, [Line(name, [(p["armed"], p[key]) for p in points]) for key, name in named.items()]
    )


if __name__ == "__main__":
    source = Path(sys.argv[1]) if len(sys.argv) > 1 else ROOT / ".followup" / "bench.json"
    draw(json.loads(source.read_text()))

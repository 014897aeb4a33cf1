"""The tables of docs/performance.md, written by a whole run between their marks.

page.py [bench.json]   → writes them anew
"""

import json
import os
import platform
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
PAGE = ROOT / "docs" / "performance.md"

TARGETS = {
    "full_to_raw": "≥ 0.6",
    "full_to_raw_by_processor": "",
    "full_to_celery": "≥ 2.5",
    "raw_to_celery": "≥ 4",
    "lead_p50_ms": "≤ 20",
    "lead_p95_ms": "",
    "lead_p99_ms": "≤ 100",
    "timer_lateness_p99_ms": "≤ 250",
    "scheduler_memory_mb": "< 150",
    "scheduler_memory_grown_mb": "flat",
    "claim_cost_5m_to_50k": "≤ 1.3",
    "claim_cost_shared_5m_to_50k": "",
    "ndjson_leads_per_s": "≥ 5,000",
    "ndjson_leads_per_s_with_fleet": "",
    "post_leads_per_s": "≥ 700",
    "post_leads_per_s_with_fleet": "",
    "stop_ack_p50_ms": "",
    "stop_ack_p99_ms": "≤ 400",
    "statements_per_touch": "",
    "statements_that_grow_with_touches": "0",
    "scale_3_to_1": "≥ 2.7",
    "fairness_delay_p99_ms": "< 1,000",
    "fairness_hanging_ratio": "",
    "raw_per_s": "",
    "full_per_s": "",
    "celery_per_s": "",
    "procrastinate_per_s": "",
    "dbos_per_s": "",
}
PICTURES = {
    "peers": "Touches per second",
    "throughput": "Touches per second by batch size",
    "latency": "Latency by percentile",
    "claims": "Cost of claiming due timers",
}
MOST_STATEMENTS = 30


def write(figures: Mapping[str, Any], page: Path = PAGE) -> None:
    """Put the tables of these figures into the page; the rest of it stays."""
    content = page.read_text()
    shown = "\n\n".join([_machine(), _figures(figures), *_pictures(page.parent)])
    content = _between(content, "figures", shown)
    content = _between(content, "processor", _processor(figures))
    content = _between(content, "lead", _lead(figures.get("lead_reached_p50_ms", {})))
    content = _between(content, "statements", _statements(figures.get("statements", [])))
    page.write_text(content)


def _pictures(docs: Path) -> list[str]:
    """Those that have been drawn."""
    return [
        f"![{title}](performance/{name}.svg)"
        for name, title in PICTURES.items()
        if (docs / "performance" / f"{name}.svg").exists()
    ]


def _between(content: str, name: str, table: str) -> str:
    begin, end = f"<!-- {name} -->", f"<!-- /{name} -->"
    before, _, rest = content.partition(begin)
    _, found, after = rest.partition(end)
    if not found:
        raise ValueError(f"the page has no place for {name}")
    return f"{before}{begin}\n{table}\n{end}{after}"


def _machine() -> str:
    cpu = next(
        (
            line.partition(":")[2].strip()
            for line in Path("/proc/cpuinfo").read_text().splitlines()
            if line.startswith("model name")
        ),
        platform.machine(),
    )
    return (
        f"{os.cpu_count()} cores ({cpu}), {platform.system()}, Python {platform.python_version()}."
    )


def _figures(figures: Mapping[str, Any]) -> str:
    rows = [
        f"| `{name}` | {figures[name]} | {target} |"
        for name, target in TARGETS.items()
        if name in figures
    ]
    return "\n".join(["| figure | value | target |", "|---|---:|---:|", *rows])


def _processor(figures: Mapping[str, Any]) -> str:
    kinds = [
        figures.get(name, {})
        for name in ("full_cpu_ms_per_touch", "raw_cpu_ms_per_touch", "lead_cpu_ms")
    ]
    names = [*sorted(set().union(*kinds) - {"all"}), "all"]
    rows = [
        f"| {name} | {' | '.join(str(kind.get(name, '')) for kind in kinds)} |" for name in names
    ]
    head = "| process | full path, ms | raw, ms | a lead over HTTP and its touch, ms |"
    return "\n".join([head, "|---|---:|---:|---:|", *rows])


def _lead(reached: Mapping[str, float]) -> str:
    rows = [f"| {moment} | {ms} |" for moment, ms in reached.items()]
    return "\n".join(["| moment | ms after it was posted, p50 |", "|---|---:|", *rows])


def _statements(rows: list[Mapping[str, Any]]) -> str:
    lines = [
        f"| {row['service']} | `{_cell(row['statement'])}` | {row['calls_per_touch']} |"
        f" {row['rows_per_call']} | {row['grows']} |"
        for row in rows[:MOST_STATEMENTS]
    ]
    head = "| service | statement | calls a touch | rows a call | grows |"
    return "\n".join([head, "|---|---|---:|---:|---|", *lines])


def _cell(statement: str) -> str:
    """Code within a cell; a bar would end it."""
    return statement.replace("|", r"\|")


if __name__ == "__main__":
    source = Path(sys.argv[1]) if len(sys.argv) > 1 else ROOT / ".followup" / "bench.json"
    write(json.loads(source.read_text()))

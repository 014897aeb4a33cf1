"""How long `followup simulate` takes over D1 for a file of leads who are all different.

    python bench/simulate.py [LEADS]

Two files: a table such as an import takes, each row with a name, a number and a need of its
own, and JSON lines of which each comes in at a moment of its own, so that no two go the same
way. What is printed is in seconds, the start of the command and the reading included.
"""

import csv
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

LEADS = 10_000
START = datetime(2026, 11, 2, 15, tzinfo=UTC)
APART = timedelta(seconds=61)
PLACES = (
    *(("NY", "212"), ("CA", "415"), ("TX", "512"), ("FL", "305"), ("WA", "206"), ("IL", "312")),
    *(("AZ", "602"), ("CO", "303"), ("GA", "404"), ("TN", "615"), ("IN", "317"), ("MA", "617")),
    *(("MI", "313"), ("OR", "503"), ("NV", "702"), ("LA", "504"), ("PA", "215"), ("OK", "405")),
)
SOURCES = ("facebook_lead_ad", "web_form", "google_lsa", "referral")


def main(leads: int) -> None:
    """Write the files, play them, print."""
    with tempfile.TemporaryDirectory() as folder:
        table, lines = Path(folder) / "leads.csv", Path(folder) / "leads.jsonl"
        with table.open("w", newline="") as opened:
            rows = csv.DictWriter(opened, (*next(_leads(1)), "first_name", "email", "need"))
            rows.writeheader()
            rows.writerows(
                {**lead, "first_name": f"Robin {n}", "email": f"r{n}@example.com", "need": f"{n}"}
                for n, lead in enumerate(_leads(leads))
            )
        with lines.open("w") as opened:
            for number, lead in enumerate(_leads(leads)):
                moment = (START + number * APART).isoformat()
                opened.write(json.dumps({"lead": lead, "start": moment}) + "\n")
        print(json.dumps({"leads": leads, "table_s": _play(table), "moments_s": _play(lines)}))


def _leads(leads: int) -> Iterator[dict[str, str]]:
    for number in range(leads):
        state, area = PLACES[number % len(PLACES)]
        yield {
            "phone": f"+1{area}{2_000_000 + number * 13 % 8_000_000}",
            "source": SOURCES[number % len(SOURCES)],
            "state": state,
            "country": "US",
            "consent": "yes",
        }


def _play(file: Path) -> float:
    begin = time.perf_counter()
    command = (sys.executable, "-m", "followup_embedded", "simulate", "d1", "--lead", str(file))
    told = subprocess.run((*command, "--json"), stdout=subprocess.PIPE, check=True)
    taken = time.perf_counter() - begin
    if json.loads(told.stdout)["leads"] == 0:
        raise RuntimeError("nobody was played")
    return round(taken, 1)


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else LEADS)

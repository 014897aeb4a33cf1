import json
import subprocess
import sys
from itertools import islice
from pathlib import Path

EXAMPLE = Path(__file__).parents[3] / "examples" / "leads.csv"
KEYS = {
    "imported",
    "merged",
    "refused",
    "touches",
    "replies",
    "opt_outs",
    "bookings",
    "rule_violations",
    "lost",
    "duplicates",
    "first_touch_seconds_p50",
    "seconds",
}


def test_twenty_leads_go_through_their_whole_sequences(folder):
    """From an empty folder: everybody is followed up to the end, and no rule is broken."""
    few = folder / "leads.csv"
    with EXAMPLE.open(encoding="utf-8-sig", newline="") as whole:
        few.write_text("".join(islice(whole, 22)), encoding="utf-8")

    ran = subprocess.run(  # noqa: S603 - our own command
        [
            *(sys.executable, "-m", "followup_embedded", "demo", "--json"),
            *("--leads", str(few), "--folder", str(folder / "played")),
        ],
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )

    assert ran.returncode == 0, ran.stderr[-2000:]
    told = json.loads(ran.stdout)
    assert told == json.loads((folder / "played" / "demo.json").read_text())
    assert told.keys() == KEYS
    assert (told["rule_violations"], told["lost"], told["duplicates"]) == (0, 0, 0)
    assert told["imported"] >= 15
    assert told["touches"] > 2 * told["imported"]

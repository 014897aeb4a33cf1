"""`followup lint`, `sequences` and `simulate`, as people and pipelines call them."""

import json
import os
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
START = ("--start", "2026-11-02T10:00:00-05:00")
LEADS = """{"state": "NY", "country": "US", "phone": "+12125550100"}
{"lead": {"state": "CA", "country": "US"}, "calls": {"day-1": "voicemail_left"}}
"""


def followup(*args: str) -> subprocess.CompletedProcess[str]:
    clean = {name: value for name, value in os.environ.items() if not name.startswith("FOLLOWUP_")}
    return subprocess.run(  # noqa: S603 - our own command
        [sys.executable, "-m", "followup_embedded", *args],
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
        env=clean,
    )


def test_many_leads_are_added_up(tmp_path):
    """JSON lines with two leads: fourteen touches, and how long a slow line takes for them."""
    leads = tmp_path / "leads.jsonl"
    leads.write_text(LEADS)

    told = followup("simulate", "d1", "--lead", str(leads), *START, "--rate", "sms=1/m", "--json")

    added = json.loads(told.stdout)
    assert (told.returncode, added["leads"], added["touches"]) == (0, 2, 14)
    assert added["drain"][0]["channel"] == "sms"


def test_a_crowd_no_two_of_whom_go_the_same_way_is_added_up(tmp_path):
    """So many that several processes share the work: all are counted, from first to last."""
    leads = tmp_path / "leads.jsonl"
    starts = [
        datetime(2026, 11, 2, 15, tzinfo=UTC) + n * timedelta(seconds=7) for n in range(1_001)
    ]
    lead = {"state": "NY", "country": "US", "phone": "+12125550100"}
    leads.write_text(
        "".join(json.dumps({"lead": lead, "start": at.isoformat()}) + "\n" for at in starts)
    )

    told = followup("simulate", "d1", "--lead", str(leads), "--json")

    added = json.loads(told.stdout)
    assert (told.returncode, added["leads"], added["touches"]) == (0, 1_001, 7_007)
    assert added["first"] == starts[0].isoformat()
    assert set(added["steps"].values()) == {1_001}


@pytest.mark.parametrize(
    ("option", "begins"),
    [("--ics", "BEGIN:VCALENDAR"), ("--svg", "<svg"), ("--html", "<!DOCTYPE html>")],
)
def test_a_simulation_is_drawn(option, begins):
    """A calendar for any calendar, a picture, a page; nothing else on stdout."""
    told = followup("simulate", "d1", *START, option)

    assert (told.returncode, told.stderr) == (0, "")
    assert told.stdout.startswith(begins)


def test_a_what_if_changes_the_calendar():
    """Who is interested two hours after the first text hears nothing more, and is a task."""
    told = followup(
        "simulate", "d1", *START, "--json", "--when", "day-0: reply.interested after 2h"
    )

    played = json.loads(told.stdout)
    assert (played["state"], played["end_reason"]) == ("halted", "interested")
    assert played["tasks"]


def test_lint_tells_people_and_machines(tmp_path):
    """JSON with rule and line, and SARIF with the same."""
    bad = tmp_path / "bad.yaml"
    good = (ROOT / "examples" / "first-sequence.yaml").read_text()
    bad.write_text(good.replace("Thank you.", "Just checking in."))

    ran = followup("lint", str(bad), "--json")
    (told,) = json.loads(ran.stdout)
    (run,) = json.loads(followup("lint", str(bad), "--sarif").stdout)["runs"]

    place = run["results"][0]["locations"][0]["physicalLocation"]
    assert ran.returncode == 1
    assert [finding["rule"] for finding in told["findings"]] == ["R9-idle-phrase"]
    assert told["findings"][0]["line"] == place["region"]["startLine"]


def test_lint_checks_the_others_when_one_cannot_be_opened(tmp_path):
    """A missing file and a directory are wrong use, told each in a line; the rest is checked."""
    empty = tmp_path / "empty.yaml"
    empty.write_text("")

    told = followup("lint", "nosuch.yaml", str(tmp_path), str(empty), "d1")

    assert told.returncode == 2
    assert "nosuch.yaml: No such file" in told.stderr
    assert "Is a directory" in told.stderr
    assert told.stdout.startswith(f"{empty}:1: error document")


def test_a_copy_of_the_library_can_be_checked(tmp_path):
    """`sequences copy` writes what `lint` finds clean, and writes over nothing."""
    file = tmp_path / "mine.yaml"

    assert followup("sequences", "copy", "a1", str(file)).returncode == 0
    assert followup("lint", str(file), "--strict").returncode == 0
    assert followup("sequences", "copy", "a1", str(file)).returncode == 1
    assert json.loads(followup("sequences", "show", "a1", "--json").stdout)["key"] == "a1"

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
COMMANDS = (
    *("demo", "up", "run", "migrate", "import", "sequences", "lint"),
    *("simulate", "intents", "dead", "tenant", "key", "account"),
)


def followup(*args: str, **environ: str) -> subprocess.CompletedProcess[str]:
    clean = {name: value for name, value in os.environ.items() if not name.startswith("FOLLOWUP_")}
    return subprocess.run(  # noqa: S603 - our own command
        [sys.executable, "-m", "followup_embedded", *args],
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
        env=clean | environ,
    )


def test_help_names_every_command():
    """`followup --help` lists all commands and an example."""
    told = followup("--help")

    assert told.returncode == 0
    assert all(f"\n  {name} " in told.stdout for name in COMMANDS)
    assert "Example: followup demo" in told.stdout


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_has_help_with_an_example(name):
    """`--help` works everywhere and shows how the command is used."""
    told = followup(name, "--help")

    assert told.returncode == 0
    assert "Example: " in told.stdout


def test_a_dry_run_judges_every_row_without_a_database(tmp_path):
    """One JSON object a row on stdout, the summary on stderr; nothing is written."""
    told = followup(
        *("import", str(ROOT / "examples" / "leads.csv"), "--dry-run", "--json"),
        FOLLOWUP_DATABASE_URL="postgresql://127.0.0.1:1/nobody",
        FOLLOWUP_DATA_DIR=str(tmp_path / "data"),
    )

    rows = [json.loads(line) for line in told.stdout.splitlines()]
    assert told.returncode == 0
    assert [row["row"] for row in rows] == list(range(1, 401))
    assert {row["verdict"] for row in rows} == {"accept", "accept_with_warning", "reject"}
    assert "400 rows" in told.stderr
    assert not (tmp_path / "data").exists()


def test_a_dry_run_reads_the_ad_platforms_export(tmp_path):
    """UTF-16 with a byte order mark, tab-separated, prefixed ids and phones."""
    file = tmp_path / "export.csv"
    header = "id\tcreated_time\tplatform\tfull_name\tphone_number\temail\n"
    row = "l:1\t2026-10-20T10:00:00-05:00\tfb\tAda Lovelace\tp:+12125550123\tada@example.com\n"
    file.write_text(header + row, encoding="utf-16")

    told = followup("import", str(file), "--dry-run", "--json")

    (found,) = map(json.loads, told.stdout.splitlines())
    assert (found["first_name"], found["phone_e164"]) == ("Ada", "+12125550123")


def test_a_file_that_is_no_table_is_refused(tmp_path):
    """Exit 1 with one line that says what it is."""
    file = tmp_path / "photo.csv"
    file.write_bytes(b"\x89PNG\r\n\x1a\n" + bytes(100))

    told = followup("import", str(file), "--dry-run", "--json")

    assert (told.returncode, told.stdout) == (1, "")
    assert "an image" in told.stderr


@pytest.mark.parametrize(
    ("args", "environ", "named"),
    [
        (("run", "intake"), {}, "FOLLOWUP_DATABASE_URL"),
        (
            ("run", "intake"),
            {"FOLLOWUP_DATABASE_URL": "postgresql://127.0.0.1/x"},
            "FOLLOWUP_AMQP_URL",
        ),
        (("up",), {"FOLLOWUP_HTTP_PORT": "eighty"}, "FOLLOWUP_HTTP_PORT"),
        (
            ("tenant", "list"),
            {"FOLLOWUP_DATABASE_URL": "postgresql://127.0.0.1:1/x"},
            "FOLLOWUP_DATABASE_URL",
        ),
        (("simulate", "d1", "--start", "yesterday"), {}, "--start"),
        (("simulate", "nosuch.yaml"), {}, "FILE"),
        (("simulate", "d1", "--when", "day-0: nonsense"), {}, "--when"),
        (("simulate", "d1", "--when", "nowhere: reply.other"), {}, "--when"),
        (("simulate", "d1", "--rate", "sms=fast"), {}, "--rate"),
        (("sequences", "show", "nosuch"), {}, "KEY"),
    ],
)
def test_wrong_use_is_one_line_that_names_it(args, environ, named):
    """Exit 2; one line on stderr names the variable or the argument."""
    told = followup(*args, **environ)

    assert (told.returncode, told.stdout) == (2, "")
    assert len(told.stderr.splitlines()) == 1
    assert named in told.stderr


def test_a_document_with_faults_is_a_finding(tmp_path):
    """`lint` exits 1 and names file and line; a good one exits 0."""
    bad = tmp_path / "bad.yaml"
    bad.write_text("format: 1\nkey: bad\nname: Bad\nsteps: []\ntemplates: {}\n")

    told = followup("lint", str(ROOT / "examples" / "first-sequence.yaml"), str(bad))

    assert told.returncode == 1
    assert all(line.startswith(f"{bad}:") for line in told.stdout.splitlines())
    assert followup("lint", "d1").returncode == 0


def test_a_simulation_is_a_calendar(tmp_path):
    """The example's three touches, in order, for the lead that is described."""
    lead = tmp_path / "lead.yaml"
    lead.write_text("lead: {state: NY, country: US}\ncalls: {third-day: voicemail_left}\n")

    told = followup(
        *("simulate", str(ROOT / "examples" / "first-sequence.yaml"), "--json"),
        *("--lead", str(lead), "--start", "2026-11-02T10:00:00-05:00"),
    )

    played = json.loads(told.stdout)
    assert told.returncode == 0
    assert [touch["channel"] for touch in played["touches"]] == ["sms", "email", "voice"]
    assert played["zones"] == ["America/New_York"]


def test_labelled_replies_are_compared_and_unreadable_lines_named(tmp_path):
    """Objects a reply and the figures last; a line that is no reply is named by its number."""
    file = tmp_path / "replies.jsonl"
    file.write_text(
        '{"id": "a", "channel": "sms", "body": "STOP", "intent": "opt_out", "opt_out": true}\n'
        '\n{"channel": "fax", "body": ""}\n{"channel": "sms"}\n[1]\nnonsense\n'
        '{"id": 7, "channel": "sms", "body": "not interested", "intent": "interested"}\n'
    )

    told = followup("intents", str(file), "--json")
    shown = followup("intents", str(file))

    first, second, figures = map(json.loads, told.stdout.splitlines())
    assert (first["id"], first["intent"], first["opt_out"]) == ("a", "opt_out", True)
    assert {"confidence", "until"} <= first.keys() & second.keys()
    assert (first["confidence"], first["until"]) == (0.99, None)
    assert second["id"] == "7"
    assert (figures["rows"], figures["accuracy"], figures["unreadable"]) == (2, 0.5, 4)
    assert [line.split(":")[0] for line in told.stderr.splitlines()[:4]] == [
        f"line {number}" for number in (3, 4, 5, 6)
    ]
    assert told.returncode == 1
    assert "misses: 1\n  7: not_interested" in shown.stdout


def test_replies_without_labels_are_read_all_the_same(tmp_path):
    """Nobody need label replies; an empty file is no fault."""
    file = tmp_path / "replies.jsonl"
    file.write_text('\ufeff{"channel": "sms", "body": "Stop please", "id": "a"}', encoding="utf-8")

    assert followup("intents", str(file)).stdout == "a: opt_out (0.99), opt-out\n"
    assert json.loads(followup("intents", str(file), "--json").stdout.splitlines()[-1])["rows"] == 0
    file.write_text("")
    assert followup("intents", str(file)).returncode == 0


def test_a_copied_sequence_is_a_good_document(tmp_path):
    """`sequences copy` writes what `lint` accepts, and never over a file that is there."""
    file = tmp_path / "mine.yaml"

    assert followup("sequences", "copy", "d1", str(file)).returncode == 0
    assert followup("lint", str(file)).returncode == 0
    assert followup("sequences", "copy", "d2-cold", str(file)).returncode == 1
    assert "key: d1\n" in file.read_text()

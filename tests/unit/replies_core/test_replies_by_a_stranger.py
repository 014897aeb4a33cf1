"""What is heard of a stranger: a set written blind, read once, and learnt from by nothing.

`replies_by_a_stranger.tsv`: intent, whether it ends the messages, channel, language, text. It
is kept out of the sayings and out of the rules; who learns from it takes another in its place.
"""

from datetime import UTC, datetime
from pathlib import Path

from followup_replies.core.intents import INTENTS
from followup_replies.core.reading import InboundText, read
from followup_replies.core.scores import Row, evaluate

FILE = Path(__file__).parent / "data/replies_by_a_stranger.tsv"
NOW = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)


def rows() -> list[Row]:
    found = []
    for number, line in enumerate(FILE.read_text(encoding="utf-8").splitlines(), start=1):
        label, stops, channel, _, text = line.split("\t")
        body, subject = text.replace("\\n", "\n"), None
        if body.startswith("Subject: "):
            subject, _, body = body.removeprefix("Subject: ").partition("\n\n")
        told = InboundText(channel=channel, body=body, subject=subject)  # type: ignore[arg-type] # from the file
        intent = next(known for known in INTENTS if known == label)
        reading = read(told, received=NOW)
        found.append(Row(id=str(number), reading=reading, intent=intent, opt_out=stops == "1"))
    return found


def test_of_a_stranger_no_less_is_heard_than_before() -> None:
    """No change hears less, or mistakes more, than 0.923 / 0.957 and a macro-F1 of 0.867."""
    evaluation = evaluate(rows())
    assert evaluation.opt_out.recall >= 0.91
    assert evaluation.opt_out.precision >= 0.945
    assert evaluation.macro_f1 >= 0.855

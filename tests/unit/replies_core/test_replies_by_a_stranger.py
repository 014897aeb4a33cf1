"""What is heard of strangers: sets written blind, and learnt from by nothing.

Intent, whether it ends the messages, channel, language, text; `replies_by_a_stranger.tsv` was
written to be hard, `replies_of_an_inbox.tsv` is four sets of 500 as an ordinary day brings them,
`replies_of_nine_inboxes.tsv` nine such sets by as many more writers.
They are kept out of the sayings; who learns from one takes another in its place.
"""

from datetime import UTC, datetime
from pathlib import Path

from followup_replies.core.intents import INTENTS
from followup_replies.core.reading import InboundText, read
from followup_replies.core.scores import Row, evaluate

DATA = Path(__file__).parent / "data"
NOW = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)


def rows(name: str) -> list[Row]:
    found = []
    for number, line in enumerate((DATA / name).read_text(encoding="utf-8").splitlines(), start=1):
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
    """No change hears less, or mistakes more, than 0.951 / 0.951 and a macro-F1 of 0.898."""
    evaluation = evaluate(rows("replies_by_a_stranger.tsv"))
    assert evaluation.opt_out.recall >= 0.937
    assert evaluation.opt_out.precision >= 0.94
    assert evaluation.macro_f1 >= 0.885


def test_of_an_inbox_no_less_is_heard_than_before() -> None:
    """No change hears less, or mistakes more, than 1.000 / 0.979 and a macro-F1 of 0.966."""
    evaluation = evaluate(rows("replies_of_an_inbox.tsv"))
    assert evaluation.opt_out.recall >= 0.995
    assert evaluation.opt_out.precision >= 0.975
    assert evaluation.macro_f1 >= 0.96


def test_of_nine_inboxes_no_less_is_heard_than_before() -> None:
    """No change hears less, or mistakes more, than 0.999 / 0.980 and a macro-F1 of 0.959."""
    evaluation = evaluate(rows("replies_of_nine_inboxes.tsv"))
    assert evaluation.opt_out.recall >= 0.995
    assert evaluation.opt_out.precision >= 0.975
    assert evaluation.macro_f1 >= 0.94

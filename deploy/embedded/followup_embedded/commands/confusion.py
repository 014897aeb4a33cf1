"""Figures of read replies as a person looks at them."""

from collections.abc import Iterable, Sequence

from followup_replies.core.intents import INTENTS
from followup_replies.core.scores import Evaluation, Row, evaluate


def plain_figures(rows: Sequence[Row]) -> str:
    """Give confusion matrix, figures and misses; without labels what was read."""
    evaluation = evaluate(rows)
    if not evaluation.rows and not evaluation.opt_out.support:
        return "\n".join(_told(row) for row in rows)
    parts = (_matrix(evaluation), _figures(evaluation), _misses(rows))
    return "\n\n".join("\n".join(part) for part in parts)


def _told(row: Row) -> str:
    reading = row.reading
    stop = ", opt-out" if reading.opt_out else ""
    until = f", until {reading.until}" if reading.until else ""
    return f"{row.id}: {reading.intent} ({reading.confidence}){stop}{until}"


def _matrix(evaluation: Evaluation) -> Iterable[str]:
    yield "labelled \\ read".ljust(16) + "".join(f"{intent[:7]:>8}" for intent in INTENTS)
    for label in INTENTS:
        got = evaluation.confusion[label]
        if got:
            yield label.ljust(16) + "".join(f"{got.get(intent, 0) or '.':>8}" for intent in INTENTS)


def _figures(evaluation: Evaluation) -> Iterable[str]:
    yield f"{'':16}{'precision':>10}{'recall':>10}{'F1':>10}{'labelled':>10}"
    named = {intent: evaluation.per_intent[intent] for intent in INTENTS}
    for name, figures in (*named.items(), ("opt-out (flag)", evaluation.opt_out)):
        if figures.support:
            ratios = (figures.precision, figures.recall, figures.f1)
            told = "".join(f"{ratio:>10.4f}" for ratio in ratios)
            yield f"{name:16}{told}{figures.support:>10}"
    yield f"accuracy {evaluation.accuracy:.4f}, macro-F1 {evaluation.macro_f1:.4f}"


def _misses(rows: Sequence[Row]) -> Iterable[str]:
    missed = [row for row in rows if _is_missed(row)]
    yield f"misses: {len(missed)}"
    for row in missed:
        wanted = row.intent or row.reading.intent
        stop = "" if row.opt_out is None else f", opt-out {'yes' if row.opt_out else 'no'}"
        yield f"  {_told(row)}; labelled {wanted}{stop}; by {', '.join(row.reading.rules) or '-'}"


def _is_missed(row: Row) -> bool:
    wrong_flag = row.opt_out is not None and row.opt_out != row.reading.opt_out
    return wrong_flag or (row.intent is not None and row.intent != row.reading.intent)

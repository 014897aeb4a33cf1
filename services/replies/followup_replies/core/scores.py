"""How well replies are read: figures over labelled replies."""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from followup_replies.core.intents import INTENTS, Intent
from followup_replies.core.reading import Reading


@dataclass(frozen=True, slots=True)
class Row:
    """One reply: its id, how it was read, and the labels (None where nobody labelled it)."""

    id: str
    reading: Reading
    intent: Intent | None = None
    opt_out: bool | None = None


@dataclass(frozen=True, slots=True)
class Figures:
    """Precision, recall and F1 (0 to 1) of one label, and how often it was right to give it."""

    precision: float
    recall: float
    f1: float
    support: int


@dataclass(frozen=True, slots=True)
class Evaluation:
    """Figures over all labelled rows.

    `confusion[labelled][read]` counts; `macro_f1` is the mean over the labels that occur;
    `opt_out` is of the flag, whatever the intent.
    """

    rows: int
    accuracy: float
    macro_f1: float
    per_intent: Mapping[Intent, Figures]
    opt_out: Figures
    confusion: Mapping[Intent, Mapping[Intent, int]]


def evaluate(rows: Iterable[Row]) -> Evaluation:
    """Compare readings with labels; rows without labels are left out."""
    kept = list(rows)
    pairs = [(row.intent, row.reading.intent) for row in kept if row.intent is not None]
    flags = [(row.opt_out, row.reading.opt_out) for row in kept if row.opt_out is not None]
    counts = Counter(pairs)
    per_intent = {
        intent: _figures(
            hit=counts[intent, intent],
            given=sum(count for (_, got), count in counts.items() if got == intent),
            wanted=sum(count for (label, _), count in counts.items() if label == intent),
        )
        for intent in INTENTS
    }
    occurring = [figures.f1 for figures in per_intent.values() if figures.support]
    return Evaluation(
        rows=len(pairs),
        accuracy=_ratio(sum(label == got for label, got in pairs), len(pairs)),
        macro_f1=_ratio(sum(occurring), len(occurring)),
        per_intent=per_intent,
        opt_out=_figures(
            hit=sum(1 for label, got in flags if label and got),
            given=sum(1 for _, got in flags if got),
            wanted=sum(1 for label, _ in flags if label),
        ),
        confusion={
            label: {got: counts[label, got] for got in INTENTS if counts[label, got]}
            for label in INTENTS
        },
    )


def figures_object(evaluation: Evaluation) -> dict[str, Any]:
    """Give an evaluation as a JSON object, ratios rounded to four places."""
    return {
        "rows": evaluation.rows,
        "accuracy": round(evaluation.accuracy, 4),
        "macro_f1": round(evaluation.macro_f1, 4),
        "opt_out_recall": round(evaluation.opt_out.recall, 4),
        "opt_out_precision": round(evaluation.opt_out.precision, 4),
        "per_intent": {
            intent: {
                "precision": round(figures.precision, 4),
                "recall": round(figures.recall, 4),
                "f1": round(figures.f1, 4),
                "support": figures.support,
            }
            for intent, figures in evaluation.per_intent.items()
        },
        "confusion": {label: dict(got) for label, got in evaluation.confusion.items()},
    }


def row_object(row: Row) -> dict[str, Any]:
    """Give a row as a JSON object; `until` is an ISO date or null."""
    return {
        "id": row.id,
        "intent": row.reading.intent,
        "opt_out": row.reading.opt_out,
        "confidence": row.reading.confidence,
        "until": row.reading.until.isoformat() if row.reading.until else None,
    }


def _figures(*, hit: int, given: int, wanted: int) -> Figures:
    precision = _ratio(hit, given) if given else float(not wanted)
    recall = _ratio(hit, wanted) if wanted else 1.0
    return Figures(
        precision=precision,
        recall=recall,
        f1=_ratio(2 * precision * recall, precision + recall),
        support=wanted,
    )


def _ratio(part: float, whole: float) -> float:
    return part / whole if whole else 0.0

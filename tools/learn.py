"""Learn the weights of the reply reader from its sayings; --check tells whether they are old.

Reads services/replies/followup_replies/core/sayings, writes weights/*.tsv beside it. Two
logistic regressions, regularised by L2, by plain stochastic gradient descent: no dependency,
some minutes, and the same bytes on every machine. Each feature's prior width grows with how rare
it is and, for the stops, with how differently it falls on the two sides.

The first line of a weights file holds a digest of what it was learnt from and by.
"""

import argparse
import hashlib
import math
import random
import sys
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import yaml

from followup_replies.core.errors import RuleError
from followup_replies.core.features import TOGETHER, features
from followup_replies.core.folding import fold, sentences
from followup_replies.core.intents import INTENTS, Intent
from followup_replies.core.leanings import BIAS, UNIT, share, written
from followup_replies.core.matching import telling, well_spelt
from followup_replies.core.quoting import take_apart
from followup_replies.core.rulefiles import rulebook

ROOT: Final = Path(__file__).resolve().parent.parent
CORE: Final = ROOT / "services/replies/followup_replies/core"
SAYINGS, WEIGHTS = CORE / "sayings", CORE / "weights"
_STOPS: Final = " stops"
"""Behind an intent in a YAML file: sayings that also end the messages without asking for it."""
_ROUNDS: Final = 20
_PRIOR: Final = 10.0
"""Width of the prior on a weight: the inverse of the strength of regularisation."""
_RATE: Final = 8.0
"""First step of the descent; steps get shorter evenly, down to nothing."""
_SETTLED: Final = 0.002
"""A class that is less wrong than this about a saying does not learn from it: three in four."""
_STOP_LINES, _INTENT_LINES = 160_000, 80_000
"""Features that are kept, those that move most texts furthest: bounds the size of the files."""


@dataclass(frozen=True, slots=True)
class Saying:
    """A reply as somebody would write it, and what it means."""

    intent: Intent
    stops: bool
    text: str


@dataclass(frozen=True, slots=True)
class Example:
    """The features of a saying, by number, and what is to be learnt from it."""

    features: tuple[int, ...]
    share: float
    label: int


def main(arguments: Sequence[str] | None = None) -> int:
    """Learn and write, or check the digests; 1 when the weights are older than the sayings."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n", 1)[0])
    parser.add_argument("--check", action="store_true", help="only compare digests")
    if parser.parse_args(arguments).check:
        return _checked()
    told = list(sayings(SAYINGS))
    found = [_features(saying.text) for saying in told]
    head = _head(len(told))
    WEIGHTS.mkdir(exist_ok=True)
    stops = stop_weights(found, [saying.stops for saying in told])
    _write(WEIGHTS / "stops.tsv", head, {name: str(weight) for name, weight in stops.items()})
    intents = intent_weights(found, [saying.intent for saying in told])
    lines = {name: written(weights) for name, weights in intents.items()}
    _write(WEIGHTS / "intents.tsv", head, lines)
    sys.stdout.write(f"learnt from {len(told)} sayings\n")
    return 0


def _checked() -> int:
    for name in ("stops.tsv", "intents.tsv"):
        head = (WEIGHTS / name).read_text(encoding="utf-8").partition("\n")[0]
        if not head.endswith(f"digest {digest()}"):
            sys.stderr.write(f"weights/{name} is older than the sayings: run tools/learn.py\n")
            return 1
    return 0


_READS: Final = ("features", "folding", "leanings", "matching", "quoting", "spelling")
"""Modules of the reader through which a saying goes before it is features."""


def digest() -> str:
    """Digest of everything the weights follow from."""
    inputs = [Path(__file__), *(CORE / f"{name}.py" for name in _READS)]
    inputs += sorted((CORE / "rules").glob("*.yaml"))
    inputs += sorted(file for file in SAYINGS.rglob("*") if file.suffix in {".yaml", ".tsv"})
    known = hashlib.sha256()
    for file in inputs:
        known.update(file.relative_to(ROOT).as_posix().encode() + b"\0" + file.read_bytes())
    return known.hexdigest()[:16]


def _head(count: int) -> str:
    return f"# Made by tools/learn.py from {count} sayings, digest {digest()}"


def _write(file: Path, head: str, table: Mapping[str, str]) -> None:
    lines = [f"{name}\t{table[name]}" for name in sorted(table)]
    file.write_text("\n".join([head, *lines, ""]), encoding="utf-8")


def sayings(folder: Path) -> Iterator[Saying]:
    """Give every saying of `<language>.yaml` and `replies/<language>/<intent>.tsv`, each once.

    Raises RuleError naming the file where one is none.
    """
    seen: set[str] = set()
    for file in sorted(folder.rglob("*")):
        told = {".yaml": _of_yaml, ".tsv": _of_tsv}.get(file.suffix)
        for saying in told(file) if told else ():
            if saying.text not in seen:
                seen.add(saying.text)
                yield saying


def _of_yaml(file: Path) -> Iterator[Saying]:
    for key, entries in yaml.safe_load(file.read_text(encoding="utf-8")).items():
        label = key.removesuffix(_STOPS)
        for entry in entries:
            if not isinstance(entry, str):
                raise RuleError(f"{file.name}: {entry!r} must be quoted")
            yield _saying(file, label, stops=key != label, text=entry)


def _of_tsv(file: Path) -> Iterator[Saying]:
    for number, line in enumerate(file.read_text(encoding="utf-8").splitlines(), start=1):
        stops, tab, text = line.partition("\t")
        if stops not in {"0", "1"} or not tab:
            raise RuleError(f"{file.name}:{number}: needs 0 or 1, a tab and a text")
        yield _saying(file, file.stem, stops=stops == "1", text=text.replace("\\n", "\n"))


def _saying(file: Path, label: str, *, stops: bool, text: str) -> Saying:
    intent = next((known for known in INTENTS if known == label), None)
    if intent is None:
        raise RuleError(f"{file.name}: no intent {label!r}")
    return Saying(intent=intent, stops=stops or intent == "opt_out", text=text)


def _features(text: str) -> set[str]:
    """Give what the reader would see of it."""
    book = rulebook()
    read = well_spelt(sentences(fold(take_apart(text, book=book).own)), book=book)
    return features(telling(read, book=book))


def stop_weights(found: Sequence[set[str]], stops: Sequence[bool]) -> dict[str, int]:
    """Learn which features speak for an end."""
    names, examples = _numbered(found, [int(stop) for stop in stops], at_least=2)
    widths = [
        rare * telling
        for rare, telling in zip(
            _rarity(examples, len(names)), _contrast(examples, len(names)), strict=True
        )
    ]
    (bias, *_), (learnt, *_) = _descend(examples, widths, classes=(1,))
    kept = _kept(names, examples, [learnt], _STOP_LINES)
    return {BIAS: _whole(bias)} | {names[at]: _whole(learnt[at]) for at in kept}


def intent_weights(
    found: Sequence[set[str]], intents: Sequence[Intent]
) -> dict[str, tuple[int, ...]]:
    """Learn which features speak for which intent."""
    plain = [{name for name in features if TOGETHER not in name} for features in found]
    names, examples = _numbered(plain, [INTENTS.index(intent) for intent in intents], at_least=3)
    classes = range(len(INTENTS))
    biases, learnt = _descend(examples, _rarity(examples, len(names)), classes=classes)
    kept = _kept(names, examples, learnt, _INTENT_LINES)
    weights = {names[at]: tuple(_whole(column[at]) for column in learnt) for at in kept}
    return {BIAS: tuple(_whole(bias) for bias in biases)} | weights


def _whole(weight: float) -> int:
    return round(weight / UNIT)


def _numbered(
    found: Sequence[set[str]], labels: Sequence[int], *, at_least: int
) -> tuple[list[str], list[Example]]:
    seen = Counter(name for features in found for name in features)
    names = sorted(name for name, count in seen.items() if count >= at_least)
    number = {name: at for at, name in enumerate(names)}
    return names, [
        Example(
            features=tuple(sorted(number[name] for name in features if name in number)),
            share=share(features),
            label=label,
        )
        for features, label in zip(found, labels, strict=True)
    ]


def _rarity(examples: Sequence[Example], size: int) -> list[float]:
    seen = _counts(examples, size)
    return [math.log((1 + len(examples)) / (1 + count)) / _COMMON for count in seen]


_COMMON: Final = 6.0
"""Logarithm of how much rarer than always a feature must be to count in full."""


def _contrast(examples: Sequence[Example], size: int) -> list[float]:
    """Give how far the odds of each feature differ between the sides, 1 on average.

    After Wang and Manning, "Baselines and Bigrams" (2012), softened by a quarter.
    """
    ends = _counts((example for example in examples if example.label), size)
    others = _counts((example for example in examples if not example.label), size)
    ends_whole, others_whole = sum(ends) + size, sum(others) + size
    odds = [
        abs(math.log((end + 1) / ends_whole) - math.log((other + 1) / others_whole))
        for end, other in zip(ends, others, strict=True)
    ]
    mean = sum(odds) / len(odds)
    return [0.25 + 0.75 * value / mean for value in odds]


def _counts(examples: Iterable[Example], size: int) -> list[int]:
    seen = [0] * size
    for example in examples:
        for at in example.features:
            seen[at] += 1
    return seen


def _descend(
    examples: Sequence[Example], widths: Sequence[float], *, classes: Sequence[int]
) -> tuple[list[float], list[list[float]]]:
    """Descend on the loss; gives the bias and the weights of each class.

    One class: is it that or not (logistic); several: which one (softmax). Weights shrink by a
    common scale, so that a step touches only what the example has.
    """
    order = random.Random(1)  # noqa: S311 - an order, no secret
    learnt = [[0.0] * len(widths) for _ in classes]
    biases = [0.0 for _ in classes]
    squares = [width * width for width in widths]
    left = steps = _ROUNDS * len(examples)
    decay, scale = 1 / (_PRIOR * len(examples)), 1.0
    for _ in range(_ROUNDS):
        for example in order.sample(examples, len(examples)):
            rate = _RATE * left / steps
            left -= 1
            scale *= 1 - rate * decay
            here = [
                bias + scale * example.share * sum(map(weights.__getitem__, example.features))
                for bias, weights in zip(biases, learnt, strict=True)
            ]
            for at, wrong in enumerate(_errors(here, example.label, classes)):
                if abs(wrong) > _SETTLED:
                    biases[at] -= _BIAS_RATE * rate * wrong
                    _step(learnt[at], example, squares, rate * wrong * example.share / scale)
    return biases, [[scale * weight for weight in weights] for weights in learnt]


_BIAS_RATE: Final = 0.01


def _step(weights: list[float], example: Example, squares: Sequence[float], length: float) -> None:
    for at in example.features:
        weights[at] -= length * squares[at]


def _errors(scores: Sequence[float], label: int, classes: Sequence[int]) -> list[float]:
    """Give by how much each class is thought likelier than it is."""
    if len(classes) == 1:
        return [1 / (1 + math.exp(-max(-40.0, min(40.0, scores[0])))) - label]
    highest = max(scores)
    powers = [math.exp(score - highest) for score in scores]
    whole = sum(powers)
    return [power / whole - (at == label) for at, power in zip(classes, powers, strict=True)]


def _kept(
    names: Sequence[str], examples: Sequence[Example], learnt: Sequence[Sequence[float]], most: int
) -> list[int]:
    """Choose the features that move most, those whose weights are not all nought."""
    seen = _counts(examples, len(names))
    moved = {
        at: max(abs(weights[at]) for weights in learnt) * math.sqrt(seen[at])
        for at in range(len(names))
        if any(_whole(weights[at]) for weights in learnt)
    }
    return sorted(moved, key=lambda at: (-moved[at], names[at]))[:most]


if __name__ == "__main__":
    sys.exit(main())

"""Reads `rules/*.yaml` into a Rulebook, once, at the first reading.

A file per language, and `any.yaml` for what has none. Whoever adds a language adds a file;
nothing else changes.
"""

import functools
import importlib.resources
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

import yaml

from followup_replies.core.errors import RuleError
from followup_replies.core.folding import apart, fold
from followup_replies.core.intents import INTENTS, Intent
from followup_replies.core.phrases import Phrase, compile_phrase
from followup_replies.core.rulebook import Keyword, PhraseIndex, Rule, Rulebook

_NEGATABLE: Final = frozenset({"interested", "already_bought", "referral"})
"""Intents whose words mean something else behind a "not"; a rule may say otherwise."""
_KEYWORDS: Final[tuple[Keyword, ...]] = ("stop", "start", "help")
_RULE_KEYS: Final = frozenset(
    {"say", "weight", "stops", "negatable", "asked", "unless", "at_most_words", "note"}
)
_FILE_KEYS: Final = frozenset(
    {
        "words",
        "negators",
        "keywords",
        "thumbs",
        "cried",
        "courtesies",
        "joints",
        "spellings",
        "near",
        "idioms",
    }
    | {"footers", "absences", "automatic", "common", "rules"}
)
_File = Mapping[str, Any]


@functools.cache
def rulebook() -> Rulebook:
    """Give the rules shipped with this package. Raises RuleError when a file is no rule file."""
    folder = importlib.resources.files("followup_replies.core") / "rules"
    texts = {
        entry.name.removesuffix(".yaml"): entry.read_text(encoding="utf-8")
        for entry in folder.iterdir()
        if entry.name.endswith(".yaml")
    }
    return compile_rules(texts)


def compile_rules(texts: Mapping[str, str]) -> Rulebook:
    """Compile rule files, given as text by language. Raises RuleError naming the place."""
    files = {name: _parsed(name, text) for name, text in sorted(texts.items())}
    keywords: dict[str, Keyword] = {
        _joined(spelling): kind
        for file in files.values()
        for kind in _KEYWORDS
        for spelling in file.get("keywords", {}).get(kind, ())
    }
    return Rulebook(
        rules=PhraseIndex(pair for name, file in files.items() for pair in _rules(name, file)),
        idioms=_phrases(files, "idioms"),
        footers=_phrases(files, "footers"),
        automatic=_phrases(files, "automatic"),
        absences=_phrases(files, "absences"),
        negators=frozenset(_listed(files, "negators")),
        keywords=keywords,
        thumbs=_stops(files, "thumbs", keywords),
        cried=frozenset(_stops(files, "cried", keywords)),
        courtesies=frozenset(_listed(files, "courtesies")),
        joints=frozenset(_listed(files, "joints")),
        spellings={
            _joined(wrong): _joined(right)
            for file in files.values()
            for right, wrongs in file.get("spellings", {}).items()
            for wrong in wrongs
        },
        near=tuple(_listed(files, "near")),
        common={
            name: frozenset(map(_joined, file["common"]))
            for name, file in files.items()
            if "common" in file
        },
    )


# libyaml's reader where PyYAML came with it.
_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


def _parsed(name: str, text: str) -> _File:
    file = yaml.load(text, Loader=_LOADER)  # noqa: S506 - both are safe loaders
    if not isinstance(file, dict) or not _FILE_KEYS.issuperset(file):
        raise RuleError(f"rules/{name}.yaml: must hold only {', '.join(sorted(_FILE_KEYS))}")
    return file


def _listed(files: Mapping[str, _File], part: str) -> Iterator[str]:
    return (_joined(word) for file in files.values() for word in file.get(part, ()))


def _stops(
    files: Mapping[str, _File], part: str, keywords: Mapping[str, Keyword]
) -> tuple[str, ...]:
    words = tuple(_listed(files, part))
    for word in words:
        if keywords.get(word) != "stop":
            raise RuleError(f"rules: {word!r} is among the {part}, and no stop keyword")
    return words


def _phrases(files: Mapping[str, _File], part: str) -> PhraseIndex[None]:
    return PhraseIndex(
        (compile_phrase(source, words=file.get("words")), None)
        for file in files.values()
        for source in file.get(part, ())
    )


def _joined(word: object) -> str:
    if not isinstance(word, str):
        raise RuleError(f"rules: {word!r} must be quoted; YAML takes it for something else")
    return apart(fold(word)).replace("-", " ")


def _rules(name: str, file: _File) -> Iterator[tuple[Phrase, Rule]]:
    for intent, entries in file.get("rules", {}).items():
        if intent not in INTENTS:
            raise RuleError(f"rules/{name}.yaml: no intent {intent!r}")
        for number, entry in enumerate(entries, start=1):
            rule = _rule(f"{name}.{intent}.{number}", intent, entry, words=file.get("words"))
            for source in entry["say"]:
                yield compile_phrase(source, words=file.get("words")), rule


def _rule(
    name: str, intent: Intent, entry: _File, *, words: Mapping[str, Sequence[str]] | None
) -> Rule:
    if not _RULE_KEYS.issuperset(entry) or not entry.get("say"):
        raise RuleError(f"rule {name}: needs 'say', may have {', '.join(sorted(_RULE_KEYS))}")
    weight = float(entry.get("weight", 0.8))
    if not 0 < weight < 1:
        raise RuleError(f"rule {name}: a weight lies between 0 and 1")
    return Rule(
        name=name,
        language=name.partition(".")[0],
        intent=intent,
        weight=weight,
        stops=bool(entry.get("stops", intent == "opt_out")),
        negatable=bool(entry.get("negatable", intent in _NEGATABLE)),
        asked=entry.get("asked"),
        unless=tuple(compile_phrase(source, words=words) for source in entry.get("unless", ())),
        at_most_words=entry.get("at_most_words"),
    )

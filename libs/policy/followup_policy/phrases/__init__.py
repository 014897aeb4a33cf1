"""Tables of phrases, and how they are looked for."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

_APOSTROPHES = re.compile("[\u2018\u2019\u02bc\u00b4`]")
_UNSEEN = re.compile("[\u200b\u200c\u2060\u00ad\ufeff]")
_DASHES = re.compile("[\u2010-\u2014]")


@dataclass(frozen=True, slots=True)
class Phrases:
    """Expressions to look for, and those that are harmless although they look alike."""

    wanted: re.Pattern[str]
    harmless: re.Pattern[str]

    def found_in(self, sentence: str) -> Iterator[str]:
        """What of the sentence it objects to, in order."""
        text = self.harmless.sub(" … ", folded(sentence))
        yield from (found.group().strip() for found in self.wanted.finditer(text))


def folded(text: str) -> str:
    """Text with one kind of blank, apostrophe and dash, and nothing unseen."""
    seen = _UNSEEN.sub("", text)
    return " ".join(_DASHES.sub("-", _APOSTROPHES.sub("'", seen)).split())


@cache
def phrases(name: str) -> Phrases:
    """The table of that name."""
    lines = _lines(name)
    return Phrases(
        wanted=_any_of([line for line in lines if line[0] != "!"]),
        harmless=_any_of([line[1:].strip() for line in lines if line[0] == "!"]),
    )


@cache
def abbreviations() -> frozenset[str]:
    """Words after which a full stop ends no sentence."""
    return frozenset(word for line in _lines("abbreviations") for word in line.split())


def _lines(name: str) -> list[str]:
    text = (files("followup_policy.phrases") / f"{name}.txt").read_text(encoding="utf-8")
    return [line.strip() for line in text.splitlines() if line.strip() and line[0] != "#"]


def _any_of(patterns: list[str]) -> re.Pattern[str]:
    """All of them in one, each between words."""
    joined = "|".join(f"(?:{pattern})" for pattern in patterns)
    return re.compile(rf"(?<!\w)(?:{joined})", re.IGNORECASE)

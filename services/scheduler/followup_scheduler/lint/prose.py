"""Sentences, questions and links of a message, as far as one can tell them without reading.

Erring is towards fewer: a full stop after an abbreviation, in a number or in an address
ends no sentence, and a greeting or a signature is none.
"""

import re

from followup_policy.phrases import abbreviations
from followup_scheduler.lint.readings import plain

_STOPS = "[.!?\u2026\u3002\uff01\uff1f]"
_END = re.compile(f"(?<!{_STOPS}){_STOPS}++[\"'\u201d\u2019)\\]\u00bb]*(?=\\s|$)")
_QUESTION = re.compile("[?\uff1f][\"'\u201d\u2019)\\]\u00bb!]*(?=\\s|$)")
_LINK = re.compile(r"https?://[^\s<>\"')\]]+")
_OPT_OUT = re.compile(
    r"(?i)\b(stop|unsubscribe|opt[ -]?out|arr[eê]t|baja|parar|abmelden|alto|sair)\b"
)
_GREETING_WORDS = 6
_WORD = re.compile("[^\\W_]+(?:['\u2019-][^\\W_]+)*")


def paragraphs(text: str) -> list[str]:
    """Its lines that are not blank."""
    return [line.strip() for line in text.splitlines() if line.strip()]


def sentences(text: str) -> list[str]:
    """Its sentences, without the greeting, the signature and the way to opt out."""
    found = [sentence for line in _flowing(text) for sentence in _split(line)]
    return [sentence for sentence in found if not is_opt_out(sentence)]


def is_opt_out(sentence: str) -> bool:
    """Whether it tells how to stop: that is law's, not the author's."""
    return _OPT_OUT.search(sentence) is not None


def questions(text: str) -> int:
    """How many questions it asks."""
    return len(_QUESTION.findall(_LINK.sub("link", text)))


def links(text: str) -> set[str]:
    """The addresses it leads to."""
    return {found.rstrip(".,;:!?") for found in _LINK.findall(text)}


def opening(marked: str) -> str:
    """The first line as a person reads it: a greeting alone counts with what follows it."""
    lines = [line for line in paragraphs(marked) if plain(line).strip()]
    if not lines:
        return ""
    first = lines[0]
    if len(lines) > 1 and len(words(plain(first))) <= _GREETING_WORDS and not _ends(plain(first)):
        return f"{first} {_first_sentence(lines[1])}"
    opened = _first_sentence(first)
    if len(words(plain(opened))) <= _GREETING_WORDS:  # "Hi!", "Good news."
        rest = first[len(opened) :].strip() or (lines[1] if len(lines) > 1 else "")
        return f"{opened} {_first_sentence(rest)}"
    return opened


def words(text: str) -> list[str]:
    """Its words, in lower case."""
    return [word.casefold() for word in _WORD.findall(text)]


def _flowing(text: str) -> list[str]:
    """Paragraphs; lines that a writer merely broke are put together."""
    blocks = re.split(r"\n\s*\n", text)
    return [" ".join(block.split()) for block in blocks if block.strip()]


def _split(line: str) -> list[str]:
    found, start = [], 0
    for end in _END.finditer(line):
        if not _stands(line[start : end.start()], line[end.end() :], end.group()):
            continue
        found.append(line[start : end.end()].strip())
        start = end.end()
    return found


def _stands(before: str, after: str, mark: str) -> bool:
    """Whether the mark ends a sentence."""
    if mark[0] != ".":
        return True
    *_, last = ("", *before.rsplit(maxsplit=1))
    word = last.strip("(\"'\u201c\u2018").casefold()
    if word.replace(".", "") in abbreviations() or (len(word) == 1 and word.isalpha()):
        return not after.strip()
    if word.isdigit() and before.strip() == word:
        return False  # the number of an item
    following = after.lstrip()
    return not following or not following[0].islower() or "." not in word


def _first_sentence(line: str) -> str:
    for end in _END.finditer(line):
        if _stands(plain(line[: end.start()]), plain(line[end.end() :]), end.group()):
            return line[: end.end()]
    return line


def _ends(line: str) -> bool:
    return line.rstrip().endswith((".", "?"))

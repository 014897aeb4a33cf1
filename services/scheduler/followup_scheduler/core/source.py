"""YAML text to plain values, with the line of everything.

A small, safe part of YAML: maps with unique keys, lists, strings, whole numbers,
decimals, true, false and null. No anchors, aliases or tags (they make bombs and
surprises), and none of YAML 1.1's guesses: `on` and `yes` are words, `10:30` is text.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import yaml

from followup_scheduler.core.errors import BadDocument, Fault

LARGEST = 256 * 1024
"""Bytes of UTF-8 that a document may have."""
DEEPEST = 30
"""Levels of maps and lists within each other."""

_INTEGER = re.compile(r"[-+]?(0|[1-9][0-9]{0,17})")
_DECIMAL = re.compile(r"[-+]?[0-9]{1,18}\.[0-9]{1,18}")
_WORDS: Mapping[str, Any] = {"": None, "~": None, "null": None, "true": True, "false": False}
_Loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


@dataclass(frozen=True, slots=True)
class Source:
    """A document's values, and the line (from 1) of each path (a JSON pointer)."""

    values: Any
    lines: Mapping[str, int]

    def line_of(self, path: str) -> int:
        """The line of `path`, or of the nearest thing around it."""
        while path and path not in self.lines:
            path = path.rpartition("/")[0]
        return self.lines.get(path, 1)


def read(text: str, *, file: str) -> Source:
    """The values in `text`. Raises BadDocument with the line of what cannot be read."""
    if len(text.encode("utf-8", "replace")) > LARGEST:
        raise BadDocument([Fault(1, "", f"larger than {LARGEST // 1024} KB")], file=file)
    try:
        _look_through(text, file=file)
        root = yaml.compose(text, Loader=_Loader)
    except yaml.MarkedYAMLError as error:
        fault = Fault(_line(error.problem_mark), "", f"not YAML: {error.problem}")
        raise BadDocument([fault], file=file) from error
    except (yaml.YAMLError, UnicodeEncodeError) as error:
        fault = Fault(1, "", "not YAML: it has characters that YAML forbids")
        raise BadDocument([fault], file=file) from error
    if root is None:
        raise BadDocument([Fault(1, "", "the document is empty")], file=file)
    return _Reading(file).read(root)


def pointer(path: str, part: str | int) -> str:
    """`path` one step further, escaped as RFC 6901 says."""
    return f"{path}/{str(part).replace('~', '~0').replace('/', '~1')}"


def _line(mark: Any) -> int:
    """The line of a mark of PyYAML or libyaml, which count from 0."""
    return 1 if mark is None else int(mark.line) + 1


def _look_through(text: str, *, file: str) -> None:
    """Refuse what must not even be composed: depth, anchors, aliases, tags, two documents."""
    depth = documents = 0
    for event in yaml.parse(text, Loader=_Loader):
        line = _line(event.start_mark)
        if isinstance(event, yaml.CollectionStartEvent):
            depth += 1
        elif isinstance(event, yaml.CollectionEndEvent):
            depth -= 1
        elif isinstance(event, yaml.DocumentStartEvent):
            documents += 1
        fault = _forbidden(event, depth=depth, documents=documents)
        if fault is not None:
            raise BadDocument([Fault(line, "", fault)], file=file)


def _forbidden(event: yaml.Event, *, depth: int, documents: int) -> str | None:
    if depth > DEEPEST:
        return f"nested deeper than {DEEPEST} levels"
    if documents > 1:
        return "one document a file, please"
    if getattr(event, "anchor", None) is not None:
        return "anchors and aliases are not supported: write the value out"
    tag = getattr(event, "tag", None)
    return None if tag is None else f"tags are not supported: {tag}"


class _Reading:
    """One walk over a composed document."""

    def __init__(self, file: str) -> None:
        self._file = file
        self._lines: dict[str, int] = {}
        self._faults: list[Fault] = []

    def read(self, root: yaml.Node) -> Source:
        values = self._value(root, "")
        if self._faults:
            raise BadDocument(self._faults, file=self._file)
        return Source(values, self._lines)

    def _value(self, node: yaml.Node, path: str) -> Any:
        self._lines.setdefault(path, _line(node.start_mark))
        if isinstance(node, yaml.MappingNode):
            return self._mapping(node, path)
        if isinstance(node, yaml.SequenceNode):
            return [self._value(item, pointer(path, i)) for i, item in enumerate(node.value)]
        if isinstance(node, yaml.ScalarNode):
            return _scalar(node)
        raise TypeError(f"YAML has no other nodes: {node!r}")  # pragma: no cover

    def _mapping(self, node: yaml.MappingNode, path: str) -> dict[str, Any]:
        found: dict[str, Any] = {}
        for key, value in node.value:
            line = _line(key.start_mark)
            if not isinstance(key, yaml.ScalarNode):
                self._faults.append(Fault(line, path, "a key must be a word"))
                continue
            below = pointer(path, key.value)
            if key.value in found:
                first = self._lines[below]
                message = f"{key.value!r} is already on line {first}"
                self._faults.append(Fault(line, below, message))
                continue
            self._lines[below] = line
            found[key.value] = self._value(value, below)
        return found


def _scalar(node: yaml.ScalarNode) -> Any:
    text: str = node.value
    if node.style:  # quoted or a block: text as it stands
        return text
    if text in _WORDS:
        return _WORDS[text]
    if _INTEGER.fullmatch(text):
        return int(text)
    if _DECIMAL.fullmatch(text):
        return float(text)
    return text

"""Templates that put texts between words and do nothing else: most of them.

`Hi {{ person.first_name | default: "there" }}, is tomorrow good?` needs none of what Liquid
can do, and its interpreter costs more than all else that goes into the words. What is not
clear at a glance (a number, a list, a name without a value, a long text) is left to it: it
has the last word on what anything means, and on what is too much.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeGuard

from liquid import BoundTemplate
from liquid.ast import Node
from liquid.builtin.content import ContentNode
from liquid.builtin.expressions import (
    Filter,
    FilteredExpression,
    Path,
    PositionalArgument,
    StringLiteral,
)
from liquid.builtin.output import OutputNode

LONGEST = 2_000
"""Characters: no limit of Liquid's lies below, in whatever alphabet they are."""
MOST = 100
"""Values in a template; what their filters may do together has a limit, far above."""

_OF_ITS_OWN = frozenset({"size", "first", "last"})
"""Names that mean something where a value has no such name."""


@dataclass(frozen=True, slots=True)
class _Named:
    """A value by its path, and what stands there where the last name has none."""

    groups: tuple[str, ...]
    name: str
    default: str | None

    def found(self, variables: Mapping[str, Any]) -> str | None:
        held: Any = variables
        for group in self.groups:
            held = held.get(group)
            if type(held) is not dict:
                return None
        if self.name not in held:
            return self.default
        value = held[self.name]
        return value if _plain(value) else None


@dataclass(frozen=True, slots=True)
class Direct:
    """A template as a line of words and values."""

    parts: tuple[str | _Named, ...]

    def render(self, variables: Mapping[str, Any]) -> str | None:
        """The words just as Liquid would put them, or None: ask Liquid."""
        said: list[str] = []
        for part in self.parts:
            words = part if isinstance(part, str) else part.found(variables)
            if words is None:
                return None
            said.append(words)
        whole = "".join(said)
        # Liquid writes line ends of other systems as its own.
        return None if len(whole) > LONGEST or "\r" in whole else whole


def _plain(value: object) -> TypeGuard[str]:
    """Whether it is a text that says something, and of no kind of its own."""
    return type(value) is str and bool(value) and not value.isspace()


def direct(template: BoundTemplate) -> Direct | None:
    """The template as such a line; None: it does more. Nothing in it may need escaping."""
    if template.env.autoescape or len(template.nodes) > MOST:
        return None
    parts: list[str | _Named] = []
    for node in template.nodes:
        part = _part(node)
        if part is None:
            return None
        parts.append(part)
    return Direct(tuple(parts))


def _part(node: Node) -> str | _Named | None:
    if type(node) is ContentNode:
        return node.text
    if type(node) is not OutputNode or type(node.expression) is not FilteredExpression:
        return None
    found, filters = node.expression.left, node.expression.filters or ()
    if type(found) is not Path:
        return None
    names = [name for name in found.path if isinstance(name, str) and name not in _OF_ITS_OWN]
    # A name by itself may be one of the library's own.
    if len(names) != len(found.path) or len(names) == 1:
        return None
    if not filters:
        return _Named(tuple(names[:-1]), names[-1], None)
    default = _default(filters)
    return None if default is None else _Named(tuple(names[:-1]), names[-1], default)


def _default(filters: Sequence[Filter]) -> str | None:
    """The words in place of a value, where that is all that the filters say."""
    if len(filters) != 1 or filters[0].name != "default" or len(filters[0].args) != 1:
        return None
    given = filters[0].args[0]
    if type(given) is not PositionalArgument or type(given.value) is not StringLiteral:
        return None
    return given.value.value

"""Ranges of templates, such as `(1..5)`: bounded where they are made.

A range is made at no cost, however long; whoever looks through it, turns it round or makes
a list of it pays for its length. The library bounds loops over it, and nothing else.
"""

from collections.abc import Iterable

from liquid import BoundTemplate, RenderContext
from liquid.ast import Node
from liquid.builtin.expressions.primitive import RangeLiteral
from liquid.expression import Expression
from liquid.limits import to_int

from followup_policy.errors import TooMuchWork

LONGEST = 1_000
"""Numbers in a range; a loop goes round a hundred times at most."""


class _End(Expression):
    """The last number of a range that is not too long."""

    __slots__ = ("first", "last")

    def __init__(self, first: Expression, last: Expression) -> None:
        super().__init__(last.token)
        self.first = first
        self.last = last

    def evaluate(self, context: RenderContext) -> object:
        """As written; raises `TooMuchWork`."""
        last = self.last.evaluate(context)
        if _number(last) - _number(self.first.evaluate(context)) >= LONGEST:
            raise TooMuchWork("a range is too long")
        return last

    def children(self) -> Iterable[Expression]:
        """What it was made of beside the range's own beginning."""
        return [self.last]


def bound_ranges(template: BoundTemplate) -> BoundTemplate:
    """The template, whose ranges stop it where they are too long."""
    context = RenderContext(template)
    nodes: list[Node] = list(template.nodes)
    while nodes:
        node = nodes.pop()
        nodes.extend(node.children(context, include_partials=False))
        expressions = list(node.expressions())
        while expressions:
            found = expressions.pop()
            expressions.extend(found.children())
            if isinstance(found, RangeLiteral):
                found.stop = _End(found.start, found.stop)
    return template


def _number(value: object) -> int:
    """As the library reads an end of a range: 0 where it is no number."""
    try:
        return to_int(value)
    except (ValueError, TypeError):
        return 0

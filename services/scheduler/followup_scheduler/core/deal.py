"""What is known of a lead's deal: the stage that the product tells, and what it is worth."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

DEAL = "deal"
"""The attribute that holds it, as `deal.stage`, `deal.value` and `deal.currency`."""


def with_worth(
    attributes: Mapping[str, Any], *, value: Decimal | None, currency: str | None
) -> dict[str, Any]:
    """A lead's attributes with the value of its deal, as far as that is known.

    An attribute of the lead's own that is called `deal`, and is no deal, stays what it is.
    """
    known = attributes.get(DEAL, {})
    worth = {"value": value, "currency": currency}
    told = {name: each for name, each in worth.items() if each is not None}
    if not told or not isinstance(known, Mapping):
        return dict(attributes)
    return {**attributes, DEAL: {**known, **told}}


def learned(known: Mapping[str, Any], more: Mapping[str, Any]) -> dict[str, Any]:
    """Attributes after more has been told; of a deal that is only what was said anew."""
    before, told = known.get(DEAL), more.get(DEAL)
    if not isinstance(before, Mapping) or not isinstance(told, Mapping):
        return {**known, **more}
    return {**known, **more, DEAL: {**before, **told}}

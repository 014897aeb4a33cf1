"""Which of a document's texts a touch uses: one, the first that fits, a variant, the next."""

from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import Discriminator, Field, Tag

from followup_contracts.payload import CHANNELS, Channel
from followup_scheduler.core.format.condition import Condition
from followup_scheduler.core.format.part import Key, Part


class Variant(Part):
    """One of several texts that are compared, and its share of the leads."""

    use: Key
    weight: Annotated[int, Field(ge=0, le=1_000)] = 1


class Variants(Part):
    """Several texts that are compared (A/B/n, M9); a lead keeps the one it was given.

    `choose: weights` shares leads out by weight; `thompson` gives the better ones more, as
    replies show which they are.
    """

    variants: Annotated[tuple[Variant, ...], Field(min_length=2, max_length=10)]
    choose: Literal["weights", "thompson"] = "weights"


class Rotation(Part):
    """A text for each time round of a sequence that repeats; after the last the first."""

    rotate: Annotated[tuple[Key, ...], Field(min_length=2, max_length=60)]


def _pick_kind(value: Any) -> str:
    if isinstance(value, str):
        return "<key>"
    several = isinstance(value, Variants) or (isinstance(value, dict) and "variants" in value)
    return "<variants>" if several else "<rotation>"


Pick = Annotated[
    Annotated[Key, Tag("<key>")]
    | Annotated[Variants, Tag("<variants>")]
    | Annotated[Rotation, Tag("<rotation>")],
    Discriminator(_pick_kind),
]


class Choice(Part):
    """One of several texts: used when its condition is the first that holds."""

    use: Pick
    when: Condition | None = None

    def uses(self) -> tuple[str, ...]:
        """The texts it may come to."""
        match self.use:
            case Variants(variants=several):
                return tuple(variant.use for variant in several)
            case Rotation(rotate=keys):
                return keys
            case key:
                return (key,)


Choices = Annotated[tuple[Choice, ...], Field(min_length=1, max_length=10)]


def _say_kind(value: Any) -> str:
    return "<choices>" if isinstance(value, list | tuple) else _pick_kind(value)


Say = Annotated[
    Annotated[Key, Tag("<key>")]
    | Annotated[Variants, Tag("<variants>")]
    | Annotated[Rotation, Tag("<rotation>")]
    | Annotated[Choices, Tag("<choices>")],
    Discriminator(_say_kind),
]
"""What a touch says on one channel."""


def _template_kind(value: Any) -> str:
    is_map = isinstance(value, Mapping)
    if is_map and (not value or not value.keys().isdisjoint(CHANNELS)):
        return "<by_channel>"
    return _say_kind(value)


Template = Annotated[
    Annotated[Key, Tag("<key>")]
    | Annotated[Variants, Tag("<variants>")]
    | Annotated[Rotation, Tag("<rotation>")]
    | Annotated[Choices, Tag("<choices>")]
    | Annotated[Mapping[Channel, Say], Tag("<by_channel>")],
    Discriminator(_template_kind),
]
"""What a touch says: on whatever channel, or on each of several."""


def choices(said: Any) -> tuple[Choice, ...]:
    """A `Say` as the choices it comes to."""
    return said if isinstance(said, tuple) else (Choice(use=said),)

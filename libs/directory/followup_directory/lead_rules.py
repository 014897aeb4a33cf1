"""What a tenant sets for its leads: which sequence they enter, what their attributes may be."""

from decimal import Decimal
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

Word = Annotated[str, Field(min_length=1, max_length=200)]
Words = Annotated[tuple[Word, ...], Field(max_length=100)]


class AttributeRule(BaseModel):
    """What a custom attribute of a lead may be. `choices` are for type `choice` alone."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    type: Literal["text", "number", "integer", "boolean", "date", "choice"] = "text"
    choices: Words = ()
    required: bool = False


class RoutingRule(BaseModel):
    """Leads that fit everything named enter `sequence`; what is empty is not asked."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    sequence: Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9_-]{0,62}$")]
    name: Annotated[str, Field(max_length=200)] = ""
    sources: Words = ()
    countries: Words = ()
    states: Words = ()
    audiences: Words = ()
    consents: Words = ()
    need_words: Words = ()
    value_from: Annotated[Decimal, Field(ge=0, lt=10**15)] | None = None
    attributes: Annotated[dict[Word, Word], Field(max_length=20)] = Field(default_factory=dict)

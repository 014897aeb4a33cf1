"""Calls about what a tenant sets for its leads: their sequence, what their attributes may be."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Literal

from pydantic import Field

from followup_client.call import JSON, Call, Given, Seen, at, json_body, model
from followup_client.leads import NewLead


class Rule(Given):
    """Leads that fit everything named enter `sequence`; what is empty is not asked."""

    sequence: str
    name: str = ""
    sources: tuple[str, ...] = ()
    countries: tuple[str, ...] = ()
    states: tuple[str, ...] = ()
    audiences: tuple[str, ...] = ()
    consents: tuple[str, ...] = ()
    need_words: tuple[str, ...] = ()
    value_from: Decimal | None = None
    attributes: Mapping[str, str] = Field(default_factory=dict)


class Rules(Given):
    """Rules in order: the first that fits decides."""

    rules: tuple[Rule, ...]


class Looked(Seen):
    """A rule that was looked at, and why it fits or does not."""

    rule: str
    fits: bool
    why: str


class Routed(Seen):
    """The sequence a lead would get; None: the scheduler goes by its source."""

    sequence: str | None = None
    why: str
    rules: tuple[Looked, ...] = ()


class Attribute(Given):
    """What a custom attribute may be; `choices` are for type `choice` alone."""

    type: Literal["text", "number", "integer", "boolean", "date", "choice"] = "text"
    choices: tuple[str, ...] = ()
    required: bool = False


class Schema(Given):
    """Attributes by name; `strict`: others do not fit."""

    attributes: Mapping[str, Attribute]
    strict: bool = False


def get() -> Call[Rules]:
    """The rules by which leads enter sequences."""
    return Call("intake", "GET", at("routing"), model(Rules))


def put(rules: Rules) -> Call[Rules]:
    """Set the rules, all of them."""
    body = json_body(rules)
    return Call("intake", "PUT", at("routing"), model(Rules), headers=JSON, body=body)


def choose(lead: NewLead) -> Call[Routed]:
    """Which sequence this lead would get, and why; nothing is kept."""
    path, body = at("routing", "test"), json_body(lead)
    return Call("intake", "POST", path, model(Routed), headers=JSON, body=body, again=True)


def schema() -> Call[Schema]:
    """What custom attributes of leads may be."""
    return Call("intake", "GET", at("attributes"), model(Schema))


def put_schema(wanted: Schema) -> Call[Schema]:
    """Set the schema, all of it. What leads have already stays as it is."""
    body = json_body(wanted)
    return Call("intake", "PUT", at("attributes"), model(Schema), headers=JSON, body=body)

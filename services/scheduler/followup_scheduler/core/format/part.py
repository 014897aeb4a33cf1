"""What all pieces of a document have in common, and the words they are named by."""

from typing import Annotated

from pydantic import BaseModel, ConfigDict, StringConstraints

Key = Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9_-]{0,63}$")]
"""A name within a document: lower case, digits, `-` and `_`."""
Title = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=200)]
Reason = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]{0,39}$")]
"""A word that machines read: lower case, digits and `_`."""
FactName = Annotated[
    str, StringConstraints(pattern=r"^[a-zA-Z][a-zA-Z0-9_-]{0,63}(\.[a-zA-Z0-9_-]{1,64}){0,3}$")
]
"""What is known of a lead: an attribute, or one within another, as `deal.stage`."""
RuleName = Annotated[str, StringConstraints(pattern=r"^[A-Z][0-9]{1,2}-[a-z0-9-]{1,40}$")]
"""A rule of the lint, such as `R7-one-channel`."""
END = "end"
"""Where a step may lead instead of to another step: to the end of the sequence."""


class Part(BaseModel):
    """A piece of a document: never changed, and no field that it does not know."""

    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True)

"""The tables of rules that ship with this package."""

from importlib.resources import files
from typing import TypeVar

import yaml
from pydantic import BaseModel, ConfigDict, ValidationError

from followup_policy.errors import PolicyDataError

# libyaml's reader where PyYAML came with it: eight times as fast, and as safe.
_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


class Row(BaseModel):
    """A frozen entry of a packaged table; an unknown field is an error."""

    model_config = ConfigDict(frozen=True, extra="forbid")


Table = TypeVar("Table", bound=BaseModel)


def load(name: str, shape: type[Table]) -> Table:
    """The packaged table `name`, read as `shape`.

    Raises:
        PolicyDataError: The table does not have that shape.
    """
    text = (files("followup_policy") / "data" / name).read_text(encoding="utf-8")
    try:
        return shape.model_validate(yaml.load(text, Loader=_LOADER))  # noqa: S506 - both are safe loaders
    except (yaml.YAMLError, ValidationError) as error:
        raise PolicyDataError(f"{name}: {error}") from error

"""The sequences that come with the product, as documents to be copied and changed."""

from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from types import MappingProxyType

from followup_scheduler.core.document import Sequence, parse

_FOLDER = "library"


@cache
def library() -> Mapping[str, str]:
    """The YAML text of each, by its key, in the order of the keys."""
    folder = files("followup_scheduler") / _FOLDER
    texts = {
        entry.name.removesuffix(".yaml"): entry.read_text(encoding="utf-8")
        for entry in folder.iterdir()
        if entry.name.endswith(".yaml")
    }
    return MappingProxyType(dict(sorted(texts.items())))


@cache
def load(key: str) -> Sequence:
    """The sequence of that key. KeyError if the library has none."""
    return parse(library()[key], file=f"{key}.yaml")

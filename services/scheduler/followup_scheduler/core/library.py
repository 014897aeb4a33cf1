"""The sequences that come with the product, as documents to be copied and changed.

Files are named after the plan they follow and what they are for (`d1-fourteen-days.yaml`);
a sequence is known by the key inside, which enrollments keep.
"""

import re
from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from types import MappingProxyType

from followup_scheduler.core.document import Sequence, parse

_FOLDER = "library"
_KEY = re.compile(r"^key: ([a-z0-9-]+)$", re.MULTILINE)


@cache
def library() -> Mapping[str, str]:
    """The YAML text of each, by its key, in the order of the keys."""
    return MappingProxyType({key: text for key, (_name, text) in sorted(_read().items())})


@cache
def files_of() -> Mapping[str, str]:
    """The name of each one's file, by its key."""
    return MappingProxyType({key: name for key, (name, _text) in sorted(_read().items())})


@cache
def load(key: str) -> Sequence:
    """The sequence of that key. KeyError if the library has none."""
    return parse(library()[key], file=f"{key}.yaml")


@cache
def _read() -> dict[str, tuple[str, str]]:
    folder = files("followup_scheduler") / _FOLDER
    texts = {
        entry.name: entry.read_text(encoding="utf-8")
        for entry in folder.iterdir()
        if entry.name.endswith(".yaml")
    }
    return {_key_in(text): (name, text) for name, text in texts.items()}


def _key_in(text: str) -> str:
    found = _KEY.search(text)
    if found is None:
        raise ValueError("a document of the library has no line `key: …`")
    return found[1]

"""Paths as routes name them, also where another application has mounted ours."""

from collections.abc import Mapping
from typing import Generic, TypeVar

from starlette.types import Scope

Value = TypeVar("Value")


def route_path(scope: Scope) -> str:
    """The path below the prefix that the app is mounted under."""
    # ASGI: `path` begins with `root_path`.
    path: str = scope["path"]
    inside = path.removeprefix(scope.get("root_path", ""))
    return inside if inside.startswith("/") else path


class ByPrefix(Generic[Value]):
    """A value for each path: that of the longest prefix of it, or the default."""

    __slots__ = ("_default", "_values")

    def __init__(self, values: Mapping[str, Value], *, default: Value) -> None:
        self._values = sorted(values.items(), key=lambda item: -len(item[0]))
        self._default = default

    def of(self, scope: Scope) -> Value:
        """The value for a request."""
        path = route_path(scope)
        found = (value for prefix, value in self._values if path.startswith(prefix))
        return next(found, self._default)

"""Reading an account's settings: each complaint names the setting it is about."""

from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit


def text(settings: Mapping[str, Any], name: str, default: str | None = None) -> str:
    """A string that is there and not empty, else the default, else `ValueError`."""
    value = settings.get(name)
    if value is None or value == "":
        value = default
    if not isinstance(value, str) or not value:
        raise ValueError(f"{name}: a text is required")
    return value


def optional(settings: Mapping[str, Any], name: str) -> str | None:
    """A string, or None where the setting is absent or empty."""
    return text(settings, name) if settings.get(name) else None


def number(
    settings: Mapping[str, Any], name: str, *, default: float, least: float, most: float
) -> float:
    """A number within bounds, or the default where it is absent."""
    value = settings.get(name, default)
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise ValueError(f"{name}: a number is required")  # noqa: TRY004 the port's promise
    if not least <= value <= most:
        raise ValueError(f"{name}: must lie between {least:g} and {most:g}")
    return float(value)


def flag(settings: Mapping[str, Any], name: str) -> bool:
    """Whether a setting is on; it is off where it is absent."""
    value = settings.get(name, False)
    if not isinstance(value, bool):
        raise ValueError(f"{name}: true or false is required")  # noqa: TRY004 the port's promise
    return value


def base_url(settings: Mapping[str, Any], default: str | None, *, name: str = "base_url") -> str:
    """Where the vendor answers, without a slash at the end."""
    url = text(settings, name, default).rstrip("/")
    parts = urlsplit(url)
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        raise ValueError(f"{name}: an http or https URL is required")
    if parts.query or parts.fragment or parts.username:
        raise ValueError(f"{name}: must have no query, fragment or credentials")
    return url

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


def base_url(settings: Mapping[str, Any], default: str) -> str:
    """Where the vendor answers, without a slash at the end."""
    url = text(settings, "base_url", default).rstrip("/")
    parts = urlsplit(url)
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        raise ValueError("base_url: an http or https URL is required")
    if parts.query or parts.fragment or parts.username:
        raise ValueError("base_url: must have no query, fragment or credentials")
    return url

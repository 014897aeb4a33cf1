"""Settings of a process: read once from the environment, frozen, never seen by the core.

Every variable begins with `FOLLOWUP_`; an empty one counts as unset. Messages about
wrong values show no more of them than their scheme: addresses hold passwords.
"""

import os
import sys
from collections.abc import Mapping
from ipaddress import ip_network
from pathlib import Path
from typing import Annotated, Literal
from urllib.parse import urlsplit

from cryptography.fernet import Fernet
from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    ValidationError,
)
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError

from followup_directory.keys import usable
from followup_runtime.errors import SettingsError

PREFIX = "FOLLOWUP_"
_EXIT_WRONG_SETTINGS = 2
_SHORTEST_SUPPRESSION_KEY = 16


def _postgres(value: str) -> str:
    scheme = _scheme(value)
    if scheme.split("+")[0] not in {"postgresql", "postgres"}:
        raise ValueError(f'"{scheme}://…" is no PostgreSQL address')
    try:
        make_url(value)
    except (ArgumentError, ValueError):
        raise ValueError(
            "this address can't be read; write postgresql://user:password@host:port/database"
        ) from None
    # The driver reads the short scheme as another dialect.
    return value.replace("postgres://", "postgresql://", 1)


def _amqp(value: str) -> str:
    if _scheme(value) not in {"amqp", "amqps"} or not _has_host(value):
        raise ValueError(
            f'"{_scheme(value)}://…" is no AMQP address; write amqp://user:password@host:port/vhost'
        )
    return value


def _public(value: str) -> str:
    parts = urlsplit(value)
    if parts.scheme not in {"http", "https"} or not _has_host(value) or parts.query:
        raise ValueError(f'"{_scheme(value)}://…" is no http or https address without a query')
    return value.rstrip("/")


def _mail(value: str) -> str:
    if _scheme(value) not in {"lmtp", "smtp"} or not _has_host(value) or not urlsplit(value).port:
        raise ValueError(f'"{_scheme(value)}://…" is no lmtp or smtp address with a port')
    return value


def _scheme(value: str) -> str:
    return value.split("://", 1)[0] if "://" in value else ""


def _has_host(value: str) -> bool:
    try:
        return bool(urlsplit(value).hostname) and urlsplit(value).port != 0
    except ValueError:
        return False


def _list(value: object) -> object:
    return (
        tuple(v.strip() for v in value.split(",") if v.strip()) if isinstance(value, str) else value
    )


def _fernet_keys(keys: tuple[str, ...]) -> tuple[str, ...]:
    for number, key in enumerate(keys, start=1):
        try:
            Fernet(key)
        except ValueError:
            raise ValueError(
                f"key {number} is no Fernet key (32 random bytes as URL-safe base64)"
            ) from None
    return keys


def _suppression_key(value: str) -> str:
    if len(value.encode()) < _SHORTEST_SUPPRESSION_KEY:
        raise ValueError(f"the key needs at least {_SHORTEST_SUPPRESSION_KEY} characters")
    return value


def _proxies(values: tuple[str, ...]) -> tuple[str, ...]:
    """Networks, in CIDR; nobody trusts everybody."""
    found = []
    for value in values:
        try:
            network = ip_network(value, strict=False)
        except ValueError:
            network = None
        if network is None or network.prefixlen == 0:
            raise ValueError("write the proxies' own addresses or networks, such as 10.0.0.0/24")
        found.append(str(network))
    return tuple(found)


def _token(value: str) -> str:
    if not usable(value):
        raise ValueError("an API key has 8 to 512 printable ASCII characters and no blanks")
    return value


class Settings(BaseModel):
    """What every service may need; each gets the slices it does need.

    Without `database_url` the embedded PostgreSQL runs in `data_dir`; without
    `amqp_url` the bus is in process, which is only possible for all services at once.
    """

    model_config = ConfigDict(frozen=True, extra="ignore", hide_input_in_errors=True)

    database_url: Annotated[str, AfterValidator(_postgres)] | None = None
    amqp_url: Annotated[str, AfterValidator(_amqp)] | None = None
    data_dir: Path = Path(".followup/data")
    secret_keys: Annotated[
        tuple[str, ...], BeforeValidator(_list), AfterValidator(_fernet_keys)
    ] = ()
    suppression_key: Annotated[str, AfterValidator(_suppression_key)] | None = None
    bootstrap_key: Annotated[str, AfterValidator(_token)] | None = None
    public_url: Annotated[str, AfterValidator(_public)] | None = None
    http_host: str = "127.0.0.1"
    http_port: Annotated[int, Field(ge=0, le=65535)] = 8000
    trusted_proxies: Annotated[
        tuple[str, ...], BeforeValidator(_list), AfterValidator(_proxies)
    ] = ()
    classifier_url: Annotated[str, AfterValidator(_public)] | None = None
    classifier_key: str | None = None
    classifier_model: str = "gpt-4o-mini"
    mail_listen: Annotated[str, AfterValidator(_mail)] | None = None
    webhook_loopback: bool = False
    api_pool: Annotated[int, Field(ge=1, le=500)] = 8
    worker_pool: Annotated[int, Field(ge=1, le=500)] = 8
    model_url: Annotated[str, AfterValidator(_public)] | None = None
    model_name: str | None = None
    model_key: str | None = None
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = "INFO"
    log_format: Literal["json", "console"] = "json"

    @property
    def distributed(self) -> bool:
        """Whether several processes work together, over RabbitMQ."""
        return self.amqp_url is not None


def read(environ: Mapping[str, str]) -> Settings:
    """Settings from these variables; raises `SettingsError` with one line a mistake."""
    given = {
        name: environ[variable(name)].strip()
        for name in Settings.model_fields
        if environ.get(variable(name), "").strip()
    }
    try:
        settings = Settings.model_validate(given)
    except ValidationError as error:
        raise SettingsError("\n".join(_lines(error))) from None
    if settings.distributed:
        _require_keys(settings)
    return settings


def load(environ: Mapping[str, str] = os.environ) -> Settings:
    """Settings of this process. What is wrong goes to stderr, a line each; exit 2."""
    try:
        return read(environ)
    except SettingsError as error:
        for line in str(error).splitlines():
            print(f"followup: {line}", file=sys.stderr)  # noqa: T201 - there is no log yet
        raise SystemExit(_EXIT_WRONG_SETTINGS) from None


def variable(name: str) -> str:
    """The environment variable of a setting."""
    return PREFIX + name.upper()


def _require_keys(settings: Settings) -> None:
    for name in ("secret_keys", "suppression_key"):
        if not getattr(settings, name):
            raise SettingsError(
                f"{variable(name)}: required when {variable('amqp_url')} is set;"
                " every process needs the same one"
            )


def _lines(error: ValidationError) -> list[str]:
    lines = []
    for problem in error.errors(include_input=False, include_url=False):
        says = problem["msg"].removeprefix("Value error, ")
        lines.append(f"{variable(str(problem['loc'][0]))}: {says[0].lower()}{says[1:]}")
    return lines

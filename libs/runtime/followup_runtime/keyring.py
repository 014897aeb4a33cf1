"""The installation's keys: given by settings, or made once for the embedded deployment."""

import hmac
import os
import secrets
from dataclasses import dataclass
from pathlib import Path
from uuid import UUID

import orjson
from pydantic import BaseModel, ConfigDict, ValidationError

from followup_directory.vault import new_secret_key
from followup_runtime.errors import SettingsError
from followup_runtime.settings import Settings, variable

_FILE = "secrets.json"


@dataclass(frozen=True, slots=True)
class Keys:
    """`secret_keys` seal provider secrets; `suppression_key` hashes addresses, for ever."""

    secret_keys: tuple[str, ...]
    suppression_key: bytes

    @property
    def link_key(self) -> bytes:
        """Signs links in messages. As lasting as the suppression key: old mail counts."""
        return hmac.digest(self.suppression_key, b"followup links v1", "sha256")

    def sandbox_keys(self, account_id: UUID) -> tuple[bytes, ...]:
        """Sign a sandbox account's webhooks (HMAC-SHA256 of the body) with the first.

        Any of them is good: secret keys are rotated.
        """
        purpose = b"followup sandbox v1\0" + account_id.bytes
        return tuple(hmac.digest(key.encode(), purpose, "sha256") for key in self.secret_keys)


class _Stored(BaseModel):
    model_config = ConfigDict(hide_input_in_errors=True)

    secret_keys: tuple[str, ...]
    suppression_key: str


def keys_of(settings: Settings) -> Keys:
    """The keys in force; those that settings leave out come from `data_dir/secrets.json`.

    The file (mode 0600) is made when first needed, and once, however many processes
    start together. It belongs to the data: without it the database's suppressions and
    provider secrets mean nothing. Raises `SettingsError` when it can't be used.
    """
    if settings.secret_keys and settings.suppression_key:
        return Keys(settings.secret_keys, settings.suppression_key.encode())
    stored = _stored(settings.data_dir / _FILE)
    return Keys(
        settings.secret_keys or stored.secret_keys,
        (settings.suppression_key or stored.suppression_key).encode(),
    )


def _stored(path: Path) -> _Stored:
    try:
        if not path.exists():
            _make(path)
        return _Stored.model_validate_json(path.read_bytes())
    except (OSError, ValidationError) as error:
        reason = error.strerror if isinstance(error, OSError) else "not a file of ours"
        raise SettingsError(f"{variable('data_dir')}: {path} can't be used: {reason}") from None


def _make(path: Path) -> None:
    fresh = _Stored(secret_keys=(new_secret_key(),), suppression_key=secrets.token_urlsafe(32))
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(f".{path.name}.{secrets.token_hex(8)}")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(orjson.dumps(fresh.model_dump(mode="json")))
            file.flush()
            os.fsync(file.fileno())
        # A link never replaces what is there: the first of several processes wins, whole.
        os.link(draft, path)
    except FileExistsError:
        return
    finally:
        draft.unlink()

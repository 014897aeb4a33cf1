from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest


@pytest.fixture
def folder() -> Iterator[Path]:
    """An empty folder that a server under another user may enter.

    Not pytest's: each of its sessions closes the common parent to everybody else.
    """
    with TemporaryDirectory(prefix="followup-", ignore_cleanup_errors=True) as made:
        yield Path(made)

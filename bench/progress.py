"""What a run says while it works, on stderr."""

import time

from rich.console import Console

console = Console(stderr=True)


def log(line: str) -> None:
    """A line of progress."""
    console.print(f"[dim]{time.strftime('%H:%M:%S')}[/] {line}")

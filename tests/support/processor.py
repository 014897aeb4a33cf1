"""What a piece of work costs the processor."""

import gc
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass


@dataclass
class Cost:
    """Seconds of this thread's processor, once the work is done."""

    seconds: float = float("inf")


@contextmanager
def work() -> Iterator[Cost]:
    """Measures a block. What thousands of other tests have left is not collected within it:
    that may take longer than the work.
    """
    cost, collects = Cost(), gc.isenabled()
    gc.disable()
    began = time.thread_time()
    try:
        yield cost
    finally:
        cost.seconds = time.thread_time() - began
        if collects:
            gc.enable()

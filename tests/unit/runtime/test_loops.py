import asyncio
import time
from collections.abc import Callable

import pytest
from structlog.testing import capture_logs

from followup_runtime.loops import LoopRunner, Tick
from followup_runtime.metrics import Metrics


class Script:
    """A loop that does what it is told, round after round, then stops its runner."""

    name = "script"

    def __init__(self, *rounds: Tick | Exception | Callable[[], Tick]) -> None:
        self.rounds = list(rounds)
        self.ran = 0
        self.stop = asyncio.Event()

    async def run_once(self) -> Tick:
        step = self.rounds[self.ran]
        self.ran += 1
        if self.ran == len(self.rounds):
            self.stop.set()
        if isinstance(step, Exception):
            raise step
        return step if isinstance(step, Tick) else step()


AT_ONCE = Tick(worked=1, again_in=0)
AN_HOUR = Tick(worked=0, again_in=3600)


async def run(loop: Script, **given) -> None:
    async with asyncio.timeout(5):
        await LoopRunner(loop, **given).run(loop.stop)


async def test_a_loop_goes_on_at_once_while_there_is_work():
    """Rounds follow each other; the one in hand when stopped is the last."""
    loop = Script(AT_ONCE, AT_ONCE, AT_ONCE)
    await run(loop)
    assert loop.ran == 3


async def test_stopping_does_not_wait_for_the_next_round():
    """A loop that sleeps for an hour ends now."""
    loop = Script(AN_HOUR)
    await run(loop)
    assert loop.ran == 1


async def test_a_loop_is_woken_even_if_that_came_during_its_round():
    """No hint is lost between looking for work and going to sleep."""
    wake = asyncio.Event()

    def woken() -> Tick:
        wake.set()
        return AN_HOUR

    loop = Script(woken, woken, AN_HOUR)
    await run(loop, wake=wake)
    assert loop.ran == 3


async def test_errors_are_logged_with_an_id_and_do_not_end_the_loop():
    """Each one counts in the metric as well."""
    metrics = Metrics()
    loop = Script(ValueError("odd"), ValueError("odd"), AT_ONCE)
    with capture_logs() as logs:
        await run(loop, metrics=metrics)
    errors = [log for log in logs if log["event"] == "loop.failed"]
    assert len({log["error_id"] for log in errors}) == 2
    assert 'followup_loop_errors_total{loop="script"} 2.0' in metrics.exposition().decode()


async def test_an_outage_is_logged_once_and_its_end_too():
    """A database that is away for long fills no log."""
    outage = ConnectionRefusedError("nobody there")
    loop = Script(outage, outage, AT_ONCE, AT_ONCE)
    with capture_logs() as logs:
        await run(loop)
    assert [log["event"] for log in logs] == ["loop.database_unreachable", "loop.database_back"]


@pytest.mark.parametrize("failures", [1, 5, 50])
def test_pauses_after_failures_double_up_to_a_limit(failures):
    """From 0.1 s to 10 s."""
    runner = LoopRunner(Script())
    with capture_logs():
        pauses = [runner._failed(ConnectionRefusedError()) for _ in range(failures)]
    assert pauses == [min(0.1 * 2**n, 10.0) for n in range(failures)]


async def test_when_the_next_round_is_due_is_shown_and_stays_while_rounds_fail():
    """So a loop that hangs or fails is late, however far apart its rounds are."""
    metrics = Metrics()

    def due() -> float:
        name = "followup_loop_due_timestamp_seconds"
        return metrics.registry.get_sample_value(name, {"loop": "script"}) - time.time()

    seen = []

    def look() -> Tick:
        seen.append(due())
        return AN_HOUR

    await run(Script(look), metrics=metrics)
    assert seen[0] <= 0
    assert 3500 < due() <= 3600
    await run(Script(ValueError("first"), look), metrics=metrics)
    assert seen[1] <= 0

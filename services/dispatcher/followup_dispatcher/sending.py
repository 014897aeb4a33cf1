"""Consumers, calls and recorder as one: they end in the order that loses no answer."""

import asyncio
from collections.abc import Sequence

from followup_dispatcher.calls import Caller
from followup_dispatcher.consumer import CommandConsumer
from followup_dispatcher.records import Recorder

LAST_CALLS = 5.0
"""Seconds for calls under way when told to stop: what is left of a drain (6 s in one process
with all, 7 s in one of its own) is for their answers."""


class Sending:
    """Takes commands, makes calls, records answers.

    Told to stop, it takes no more, gives up what waits for its slot, lets the calls
    under way end (`LAST_CALLS` seconds at most) and commits their answers: whoever has
    not answered by then is recorded as unknown, by us rather than by a sweep.
    """

    name = "dispatcher:sending"

    def __init__(
        self, consumers: Sequence[CommandConsumer], *, caller: Caller, recorder: Recorder
    ) -> None:
        self._consumers = consumers
        self._caller = caller
        self._recorder = recorder

    async def run(self, stop: asyncio.Event) -> None:
        """Work until `stop`."""
        answered = asyncio.Event()
        recording = asyncio.create_task(self._recorder.run(answered))
        cutting = asyncio.create_task(self._cut_off(stop))
        try:
            async with asyncio.TaskGroup() as group:
                for consumer in self._consumers:
                    group.create_task(consumer.run(stop), name=consumer.name)
            self._caller.drain()
            await self._caller.quiet()
        finally:
            cutting.cancel()
            answered.set()
            await recording

    async def _cut_off(self, stop: asyncio.Event) -> None:
        await stop.wait()
        await asyncio.sleep(LAST_CALLS)
        self._caller.cut_off()

"""Consumers, calls and recorder as one: they end in the order that loses no answer."""

import asyncio
from collections.abc import Sequence

from followup_dispatcher.calls import Caller
from followup_dispatcher.consumer import CommandConsumer
from followup_dispatcher.records import Recorder


class Sending:
    """Takes commands, makes calls, records answers.

    Told to stop, it takes no more, gives up what waits for its slot, lets the calls
    under way end (eight seconds at most) and commits their answers.
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
        try:
            async with asyncio.TaskGroup() as group:
                for consumer in self._consumers:
                    group.create_task(consumer.run(stop), name=consumer.name)
            self._caller.drain()
            await self._caller.quiet()
        finally:
            answered.set()
            await recording

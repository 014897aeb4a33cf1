"""What nobody waits for is held back for a moment, to be one message with others.

A message costs the broker, its publisher and its consumers about the same whether it holds
one event or ten, and where leads come one by one each of their events would go alone.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence

from followup_messaging.port import Fate, Outgoing

HELD = 0.02
"""Seconds; the queues of what is held back gather for longer than that themselves."""

Publish = Callable[[Sequence[Outgoing]], Awaitable[Sequence[Fate]]]


class Gathering:
    """Publishes by `publish` what is handed over within `HELD` seconds of the first."""

    def __init__(self, publish: Publish) -> None:
        self._publish = publish
        self._held: list[tuple[Sequence[Outgoing], asyncio.Future[Sequence[Fate]]]] = []
        self._sending: set[asyncio.Task[None]] = set()

    async def publish(self, messages: Sequence[Outgoing]) -> Sequence[Fate]:
        """Publish these with others and say what became of each.

        Cancelled, it leaves open which arrived.
        """
        answered: asyncio.Future[Sequence[Fate]] = asyncio.get_running_loop().create_future()
        self._held.append((messages, answered))
        if len(self._held) == 1:
            task = asyncio.create_task(self._send())
            self._sending.add(task)
            task.add_done_callback(self._sending.discard)
        return await answered

    async def _send(self) -> None:
        await asyncio.sleep(HELD)
        held, self._held = self._held, []
        everything = [message for messages, _ in held for message in messages]
        fates: Sequence[Fate] = [Fate.FAILED] * len(everything)
        try:
            fates = await self._publish(everything)
        finally:
            start = 0
            for messages, answered in held:
                if not answered.done():  # else whoever published it has given it up
                    answered.set_result(fates[start : start + len(messages)])
                start += len(messages)

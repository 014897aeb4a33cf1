"""What the client library raises when a link, a channel or the broker is gone."""

import asyncio

from aiormq.exceptions import AMQPError

LINK_FAILURES = (
    AMQPError,
    OSError,
    TimeoutError,
    asyncio.InvalidStateError,
    RuntimeError,  # writing to a transport that is closing
    StopAsyncIteration,  # aiormq, when its peer hung up before the first frame
)

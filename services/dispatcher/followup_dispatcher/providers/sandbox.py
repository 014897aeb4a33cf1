"""The sandbox: sends nothing, records everything, and can be asked about it.

What a vendor would have been handed goes to a sink, which keeps it for people to look
at. Behind it the whole path is the real one: claims, ledger, rates and outcomes.
"""

import asyncio
from collections.abc import Mapping
from datetime import timedelta
from typing import Any, Protocol
from uuid import UUID

from followup_contracts.channels import TRAITS, Channel
from followup_database.errors import is_outage
from followup_dispatcher.providers import settings as read
from followup_dispatcher.providers.port import (
    Absent,
    Accepted,
    Answer,
    Call,
    Finding,
    Found,
    NotBegun,
    PastAttempt,
    Provider,
    ProviderFactory,
    Undecided,
    Unknown,
)
from followup_policy.segments import segments_of


class SandboxSink(Protocol):
    """Where calls are kept."""

    async def record(self, call: Call) -> str:
        """Keep a call for good and return its reference."""

    async def find(self, touch_id: UUID, attempt_id: UUID) -> str | None:
        """The reference of the attempt's call, or None when there is none."""


class SandboxProvider:
    """Accepts everything. `latency` (seconds) stands for a vendor's own time."""

    name = "sandbox"
    settling: timedelta | None = timedelta(0)

    def __init__(self, channel: Channel, sink: SandboxSink, *, latency: float = 0.0) -> None:
        self.channel = channel
        self._sink = sink
        self._latency = latency

    async def warm(self) -> None:
        """There is nothing to open."""

    async def send(self, call: Call) -> Answer:
        """Record the touch; an outage of the record leaves the outcome open."""
        if call.time_left() <= 0:
            return NotBegun("lease over", ours=True)
        if self._latency:
            await asyncio.sleep(self._latency)
        try:
            ref = await self._sink.record(call)
        except Exception as error:
            if not is_outage(error):
                raise
            return Unknown("the record is out of reach")
        segments = segments_of(call.content.text) if TRAITS[self.channel].segmented else 1
        return Accepted(ref, segments)

    async def find(self, attempt: PastAttempt) -> Finding:
        """Ask the record, which is settled at once."""
        try:
            ref = await self._sink.find(attempt.touch_id, attempt.attempt_id)
        except Exception as error:
            if not is_outage(error):
                raise
            return Undecided("the record is out of reach")
        return Absent() if ref is None else Found(ref)

    async def close(self) -> None:
        """There is nothing to let go of."""


def sandbox_factory(channel: Channel, sink: SandboxSink) -> ProviderFactory:
    """A factory of sandbox accounts. Setting: `latency_ms` (0 to 5000, default 0)."""

    def make(settings: Mapping[str, Any], secrets: Mapping[str, str]) -> Provider:
        del secrets  # a sandbox has nobody to prove itself to
        latency = read.number(settings, "latency_ms", default=0, least=0, most=5000) / 1000
        return SandboxProvider(channel, sink, latency=latency)

    return make

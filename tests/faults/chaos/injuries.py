"""Carrying out a plan: each track one after the other, the tracks beside one another."""

import asyncio
import signal
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import UTC, datetime

import aiohttp

from chaos.deployment import Deployment, service_of
from chaos.plan import KILL, MOODS, REPLICAS, SLOW, Injury
from followup_testkit.proxies import TcpProxy
from followup_testkit.waiting import until

ENDED = (None, 0, -signal.SIGTERM, -signal.SIGKILL)
"""How a replica that is told to end may end: gone already, well, before it had come up, or
killed on top of it."""

Carry = Callable[[Injury], Awaitable[object]]


class Surgeon:
    """Injures a deployment; `counts` says how often each kind was really done."""

    def __init__(
        self, deployment: Deployment, session: aiohttp.ClientSession, log: Callable[[str], None]
    ) -> None:
        self.counts: Counter[str] = Counter()
        self.healed: datetime | None = None
        self._deployment = deployment
        self._session = session
        self._log = log
        self._ways: Mapping[str, Carry] = {
            KILL: self._kill,
            "freeze": self._freeze,
            "rolling_restart": self._roll,
            "rabbit_restart": lambda _: self._rabbit(self._restart_rabbit),
            "rabbit_kill": lambda _: self._rabbit(self._kill_rabbit),
            "rabbit_wipe": lambda _: self._rabbit(deployment.broker.wipe),
            "postgres_restart": lambda _: asyncio.to_thread(deployment.crash_postgres),
            "postgres_full": lambda injury: deployment.fill_postgres(seconds=injury.seconds),
            SLOW: self._slow,
            **dict.fromkeys(MOODS, self._mood),
        }
        for name, proxy in (("amqp", deployment.amqp), ("postgres", deployment.database)):
            self._ways = {
                **self._ways,
                f"{name}_drop": lambda _, proxy=proxy: proxy.drop(),
                f"{name}_cut": lambda injury, proxy=proxy: self._cut(proxy, injury),
                f"{name}_stall": lambda injury, proxy=proxy: self._stall(proxy, injury),
                f"{name}_delay": lambda injury, proxy=proxy: self._delay(proxy, injury),
            }

    async def operate(self, tracks: Mapping[str, Sequence[Injury]], *, seconds: float) -> None:
        """Carry out all tracks; what has not begun when `seconds` are over is left out."""
        begin = asyncio.get_running_loop().time()
        async with asyncio.TaskGroup() as group:
            for track in tracks.values():
                group.create_task(self._track(track, begin=begin, end=begin + seconds))

    async def heal(self) -> None:
        """End whatever lasts."""
        self.healed = datetime.now(UTC)
        self._deployment.amqp.delay = self._deployment.database.delay = 0.0
        self._deployment.amqp.mend()
        self._deployment.database.mend()
        await self._tell("/peace")

    async def _track(self, track: Sequence[Injury], *, begin: float, end: float) -> None:
        clock = asyncio.get_running_loop().time
        for injury in track:
            await asyncio.sleep(max(0.0, begin + injury.at - clock()))
            if clock() >= end:
                return
            if injury.kind not in (KILL, *MOODS):
                self._log(f"{injury.kind} {injury.target}")
            if await self._ways[injury.kind](injury) is not False:
                self.counts[injury.kind] += 1

    async def _kill(self, injury: Injury) -> bool:
        """Unless nothing of its service is up: somebody has to be at work to be killed at it.

        A service that is never up is never injured within its work; on a slow machine
        there are fewer kills for it.
        """
        service = service_of(injury.target)
        if not await self._deployment.any_ready(service):
            return False
        return self._deployment.kill(injury.target, back_in=injury.seconds)

    async def _freeze(self, injury: Injury) -> bool:
        return await self._deployment.freeze(injury.target, seconds=injury.seconds)

    async def _roll(self, injury: Injury) -> None:
        """One replica of the service after the other, each only when the last is back."""
        for name in REPLICAS:
            if service_of(name) == injury.target:
                code = await self._deployment.terminate(name)
                if code not in ENDED:
                    self.counts[f"drain ended with {code}"] += 1
                try:
                    await until(lambda name=name: self._deployment.ready(name), within=20)
                except AssertionError:
                    return  # something else keeps it from coming back

    async def _rabbit(self, work: Callable[[], None]) -> None:
        await asyncio.to_thread(work)

    def _restart_rabbit(self) -> None:
        self._deployment.broker.shut_down()
        self._deployment.broker.start()

    def _kill_rabbit(self) -> None:
        self._deployment.broker.kill()
        self._deployment.broker.start()

    async def _cut(self, proxy: TcpProxy, injury: Injury) -> None:
        await proxy.cut()
        await self._then_mend(proxy, injury.seconds)

    async def _stall(self, proxy: TcpProxy, injury: Injury) -> None:
        proxy.stall()
        await self._then_mend(proxy, injury.seconds)

    async def _then_mend(self, proxy: TcpProxy, seconds: float) -> None:
        try:
            await asyncio.sleep(seconds)
        finally:
            proxy.mend()

    async def _delay(self, proxy: TcpProxy, injury: Injury) -> None:
        proxy.delay = injury.much
        try:
            await asyncio.sleep(injury.seconds)
        finally:
            proxy.delay = 0.0

    async def _mood(self, injury: Injury) -> None:
        await self._tell(f"/mood?kind={injury.kind}&share={injury.much}")

    async def _slow(self, injury: Injury) -> None:
        await self._tell("/slow?on=1")
        try:
            await asyncio.sleep(injury.seconds)
        finally:
            await self._tell("/slow?on=0")

    async def _tell(self, what: str) -> None:
        async with self._session.post(self._deployment.vendor.control + what) as answer:
            answer.raise_for_status()

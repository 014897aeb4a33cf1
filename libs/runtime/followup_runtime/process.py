"""A process: HTTP and runners until it is told to stop, then a drain of bounded length.

Drain: no connection is taken any more, requests in flight are answered, runners finish
the batch in hand, then the finishers flush. What is cut off by the deadline loses
nothing: it was not committed, or it is found again in the database.
"""

import asyncio
import os
import signal
import socket
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress

import structlog
import uvicorn
from fastapi import FastAPI

from followup_runtime.app import create_app
from followup_runtime.databases import Databases
from followup_runtime.errors import SettingsError
from followup_runtime.loops import Runner
from followup_runtime.metrics import Metrics
from followup_runtime.service import Service
from followup_runtime.settings import Settings, variable

DRAIN_SECONDS = 10.0
"""From the signal to the end of the process, at most."""

_FLUSH_SECONDS = 2.0  # of these, kept for the finishers
_CLOSE_SECONDS = 0.5  # for letting go of connections
_EXIT_SECONDS = 0.5  # and for what Python does at the end
_WORK_SECONDS = DRAIN_SECONDS - _FLUSH_SECONDS - _CLOSE_SECONDS - _EXIT_SECONDS
_BACKLOG = 2048


class _Server(uvicorn.Server):
    """uvicorn without its signal handling: the process has its own order of ending."""

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


async def serve(
    services: Sequence[Service],
    settings: Settings,
    *,
    databases: Databases,
    metrics: Metrics,
    on_ready: Callable[[str], None] | None = None,
) -> int:
    """Run services until SIGTERM or SIGINT; returns the exit code.

    0 after a whole drain, 1 when a runner failed or the drain had to be cut off. A
    second signal ends it at once, a third without any ceremony. `on_ready` gets the
    base URL once the port is open. Raises `SettingsError` when the port can't be had.
    """
    listener = listen(settings.http_host, settings.http_port)
    app = create_app(services, databases, metrics)
    stop, quit_now = asyncio.Event(), asyncio.Event()
    with signals(stop, quit_now):
        return await run(
            services,
            app,
            listener=listener,
            stop=stop,
            quit_now=quit_now,
            on_ready=on_ready,
            trusted_proxies=settings.trusted_proxies,
        )


async def run(
    services: Sequence[Service],
    app: FastAPI,
    *,
    listener: socket.socket,
    stop: asyncio.Event,
    quit_now: asyncio.Event | None = None,
    on_ready: Callable[[str], None] | None = None,
    trusted_proxies: Sequence[str] = (),
) -> int:
    """The same for a host with a listening socket and signals of its own.

    Setting `stop` begins the drain, setting `quit_now` ends it.
    """
    server = _server(app, trusted_proxies)
    work = _Work(services, server, listener, quit_now if quit_now is not None else asyncio.Event())
    return await work.run(stop, on_ready)


def _server(app: FastAPI, trusted_proxies: Sequence[str]) -> _Server:
    return _Server(
        uvicorn.Config(
            app,
            log_config=None,
            access_log=False,
            lifespan="off",
            server_header=False,
            # Said either way: by itself uvicorn believes what a variable of its own says, or
            # any process of this machine.
            proxy_headers=bool(trusted_proxies),
            forwarded_allow_ips=list(trusted_proxies),
            timeout_graceful_shutdown=int(_WORK_SECONDS),
        )
    )


class _Work:
    def __init__(
        self,
        services: Sequence[Service],
        server: _Server,
        listener: socket.socket,
        quit_now: asyncio.Event,
    ) -> None:
        self.services = services
        self.listener = listener
        self.quit_now = quit_now
        self.log = structlog.get_logger("followup.process")
        self.server = server

    async def run(self, stop: asyncio.Event, on_ready: Callable[[str], None] | None) -> int:
        ending, finish = asyncio.Event(), asyncio.Event()
        names = ", ".join(service.name for service in self.services)
        http = asyncio.create_task(self.server.serve([self.listener]), name="http")
        runners = [_start(r, ending) for s in self.services for r in s.runners]
        finishers = [_start(r, finish) for s in self.services for r in s.finishers]
        try:
            url = base_url(self.listener)
            self.log.info("process.serving", services=names, url=url)
            if on_ready is not None:
                on_ready(url)
            failed = await self._until_told(stop, [http, *runners, *finishers])
            whole = await self._drain([http, *runners], ending, finishers, finish)
        finally:
            await _cancel([http, *runners, *finishers])
            await self._close()
        self.log.info("process.ended", services=names, whole=whole, failed=failed)
        return 0 if whole and not failed else 1

    async def _until_told(self, stop: asyncio.Event, tasks: Sequence[asyncio.Task[None]]) -> bool:
        """Wait for the signal; True when one of the tasks ended before it."""
        told = asyncio.ensure_future(stop.wait())
        done, _ = await asyncio.wait([told, *tasks], return_when=asyncio.FIRST_COMPLETED)
        told.cancel()
        ended = [task for task in tasks if task in done]
        for task in ended:
            error = None if task.cancelled() else task.exception()
            self.log.error("process.part_ended", part=task.get_name(), exc_info=error)
        return bool(ended)

    async def _drain(
        self,
        workers: Sequence[asyncio.Task[None]],
        ending: asyncio.Event,
        finishers: Sequence[asyncio.Task[None]],
        finish: asyncio.Event,
    ) -> bool:
        """End in order; True when everything came to its own end in time."""
        began = asyncio.get_running_loop().time()
        deadline = began + _WORK_SECONDS
        self.log.info("process.draining")
        self.server.should_exit = True
        ending.set()
        whole = await self._join(workers, deadline)
        finish.set()
        return await self._join(finishers, deadline + _FLUSH_SECONDS) and whole

    async def _join(self, tasks: Sequence[asyncio.Task[None]], deadline: float) -> bool:
        left = deadline - asyncio.get_running_loop().time()
        pending = {task for task in tasks if not task.done()}
        quitting = asyncio.ensure_future(self.quit_now.wait())
        joined = asyncio.ensure_future(asyncio.wait(pending)) if pending else None
        try:
            if joined is not None and left > 0:
                await asyncio.wait(
                    {quitting, joined}, timeout=left, return_when=asyncio.FIRST_COMPLETED
                )
        finally:
            quitting.cancel()
            if joined is not None:
                joined.cancel()
        late = [task.get_name() for task in pending if not task.done()]
        if late:
            self.log.warning("process.cut_off", parts=late)
        return not late and not any(_broke(task) for task in tasks)

    async def _close(self) -> None:
        for service in reversed(self.services):
            try:
                async with asyncio.timeout(_CLOSE_SECONDS):
                    await service.close()
            except Exception as error:
                self.log.warning("process.close_failed", service=service.name, exc_info=error)


def base_url(listener: socket.socket) -> str:
    """Where a listening socket is reached."""
    host, port = listener.getsockname()[:2]
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


def _start(runner: Runner, stop: asyncio.Event) -> asyncio.Task[None]:
    return asyncio.create_task(runner.run(stop), name=runner.name)


def _broke(task: asyncio.Task[None]) -> bool:
    return task.done() and not task.cancelled() and task.exception() is not None


async def _cancel(tasks: Sequence[asyncio.Task[None]]) -> None:
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


def listen(host: str, port: int) -> socket.socket:
    """A listening socket; raises `SettingsError` when the port can't be had."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        return socket.create_server((host, port), family=family, backlog=_BACKLOG)
    except OSError as error:
        raise SettingsError(
            f"{variable('http_port')}: {host}:{port} can't be listened on: {error.strerror}"
        ) from None


@contextmanager
def signals(stop: asyncio.Event, quit_now: asyncio.Event) -> Iterator[None]:
    """SIGTERM and SIGINT set `stop`, a second one `quit_now`; a third ends the process."""
    loop = asyncio.get_running_loop()

    def told(number: int) -> None:
        if quit_now.is_set():
            os._exit(128 + number)
        if stop.is_set():
            quit_now.set()
        stop.set()

    kinds = (signal.SIGTERM, signal.SIGINT)
    for kind in kinds:
        loop.add_signal_handler(kind, told, kind)
    try:
        yield
    finally:
        for kind in kinds:
            with suppress(ValueError):
                loop.remove_signal_handler(kind)

"""A RabbitMQ in a container, through testcontainers, if Docker answers."""

import os
import shlex
from typing import Any, Self

from followup_testkit.errors import NoBroker
from followup_testkit.ports import free_port, wait_for_amqp
from followup_testkit.reaper import Reaper

IMAGE = "rabbitmq:4-management"
_START_LIMIT = 120.0


class ContainerBroker:
    """A container with its port bound to one of 127.0.0.1, the same after every start."""

    def __init__(self, reaper: Reaper) -> None:
        self._reaper = reaper
        self._port = free_port()
        self._container: Any = None
        self.shared = False
        self.url = f"amqp://guest:guest@127.0.0.1:{self._port}/"

    @classmethod
    def run(cls, reaper: Reaper) -> Self:
        """A started container; raises `NoBroker` where there is no Docker or no image."""
        # Before testcontainers reads it: its reaper is one more image to pull.
        os.environ.setdefault("TESTCONTAINERS_RYUK_DISABLED", "true")
        import docker  # type: ignore[import-untyped]  # noqa: PLC0415 - no stubs; asked for only here
        from docker.errors import (  # type: ignore[import-untyped]  # noqa: PLC0415 - as above
            DockerException,
        )

        try:
            client = docker.from_env(timeout=5)
            client.ping()
            client.close()
        except DockerException as error:
            raise NoBroker(f"Docker does not answer ({type(error).__name__})") from None
        broker = cls(reaper)
        try:
            broker._create()
        except DockerException as error:
            raise NoBroker(f"{IMAGE} cannot be had: {error}") from None
        return broker

    def start(self) -> None:
        """Start it with the data it has, and wait until it answers."""
        self._container.get_wrapped_container().start()
        self._wait()

    def kill(self) -> None:
        """End it without a warning."""
        self._container.get_wrapped_container().kill()

    def shut_down(self) -> None:
        """End it in order."""
        self._container.get_wrapped_container().stop()

    def wipe(self) -> None:
        """Remove it with its data and run an empty one at the same address."""
        self.stop()
        self._create()

    def control(self, *arguments: str, given: str = "") -> str:
        """What `rabbitmqctl` says, with `given` in a file it is named; fails if it does.

        On its stdin, which it reads as well, that of RabbitMQ 4 waits for ever in a container.
        """
        asked = f"rabbitmqctl --quiet {shlex.join(arguments)}"
        if given:
            asked = f'printf %s "$GIVEN" > /tmp/given && {asked} /tmp/given'
        done = self._container.get_wrapped_container().exec_run(
            ["sh", "-c", asked], environment={"GIVEN": given}
        )
        told = str(done.output.decode())
        assert done.exit_code == 0, told
        return told

    def stop(self) -> None:
        """Remove the container and its data."""
        identity = self._container.get_wrapped_container().id
        self._container.stop(force=True, delete_volume=True)
        self._reaper.forget_container(identity)

    def _create(self) -> None:
        from testcontainers.core.container import DockerContainer  # noqa: PLC0415

        # A fixed node name: a restarted container must find its data again.
        container = DockerContainer(IMAGE, hostname="followup")
        ports: dict[str, Any] = container.ports  # its type knows no host address
        ports["5672/tcp"] = ("127.0.0.1", self._port)
        self._container = container
        container.start()
        self._reaper.remove_container(container.get_wrapped_container().id)
        self._wait()

    def _wait(self) -> None:
        wait_for_amqp(self.url, within=_START_LIMIT, alive=self._reason_to_give_up)

    def _reason_to_give_up(self) -> str | None:
        wrapped = self._container.get_wrapped_container()
        wrapped.reload()
        return None if wrapped.status in ("created", "running") else f"it is {wrapped.status}"

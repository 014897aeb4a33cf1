"""A RabbitMQ node of our own: own ports, own data, own port mapper, gone with the run."""

import os
import shutil
import signal
import subprocess
from contextlib import suppress
from pathlib import Path
from typing import Self

from followup_database import new_id
from followup_testkit.errors import NoBroker
from followup_testkit.ports import free_port, wait_for_amqp
from followup_testkit.reaper import Reaper

_PLACES = ("/usr/lib/rabbitmq/bin", "/opt/rabbitmq/sbin", "/opt/homebrew/sbin", "/usr/local/sbin")
_START_LIMIT = 90.0
_STOP_LIMIT = 30.0


def find_server() -> str | None:
    """The server's own script, not the distribution's wrapper that insists on its user."""
    for place in _PLACES:
        path = Path(place) / "rabbitmq-server"
        if path.exists():
            return str(path)
    return shutil.which("rabbitmq-server")


class PrivateNode:
    """A node with its data under `folder`, listening on 127.0.0.1 alone."""

    def __init__(self, folder: Path, reaper: Reaper, script: str) -> None:
        self._folder = folder
        self._reaper = reaper
        self._script = script
        self._name = f"followup-{new_id().hex[-10:]}@localhost"
        self._port = free_port()
        self._dist_port = free_port()
        self._mapper_port = free_port()
        self._processes: list[subprocess.Popen[bytes]] = []
        self.shared = False
        self.url = f"amqp://guest:guest@127.0.0.1:{self._port}/"

    @classmethod
    def run(cls, folder: Path, reaper: Reaper) -> Self:
        """A started node; raises `NoBroker` with the end of its log."""
        script = find_server()
        if script is None:
            raise NoBroker("rabbitmq-server is not installed")
        node = cls(folder, reaper, script)
        node.start()
        return node

    def start(self) -> None:
        """Start it with the data it has, and wait until it answers."""
        self._folder.mkdir(parents=True, exist_ok=True)
        (self._folder / "enabled_plugins").write_text("[].\n")
        (self._folder / "rabbitmq.conf").write_text(
            "loopback_users = none\ndisk_free_limit.absolute = 50MB\n"
        )
        (self._folder / "env.conf").touch()  # in place of the machine's own
        mapper = shutil.which("epmd")
        if mapper is not None:
            # Started by the node it would be a daemon that outlives us.
            self._spawn([mapper, "-address", "127.0.0.1", "-port", str(self._mapper_port)])
        node = self._spawn([self._script])

        def alive() -> str | None:
            return None if node.poll() is None else f"rabbitmq-server ended: {self._log_tail()}"

        try:
            wait_for_amqp(self.url, within=_START_LIMIT, alive=alive)
        except NoBroker:
            self.kill()
            raise

    def kill(self) -> None:
        """End it without a warning."""
        for process in self._processes:
            self._kill_group(process)
        self._processes.clear()

    def shut_down(self) -> None:
        """End it in order."""
        server = self._processes[-1]
        server.terminate()
        server.wait(timeout=_STOP_LIMIT)
        self.kill()  # the port mapper

    def wipe(self) -> None:
        """Kill it, delete its data and start it empty."""
        self.kill()
        shutil.rmtree(self._folder / "mnesia", ignore_errors=True)
        self.start()

    def control(self, *arguments: str, given: str = "") -> str:
        """What `rabbitmqctl` says, with `given` on its stdin; fails if it does."""
        done = subprocess.run(
            [str(Path(self._script).with_name("rabbitmqctl")), "--quiet", *arguments],
            env=self._environment(),
            input=given,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr or done.stdout
        return done.stdout

    def stop(self) -> None:
        """End it for good; its data are of no use to anybody."""
        self.kill()
        shutil.rmtree(self._folder, ignore_errors=True)

    def _spawn(self, command: list[str]) -> subprocess.Popen[bytes]:
        with (self._folder / "node.log").open("ab") as log:
            process = subprocess.Popen(
                command,
                env=self._environment(),
                cwd=self._folder,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        self._processes.append(process)
        self._reaper.kill_group(process.pid)
        return process

    def _kill_group(self, process: subprocess.Popen[bytes]) -> None:
        with suppress(ProcessLookupError):  # it ended by itself
            os.killpg(process.pid, signal.SIGKILL)
        process.wait(timeout=10)
        self._reaper.forget_group(process.pid)

    def _environment(self) -> dict[str, str]:
        folder = self._folder
        return {
            "PATH": f"{os.environ.get('PATH', '')}:/usr/sbin:/usr/bin:/sbin:/bin",
            "LANG": "C.UTF-8",
            "HOME": str(folder),  # the cookie
            "RABBITMQ_NODENAME": self._name,
            "RABBITMQ_NODE_IP_ADDRESS": "127.0.0.1",
            "RABBITMQ_NODE_PORT": str(self._port),
            "RABBITMQ_DIST_PORT": str(self._dist_port),
            "ERL_EPMD_PORT": str(self._mapper_port),
            "ERL_EPMD_ADDRESS": "127.0.0.1",
            "RABBITMQ_MNESIA_BASE": str(folder / "mnesia"),
            "RABBITMQ_LOG_BASE": str(folder / "log"),
            "RABBITMQ_LOGS": "-",
            "RABBITMQ_CONFIG_FILE": str(folder / "rabbitmq.conf"),
            "RABBITMQ_CONF_ENV_FILE": str(folder / "env.conf"),
            "RABBITMQ_ENABLED_PLUGINS_FILE": str(folder / "enabled_plugins"),
            # Idle schedulers that spin would take the tests' own time.
            "RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS": "+sbwt none +sbwtdcpu none +sbwtdio none",
        }

    def _log_tail(self) -> str:
        log = self._folder / "node.log"
        return log.read_text(errors="replace")[-1500:] if log.exists() else "no log"

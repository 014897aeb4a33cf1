"""Prove the distributed deployment: docker compose, a lead, its first touch, more dispatchers.

Builds the image, brings everything up under a project name and ports of its own, stores
a sequence over HTTP, posts a lead and follows it to the sandbox's outbox; then runs three
dispatchers and does it again; then stops them and wants a clean end of each. Everything
is removed at the end. Needs Docker with Compose v2. Exit 0 when all of it held.
"""

import json
import os
import socket
import subprocess
import sys
import time
import urllib.request
from pathlib import Path
from typing import Any
from uuid import uuid4

ROOT = Path(__file__).resolve().parent.parent
KEY = "only-for-this-check"
PATIENCE = 30.0

# By e-mail and at once: open to someone who asked, at any hour in every state of the US.
SEQUENCE = """
key: check
name: One e-mail at once
steps:
  - id: hello
    at: {after: 0m, window: at_once}
    touches:
      - {channel: email, template: hello}
templates:
  hello:
    subject: 'Your request, {{ person.first_name | default: "hello" }}'
    text: 'Hi {{ person.first_name | default: "there" }}, shall we call you?'
"""


class Deployment:
    """The composed services of this run."""

    def __init__(self) -> None:
        self.ports = {
            name: _free_port() for name in ("intake", "scheduler", "dispatcher", "replies")
        }
        self.environment = {
            **os.environ,
            "DOCKER_BUILDKIT": "1",
            "FOLLOWUP_BOOTSTRAP_KEY": KEY,
            "RABBITMQ_UI_PORT": str(_free_port()),
            **{f"{name.upper()}_PORT": str(port) for name, port in self.ports.items()},
        }

    def compose(self, *arguments: str) -> str:
        """Run `docker compose`; its output."""
        done = subprocess.run(
            ["docker", "compose", "-p", "followup-check", *arguments],
            cwd=ROOT,
            env=self.environment,
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode != 0:
            logs = "" if arguments[0] == "logs" else self.compose("logs", "--tail", "20")
            raise SystemExit(f"{done.stderr[-3000:]}\n{logs}")
        return done.stdout

    def call(self, method: str, service: str, path: str, body: bytes = b"", kind: str = "") -> Any:
        """The JSON a service answers; raises for anything but 2xx."""
        request = urllib.request.Request(
            f"http://127.0.0.1:{self.ports[service]}{path}",
            data=body or None,
            method=method,
            headers={"Authorization": f"Bearer {KEY}", "Content-Type": kind or "application/json"},
        )
        with urllib.request.urlopen(request, timeout=10) as answer:  # noqa: S310 - our own address
            return json.load(answer)

    def follow_a_lead(self) -> float:
        """Post a lead; the seconds until its first touch stands in the outbox."""
        posted = time.monotonic()
        lead = {
            "first_name": "Ana",
            "email": f"ana.{uuid4().hex[:12]}@example.com",
            "source": "website form",
            "consent": "yes",
            "country": "US",
            "state": "CA",
            "need": "a new roof",
            "sequence": "check",
        }
        saved = self.call("POST", "intake", "/v1/leads", json.dumps(lead).encode())
        while time.monotonic() < posted + PATIENCE:
            sent = self.call("GET", "dispatcher", "/v1/sandbox/outbox")["items"]
            if any(touch["person_id"] == saved["person_id"] for touch in sent):
                return time.monotonic() - posted
            time.sleep(0.05)
        timeline = self.call("GET", "scheduler", f"/v1/leads/{saved['lead_id']}/timeline")
        raise SystemExit(f"no touch within {PATIENCE} s: {json.dumps(timeline, indent=1)}")

    def exit_codes(self, service: str) -> list[int]:
        """How the containers of a service ended."""
        ids = self.compose("ps", "-aq", service).split()
        out = subprocess.run(
            ["docker", "inspect", "-f", "{{.State.ExitCode}}", *ids],
            capture_output=True,
            text=True,
            check=True,
        )
        return [int(code) for code in out.stdout.split()]


def check(deployment: Deployment) -> None:
    """All of it, in order; raises `SystemExit` with the reason at the first that fails."""
    deployment.compose("build")
    deployment.compose("up", "--wait")
    print("up: every container is healthy")
    deployment.call(
        "PUT", "scheduler", "/v1/sequences/check", SEQUENCE.encode(), "application/yaml"
    )
    deployment.call("POST", "scheduler", "/v1/sequences/check/publish")
    print(f"a lead's first touch after {deployment.follow_a_lead():.2f} s")
    deployment.compose("up", "--wait", "--scale", "dispatcher=3")
    for _ in range(6):
        deployment.follow_a_lead()
    print("three dispatchers: six more leads")
    deployment.compose("stop", "dispatcher")
    codes = deployment.exit_codes("dispatcher")
    if codes != [0, 0, 0]:
        raise SystemExit(f"the dispatchers did not end cleanly: {codes}")
    print("three dispatchers drained and ended with 0")


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


if __name__ == "__main__":
    deployed = Deployment()
    try:
        check(deployed)
    finally:
        deployed.compose("down", "--volumes", "--timeout", "15")
    sys.exit(0)

import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import httpx
import pytest

ROOT = Path(__file__).parents[3]
LEAD = {
    "name": "Ada Lovelace",
    "phone": "+1 212 555 0123",
    "email": "ada@example.com",
    "source": "cold_outbound",
    "consent": "yes",
    "country": "US",
}
_PATIENCE = 120


@pytest.fixture
def environ(folder):
    clean = {name: value for name, value in os.environ.items() if not name.startswith("FOLLOWUP_")}
    return clean | {"FOLLOWUP_DATA_DIR": str(folder / "data"), "FOLLOWUP_HTTP_PORT": "0"}


class Up:
    """A running `followup up`; `told` is what it printed until it was ready."""

    def __init__(self, environ):
        command = [sys.executable, "-m", "followup_embedded", "up"]
        self.process = subprocess.Popen(  # noqa: S603 - our own command
            command, env=environ, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
        )
        assert self.process.stdout is not None
        lines = []
        for line in self.process.stdout:
            lines.append(line)
            if line.startswith("Ctrl-C"):
                break
        self.told = "".join(lines)

    @property
    def url(self):
        return re.search(r"http://\S+", self.told)[0]

    @property
    def key(self):
        found = re.search(r"fu_\S+", self.told)
        return found and found[0]

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.process.poll() is None:
            self.process.kill()
        self.process.communicate()

    def end(self, how=signal.SIGTERM):
        self.process.send_signal(how)
        return self.process.wait(timeout=120)


def asking(up, key):
    """A client of a running house."""
    headers = {"authorization": f"Bearer {key}"}
    return httpx.Client(base_url=up.url, headers=headers, timeout=_PATIENCE)


def entered(client, lead_id):
    """Wait until the lead is in a sequence; the lines of its timeline."""
    until = time.monotonic() + _PATIENCE
    while time.monotonic() < until:
        items = client.get(f"/v1/leads/{lead_id}/timeline").json()["items"]
        if items:
            return [item["what"] for item in items]
    raise AssertionError("the lead never entered a sequence")


def test_up_serves_drains_and_goes_on_where_it_was(environ):
    """A key at the first start alone; a lead taken goes its way; both signals end it with 0."""
    with Up(environ) as first:
        with asking(first, first.key) as client:
            assert client.get("/readyz").status_code == 200
            lead = client.post("/v1/leads", json=LEAD).json()["lead_id"]
        assert first.end(signal.SIGINT) == 0

    with Up(environ) as second:
        assert second.key is None
        with asking(second, first.key) as client:
            assert entered(client, lead)[0] == "enrolled in d2-cold, version 1"
        assert second.end() == 0


def test_a_file_imported_beside_a_running_house_is_followed_up(environ, folder):
    """`followup import` joins the running database, and the running services see the leads."""
    file = folder / "leads.csv"
    file.write_text("Name,Phone,Source,Consent\nAda Lovelace,+12125550123,cold_outbound,yes\n")
    with Up(environ) as up:
        done = subprocess.run(  # noqa: S603 - our own command
            [sys.executable, "-m", "followup_embedded", "import", str(file)],
            env=environ,
            capture_output=True,
            text=True,
            timeout=240,
            check=False,
        )
        assert (done.returncode, done.stdout) == (
            0,
            "1 rows: 1 imported (0 of them merged), 0 refused.\n",
        )

        with asking(up, up.key) as client:
            # The same lead by the same number: it is known, so its answer says merged.
            answer = client.post("/v1/leads", json=LEAD).json()
            assert answer["merged"]
            lines = entered(client, answer["lead_id"])
            assert lines[:2] in (["not enrolled"], ["enrolled in d2-cold, version 1", "planned"])
        assert up.end() == 0

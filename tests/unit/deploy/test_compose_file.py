"""docker-compose.yml keeps what the documentation promises of it."""

import re
from pathlib import Path

import pytest
import yaml

from followup_runtime.settings import Settings, read, variable

ROOT = Path(__file__).resolve().parents[3]
TEXT = (ROOT / "docker-compose.yml").read_text()
SERVICES = yaml.safe_load(TEXT)["services"]
PORTS = {"intake": 8001, "scheduler": 8002, "dispatcher": 8003, "replies": 8004}


def default_of(value: str) -> str:
    """What compose makes of a value when nothing is set."""
    return re.sub(r"\$\{[A-Z_]+:-([^}]*)\}", r"\1", value)


def environment(service: str) -> dict[str, str]:
    return {k: default_of(str(v)) for k, v in SERVICES[service]["environment"].items()}


@pytest.mark.parametrize("service", PORTS)
def test_each_service_is_a_container_with_a_health_check(service: str) -> None:
    """One command, one port, asked whether it is ready."""
    definition = SERVICES[service]
    assert definition["command"] == ["run", service]
    assert environment(service)["FOLLOWUP_HTTP_PORT"] == str(PORTS[service])
    assert "/readyz" in " ".join(definition["healthcheck"]["test"])
    assert definition["depends_on"]["migrate"] == {"condition": "service_completed_successfully"}


@pytest.mark.parametrize("service", [*PORTS, "migrate"])
def test_what_is_set_are_settings_that_are_accepted(service: str) -> None:
    """Every variable is one the process knows, and the defaults for development work."""
    given = environment(service)
    assert set(given) <= {variable(name) for name in Settings.model_fields}
    settings = read(given)
    assert settings.distributed
    assert settings.database_url


def test_a_dispatcher_has_no_port_of_the_host() -> None:
    """A published port belongs to one container: with one, `--scale` could not work."""
    assert "ports" not in SERVICES["dispatcher"]
    assert "container_name" not in SERVICES["dispatcher"]
    assert SERVICES["dispatcher-port"]["command"] == ["8003", "dispatcher:8003"]
    assert default_of(SERVICES["dispatcher-port"]["ports"][0]) == "127.0.0.1:8003:8003"


def test_with_the_keys_of_development_ports_are_open_to_this_machine_alone() -> None:
    """Everybody can read those keys."""
    published = [default_of(p) for s in SERVICES.values() for p in s.get("ports", [])]
    assert len(published) == 6
    assert all(port.startswith("127.0.0.1:") for port in published)


def test_no_package_index_is_named() -> None:
    """The index is a build argument without a value of ours, in the first stage alone."""
    dockerfile = (ROOT / "deploy/docker/Dockerfile").read_text()
    first, final = dockerfile.split("\nFROM ")[-2:]
    assert "ARG PIP_INDEX_URL\n" in first
    assert "PIP_INDEX_URL" not in final
    assert "://" not in dockerfile
    assert SERVICES["migrate"]["build"]["args"] == ["PIP_INDEX_URL"]


def test_an_image_is_built_with_what_was_tested() -> None:
    """The build's lock holds the versions of the development lock."""

    def pins(path: str) -> set[str]:
        return set(re.findall(r"^[a-z0-9-]+==[^ ]+", (ROOT / path).read_text(), re.MULTILINE))

    build = pins("deploy/docker/build.lock")
    assert any(pin.startswith("hatchling==") for pin in build)
    assert build <= pins("requirements-dev.lock")

"""Write openapi.json and the tables of http.md, command.md and messages.md from the code.

Pages are generated because a table of routes kept by hand is wrong within a month. What
they say of a route, an option or a message is its docstring's first paragraph.
"""

import inspect
import json
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import click
from fastapi.routing import APIRoute

from followup_contracts.asyncapi import address_of
from followup_contracts.payload import Payload
from followup_contracts.registry import CONSUMERS, MESSAGES
from followup_contracts.topology import QUEUES, exchange_of_type
from followup_directory.vault import new_secret_key
from followup_embedded.commands import followup
from followup_embedded.house import BUILDERS
from followup_messaging.inprocess import InProcessBus
from followup_runtime.app import create_app
from followup_runtime.databases import Databases
from followup_runtime.health import routes as health_routes
from followup_runtime.metrics import Metrics
from followup_runtime.openapi import scope_of, whole_routes
from followup_runtime.service import Service
from followup_runtime.settings import Settings
from followup_scheduler.core.document import json_schema
from followup_scheduler.lint.registry import RULES

TARGET = Path(__file__).resolve().parent.parent / "docs/reference"
MARK = "<!-- From here on written by tools/reference.py -->"
PORTS = {"intake": 8001, "scheduler": 8002, "dispatcher": 8003, "replies": 8004}


NOWHERE = "postgresql://nobody@localhost/none"


def services(databases: Databases, metrics: Metrics) -> list[Service]:
    """All of them, as they are built to be asked; nothing of them runs."""
    # Keys of its own, so that none are made and kept for a table of routes.
    settings = Settings(secret_keys=(new_secret_key(),), suppression_key="only for this table")
    return [
        build(settings, bus=InProcessBus(), databases=databases, metrics=metrics)
        for build in BUILDERS.values()
    ]


def http() -> str:
    """Every route with its scope, by service."""
    databases, metrics = Databases.open(NOWHERE, api_pool=1, worker_pool=1), Metrics()
    parts = []
    for service in services(databases, metrics):
        parts.append(f"## {service.name} ({PORTS[service.name]})\n")
        parts.append(_table(("route", "scope", "what"), _rows(service.router.routes)))
    health = health_routes([], databases, metrics)
    parts.append("## Every service\n")
    parts.append(_table(("route", "scope", "what"), _rows(health.routes)))
    return "\n".join(parts)


def openapi() -> list[dict[str, Any]]:
    """The description of all services under one port, and then that of each alone."""
    databases, metrics = Databases.open(NOWHERE, api_pool=1, worker_pool=1), Metrics()
    built = services(databases, metrics)
    return [
        create_app(chosen, databases, metrics).openapi()
        for chosen in (built, *([service] for service in built))
    ]


def openapi_json() -> str:
    """The description of all services, as it stands in the repository."""
    return json.dumps(openapi()[0], indent=1, ensure_ascii=False) + "\n"


def command() -> str:
    """Every command with its options."""
    return "\n".join(_commands(followup, ()))


def messages() -> str:
    """Every message and every queue."""
    types = [
        (
            f"`{name}`",
            f"`{exchange_of_type(payload)}`<br>`{address_of(payload)}`",
            ", ".join(sorted(CONSUMERS.get(name, ()))) or _reader_of(payload),
            _said(payload.__doc__),
        )
        for name, payload in MESSAGES.items()
    ]
    queues = [
        (f"`{q.name}`", f"`{q.exchange}`", "<br>".join(f"`{b}`" for b in q.bindings))
        for q in QUEUES
    ]
    return "\n".join(
        [
            "## Types\n",
            _table(("type", "exchange and routing key", "handled by", "what"), types),
            "## Queues\n",
            "Quorum queues, declared with exchanges and bindings by every service that connects.\n",
            _table(("queue", "exchange", "bound by"), queues),
        ]
    )


def lint() -> str:
    """Every rule of the lint."""
    rows = [
        (f"`{rule.id}`", rule.severity, rule.asks, rule.because, "" if rule.acceptable else "no")
        for rule in RULES
    ]
    return _table(("rule", "severity", "asks", "because", "may be accepted"), rows)


def _rows(routes: Sequence[object]) -> list[tuple[str, ...]]:
    return [
        (f"`{method} {route.path}`", _scope(route), _said(route.endpoint.__doc__))
        for route in whole_routes(routes)
        for method in sorted(route.methods)
    ]


def _scope(route: APIRoute) -> str:
    scope = scope_of(route)
    return "" if scope is None else f"`{scope}`"


def _commands(found: click.Command, path: tuple[str, ...]) -> Iterator[str]:
    if isinstance(found, click.Group):
        for name in found.list_commands(click.Context(found)):
            inner = found.get_command(click.Context(found), name)
            if inner is not None:
                yield from _commands(inner, (*path, name))
        return
    context = click.Context(found, info_name=" ".join(("followup", *path)))
    yield f"## {' '.join(path)}\n"
    yield f"`{' '.join(found.get_usage(context).split()[1:])}`\n"
    yield f"{inspect.cleandoc(found.help or '')}\n"
    records = [record for p in found.params if (record := p.get_help_record(context))]
    options = [record for record in records if record[1]]
    if options:
        yield _table(("option", "what"), [(f"`{name}`", what) for name, what in options])
    if found.epilog:
        yield f"    {found.epilog.removeprefix('Example: ')}\n"


def _reader_of(payload: type[Payload]) -> str:
    readers = {
        queue.service
        for queue in QUEUES
        if queue.exchange == exchange_of_type(payload) and queue.exchange != "followup.events"
    }
    return ", ".join(sorted(readers)) or "whoever listens"


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    cells = ((cell.replace("|", "\\|") for cell in row) for row in lines)
    return "".join(f"| {' | '.join(row)} |\n" for row in cells)


def _said(docstring: str | None) -> str:
    first = inspect.cleandoc(docstring or "").split("\n\n")[0]
    return " ".join(first.split())


def sequence_schema() -> str:
    """The JSON Schema of sequence documents, as editors load it."""
    return json.dumps(json_schema(), indent=1) + "\n"


DOCUMENTS = {"sequence.schema.json": sequence_schema, "openapi.json": openapi_json}
PAGES = {"http.md": http, "command.md": command, "lint.md": lint, "messages.md": messages}


def written(name: str) -> str:
    """A page as it should stand: its own prose, then what the code says."""
    prose, mark, _ = (TARGET / name).read_text().partition(MARK)
    return f"{prose}{mark}\n\n{PAGES[name]()}"


if __name__ == "__main__":
    for page in PAGES:
        (TARGET / page).write_text(written(page))
        sys.stderr.write(f"wrote docs/reference/{page}\n")
    for name, made in DOCUMENTS.items():
        (TARGET / name).write_text(made())
        sys.stderr.write(f"wrote docs/reference/{name}\n")

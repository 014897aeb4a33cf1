"""The HTTP application around one service or all of them."""

from collections.abc import Sequence
from importlib.metadata import version

from fastapi import FastAPI

from followup_runtime import health, problems
from followup_runtime.auth import Authenticator
from followup_runtime.boundary import DOCS, Boundary
from followup_runtime.databases import Databases
from followup_runtime.deeds import Deeds
from followup_runtime.limits import BodyLimit, TextGuard
from followup_runtime.methods import Methods
from followup_runtime.metrics import Metrics
from followup_runtime.openapi import Application, whole_routes
from followup_runtime.patience import TimeLimit
from followup_runtime.repeats import Repeats
from followup_runtime.service import Service


def create_app(services: Sequence[Service], databases: Databases, metrics: Metrics) -> FastAPI:
    """Every route of these services under one port, with health and metrics.

    Routes find `request.app.state.databases` and, by `auth.require`, their principal.
    The app starts and stops nothing: runners belong to the process.
    """
    app = Application(
        title="Followup",
        version=version("followup-runtime"),
        description=", ".join(service.name for service in services),
        openapi_url="/openapi.json",
        docs_url=DOCS,
        redoc_url=None,
    )
    app.state.databases = databases
    app.state.authenticator = Authenticator(databases.worker)
    app.state.own_repeats = [path for service in services for path in service.own_repeats]
    problems.install(app)
    for service in services:
        app.include_router(service.router)
    app.include_router(health.routes(services, databases, metrics))
    sizes = {path: n for service in services for path, n in service.body_limits.items()}
    times = {path: n for service in services for path, n in service.time_limits.items()}
    # The last one added is the outermost.
    app.add_middleware(Deeds, database=databases.api)
    app.add_middleware(
        Repeats,
        database=databases.api,
        authenticator=app.state.authenticator,
        apart=app.state.own_repeats,
    )
    app.add_middleware(Methods, routes=list(whole_routes(app.routes)))
    app.add_middleware(TextGuard, raw=[path for s in services for path in s.raw_bodies])
    app.add_middleware(BodyLimit, overrides=sizes)
    app.add_middleware(TimeLimit, overrides=times)
    app.add_middleware(Boundary, metrics=metrics)
    return app

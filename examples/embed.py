"""Followup inside another FastAPI application, under /followup.

    python examples/embed.py

One process holds everything: your application, Followup's services, its PostgreSQL (in
.followup/embed) and its bus. Set FOLLOWUP_DATABASE_URL or FOLLOWUP_AMQP_URL and it uses
yours. Then:

    curl -X POST http://127.0.0.1:8010/followup/v1/leads \
      -H 'Authorization: Bearer embed-example-key' -H 'Content-Type: application/json' \
      -d '{"name": "Ada Lovelace", "phone": "+1 212 555 0123", "consent": "yes"}'
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import uvicorn
from fastapi import FastAPI

from followup_embedded.house import Embedded
from followup_runtime.settings import load

PORT = 8010
KEY = "embed-example-key"


@asynccontextmanager
async def lifespan(app: FastAPI) -> AsyncIterator[None]:
    """Followup lives as long as the application does."""
    settings = load().model_copy(
        update={
            "data_dir": Path(".followup/embed"),
            "bootstrap_key": KEY,
            "public_url": f"http://127.0.0.1:{PORT}/followup",
        }
    )
    async with Embedded(settings) as house, house.running():
        app.mount("/followup", house.app)
        yield


app = FastAPI(title="The product around", lifespan=lifespan)


@app.get("/")
async def home() -> dict[str, str]:
    """A route of your own."""
    return {"followup": "/followup/docs"}


if __name__ == "__main__":
    asyncio.run(uvicorn.Server(uvicorn.Config(app, port=PORT)).serve())

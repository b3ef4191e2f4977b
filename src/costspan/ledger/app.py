"""The ledger's HTTP application: OTLP in, health, and whatever the page and the JSON API add."""

from __future__ import annotations

import os
from importlib import import_module
from importlib.util import find_spec
from typing import TYPE_CHECKING

from starlette.applications import Starlette
from starlette.responses import JSONResponse
from starlette.routing import BaseRoute, Route

from costspan import __version__
from costspan.ledger.receiver import Receiver

# what the parts above offer, in this order: a function `routes(ledger)`. Named, so that nothing here imports upwards
MOUNTS = ("costspan.api.routes", "costspan.web")

if TYPE_CHECKING:
    from starlette.requests import Request

    from costspan.ledger.ingest import Ingest


def make_app(ingest: Ingest, ledger: str) -> Starlette:
    """The application over a running ingest."""

    async def healthz(_: Request) -> JSONResponse:
        """Who answers here, and what has arrived since it started."""
        return JSONResponse(
            {
                "service": "costspan",
                "version": __version__,
                "ledger": ledger,
                "pid": os.getpid(),
                "counts": dict(ingest.counts),
            }
        )

    routes: list[BaseRoute] = [Route("/healthz", healthz), *Receiver(ingest).routes()]
    for mount in MOUNTS:
        spec = find_spec(mount)
        if spec is not None and spec.origin:  # a folder without a module is none
            routes += import_module(mount).routes(ledger)
    return Starlette(routes=routes)

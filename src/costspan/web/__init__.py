"""The page of `costspan up`: static files, which ask the JSON API beside them. Nothing is built, nothing is fetched."""

from __future__ import annotations

import hashlib
from importlib.resources import files
from typing import TYPE_CHECKING

from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

if TYPE_CHECKING:
    from collections.abc import Iterator
    from importlib.abc import Traversable

    from starlette.requests import Request

INDEX = "index.html"
_TYPES = {"html": "text/html", "css": "text/css", "js": "text/javascript", "svg": "image/svg+xml", "txt": "text/plain"}
# scripts, styles and data of this server only: what a model's name or a tag smuggles in can neither run nor call out
_HEADERS = {
    "content-security-policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "
        "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    ),
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    "cross-origin-opener-policy": "same-origin",
    "cache-control": "no-cache",  # kept, but asked about each time, so that an update shows at once
}


def routes(_ledger: str) -> list[Route]:
    """The page at `/`, its files below `/page`."""
    served = dict(_read(files(__name__) / "static"))

    def page(request: Request) -> Response:
        found = served.get(request.path_params.get("name", INDEX))
        if found is None:
            return PlainTextResponse("no such file", 404)
        body, kind, etag = found
        headers = _HEADERS | {"etag": etag}
        if request.headers.get("if-none-match") == etag:
            return Response(status_code=304, headers=headers)
        return Response(body, headers=headers, media_type=kind)

    return [Route("/", page), Route("/page/{name:path}", page)]


def _read(folder: Traversable, above: str = "") -> Iterator[tuple[str, tuple[bytes, str, str]]]:
    """Every file by its path, with its content, its type and a mark of its content."""
    for each in folder.iterdir():
        kind = _TYPES.get(each.name.rpartition(".")[2])
        if each.is_dir():
            yield from _read(each, f"{above}{each.name}/")
        elif kind:
            body = each.read_bytes()
            yield above + each.name, (body, kind, f'"{hashlib.sha256(body).hexdigest()[:32]}"')

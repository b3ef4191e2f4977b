"""Who may come in: a token where one is asked for, and only this machine's own names on loopback.

The second keeps a web site that a user happens to visit from reading the ledger by pointing its own name at 127.0.0.1.
"""

from __future__ import annotations

import hmac
from http.cookies import CookieError, SimpleCookie
from typing import TYPE_CHECKING
from urllib.parse import parse_qs

from starlette.datastructures import Headers
from starlette.responses import JSONResponse, RedirectResponse, Response

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Receive, Scope, Send

LOOPBACK = ("127.0.0.1", "localhost", "::1")
_COOKIE = "costspan_token"


class Gate:
    """In front of the application."""

    def __init__(self, app: ASGIApp, host: str, token: str) -> None:
        self._app = app
        self._local = host in LOOPBACK
        self._token = token

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        refusal = self._refusal(scope) if scope["type"] == "http" else None
        await (refusal or self._app)(scope, receive, send)

    def _refusal(self, scope: Scope) -> Response | None:
        headers, path = Headers(scope=scope), scope["path"]
        if self._local and not path.startswith("/v1/") and _name(headers.get("host", "")) not in LOOPBACK:
            return JSONResponse({"error": "this ledger answers to localhost only"}, 403)
        if not self._token or path == "/healthz" or self._shown(headers):
            return None
        given = parse_qs(scope["query_string"].decode("latin-1")).get("token", [""])[0]
        if scope["method"] == "GET" and self._same(given):  # a link with the token opens the page, and is not kept
            response = RedirectResponse(path, 303)
            response.set_cookie(_COOKIE, given, httponly=True, samesite="strict")
            return response
        return JSONResponse({"error": "the token is missing or wrong"}, 401, {"www-authenticate": "Bearer"})

    def _shown(self, headers: Headers) -> bool:
        kind, _, given = headers.get("authorization", "").partition(" ")
        if kind.lower() == "bearer" and self._same(given.strip()):
            return True
        try:
            cookie = SimpleCookie(headers.get("cookie", "")).get(_COOKIE)
        except CookieError:
            return False
        return cookie is not None and self._same(cookie.value)

    def _same(self, given: str) -> bool:
        return hmac.compare_digest(given.encode(), self._token.encode())


def _name(host: str) -> str:
    """The host without its port."""
    if host.startswith("["):
        return host[1:].partition("]")[0]
    return host.partition(":")[0].lower()

"""Who may come in: a token where one is asked for, only this machine's own names on loopback, and not too many at once.

The names keep a web site that a user happens to visit from reading the ledger by pointing its own name at 127.0.0.1.
Where it may send to (`/v1/`: programs in containers use other names), its browser says whose page it is: `origin`.
"""

from __future__ import annotations

import hmac
from http.cookies import CookieError, SimpleCookie
from typing import TYPE_CHECKING
from urllib.parse import parse_qs, urlsplit

from starlette.datastructures import Headers
from starlette.responses import JSONResponse, RedirectResponse, Response

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Receive, Scope, Send

LOOPBACK = ("127.0.0.1", "localhost", "::1")
MOST_AT_ONCE = 256  # requests being answered; what comes then is told to come again
_COOKIE = "costspan_token"


class Gate:
    """In front of the application."""

    def __init__(self, app: ASGIApp, host: str, token: str) -> None:
        self._app = app
        self._local = host in LOOPBACK
        self._token = token
        self._within = 0  # requests

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        self._within += 1
        try:
            await (self._refusal(scope) or self._app)(scope, receive, send)
        finally:
            self._within -= 1

    def _refusal(self, scope: Scope) -> Response | None:
        headers, path = Headers(scope=scope), scope["path"]
        if self._local and not _is_ours(headers, path):
            return JSONResponse({"error": "this ledger answers to localhost only"}, 403)
        if self._within > MOST_AT_ONCE:
            return JSONResponse({"error": "too many requests at once"}, 503, {"retry-after": "2"})
        if not self._token or path == "/healthz" or self._shown(headers):
            return None
        given = parse_qs(scope["query_string"].decode("latin-1")).get("token", [""])[0]
        if scope["method"] == "GET" and self._same(given):  # a link with the token opens the page, and is not kept
            response = RedirectResponse(path, 303)
            response.set_cookie(_COOKIE, given, httponly=True, samesite="strict", secure=scope["scheme"] == "https")
            return response
        return JSONResponse(
            {"error": "the token is missing or wrong; a browser opens /?token=TOKEN"},
            401,
            {"www-authenticate": "Bearer"},
        )

    def _shown(self, headers: Headers) -> bool:
        if bears(headers.get("authorization", ""), self._token):
            return True
        try:
            cookie = SimpleCookie(headers.get("cookie", "")).get(_COOKIE)
        except CookieError:
            return False
        return cookie is not None and self._same(cookie.value)

    def _same(self, given: str) -> bool:
        return same_secret(given, self._token)


def bears(authorization: str, token: str) -> bool:
    """Whether the header shows the token. The scheme's case says nothing. Source: RFC 9110 11.1, read 2026-11-22."""
    kind, _, given = authorization.partition(" ")
    return kind.lower() == "bearer" and same_secret(given.strip(), token)


def same_secret(given: str, wanted: str) -> bool:
    """Whether they are equal, in a time that does not tell how much of it is."""
    return hmac.compare_digest(given.encode(), wanted.encode())


def _is_ours(headers: Headers, path: str) -> bool:
    """Whether the request is of a program of this machine, or of a page that this server gave."""
    if path.startswith("/v1/"):
        origin = headers.get("origin", "")
        return not origin or _name(urlsplit(origin).netloc) in LOOPBACK
    return _name(headers.get("host", "")) in LOOPBACK


def _name(host: str) -> str:
    """The host without its port."""
    if host.startswith("["):
        return host[1:].partition("]")[0]
    return host.partition(":")[0].lower()

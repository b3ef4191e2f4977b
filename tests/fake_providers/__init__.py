"""Providers' wire formats over real HTTP: one file per provider, payloads as data, every request remembered.

    fake = FakeProvider(openai.ROUTES)
    fake.play(openai.error(429, retry_after_ms="1"), openai.chat(usage=openai.CACHED))  # the next answers, in order
    OpenAI(base_url=fake.url + "/v1", api_key="k").chat.completions.create(...)
    fake.requests[-1].json["stream_options"]

What was not scripted is answered by the provider's routes, as the real one would: a stream if a stream was asked for.
A new provider is a module with `ROUTES`; tests of adapters run it with `serve(module)`.
"""

from __future__ import annotations

import re
import threading
from collections import deque
from typing import TYPE_CHECKING, NamedTuple

from costspan.demo.server import Answer, LoopbackServer, Received, reply

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["MISSING", "Answer", "Asked", "FakeProvider", "Received", "Route", "operation"]
MISSING = object()  # as a changed field: leave it out

_FORM_FIELD = re.compile(rb'name="([^"]+)"\r\n(?:content-type: text/plain\r\n)?\r\n([^\r]*)\r\n', re.IGNORECASE)


class Asked(NamedTuple):
    """One request as a route sees it."""

    received: Received
    number: int  # 1 for the first since `clear()`, so that ids are the same in every run

    @property
    def fields(self):
        """What the program asked for: the JSON body, or the text fields of a multipart upload."""
        found = _FORM_FIELD.findall(self.received.body)
        return self.received.json or {name.decode(): value.decode() for name, value in found}


class Route(NamedTuple):
    """`answer(asked)` serves `method` on every path that ends as the pattern says."""

    method: str
    pattern: str
    answer: Callable[[Asked], Answer]  # most are made by `operation`


def operation(payload, cut=None):
    """A function whose call makes an answer: `chat(usage=None)` is the chat payload with that field changed.

    `payload(asked)` is the whole answer; `cut(asked, payload)` makes a stream of it, if one was asked for.
    """

    def changed(**changes):
        def answer(asked):
            body = payload(asked) | changes
            body = {key: value for key, value in body.items() if value is not MISSING}
            return cut(asked, body) if asked.fields.get("stream") in (True, "true") else reply(body)

        return answer

    return changed


class FakeProvider:
    def __init__(self, routes):
        self._routes = routes
        self._script = deque()
        self._number = 0
        self._lock = threading.Lock()
        self._server = LoopbackServer(self._answer)
        self.url = self._server.url

    @property
    def requests(self):
        """What was received since `clear()`, oldest first."""
        return self._server.requests

    def play(self, *answers):
        """Give these next, in order, whatever is asked; then the routes answer again. An answer, or what makes one."""
        self._script.extend(answers)

    def clear(self):
        """Forget what was received and what is still to be played; ids start again."""
        self._script.clear()
        self._server.requests.clear()
        self._number = 0

    def close(self):
        self._server.close()

    def _answer(self, received):
        with self._lock:
            self._number += 1
            number, scripted = self._number, self._script.popleft() if self._script else None
        if scripted is None:
            return self._route(received, number)
        return scripted if isinstance(scripted, Answer) else scripted(Asked(received, number))

    def _route(self, received, number):
        for route in self._routes:
            if route.method == received.method and re.search(route.pattern + "$", received.path):
                return route.answer(Asked(received, number))
        return reply({"error": {"message": f"no route for {received.method} {received.path}"}}, 404)

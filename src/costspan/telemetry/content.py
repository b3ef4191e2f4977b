"""Prompts and answers on spans or events: only if OpenTelemetry's own variable says so, cut in size, redacted."""

from __future__ import annotations

import json
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any

from opentelemetry import context as otel
from opentelemetry import trace
from opentelemetry._logs import SeverityNumber

from costspan.guard import Guard
from costspan.telemetry import names
from costspan.telemetry.attributes import request_attributes
from costspan.telemetry.messages import answered, asked, instructions

if TYPE_CHECKING:
    from collections.abc import Callable

    from opentelemetry._logs import Logger

    from costspan.call import Call

_READ = Guard("capture the content of a call")
MODES = {  # values of OpenTelemetry's variable: on the span, as an event
    "span_only": (True, False),
    "event_only": (False, True),
    "span_and_event": (True, True),
    "true": (True, True),
}
_MOST = 65_536  # characters of one attribute; messages that do not fit are left out, the oldest first
_CUT = "… [cut]"
# Inside of the redaction: a model that it asks is not itself asked to redact, or it would be without end
_REDACTING: ContextVar[bool] = ContextVar("costspan-redacting", default=False)


class Content:
    """Captures what was asked and answered. Content that cannot be redacted is not captured at all."""

    def __init__(self, mode: str, logger: Logger | None, redact: Callable[[str], str] | None = None) -> None:
        self._on_span, self._as_event = MODES[mode]
        self._logger = logger
        self._redact = redact

    def begin(self, call: Call) -> None:
        """Keep what is asked as it is now: a program may go on to change its lists."""
        if _REDACTING.get():
            return
        with _READ:
            body = call.request.body
            call.content = {names.INPUT_MESSAGES: self._json(asked(body))}
            call.content[names.SYSTEM_INSTRUCTIONS] = self._json(instructions(body))

    def end(self, call: Call) -> None:
        """Tell it, with what was answered."""
        with _READ:
            reply = call.reply
            messages = answered(reply.answer, reply.text, reply.finish_reasons)
            content = {**(call.content or {}), names.OUTPUT_MESSAGES: self._json(messages)}
            content = {name: text for name, text in content.items() if text}
            if self._on_span:
                call.span.set_attributes(content)
            if self._as_event and self._logger is not None:
                self._logger.emit(
                    context=trace.set_span_in_context(call.span, otel.Context()),
                    severity_number=SeverityNumber.INFO,
                    attributes={**request_attributes(call.request), **content},
                    event_name=names.CONTENT_EVENT,
                )

    def _json(self, messages: list[dict[str, Any]]) -> str:
        redacting = _REDACTING.set(True)
        try:
            return self._fitted(messages)
        finally:
            _REDACTING.reset(redacting)

    def _fitted(self, messages: list[dict[str, Any]]) -> str:
        kept: list[str] = []
        left = _MOST - 2  # the brackets; a comma goes with each message
        for message in reversed(messages):
            for share in _SHARES:
                text = _dumped(self._clean(message, left // share))
                if kept or len(text) < left:  # of the newest message at least the beginnings of its texts
                    break
            left -= len(text) + 1
            if left < 0:
                break
            kept.append(text)
        return f"[{','.join(reversed(kept))}]" if kept else ""

    def _clean(self, value: Any, room: int, *, free: bool = False) -> Any:
        """The value with every text redacted, and cut to `room` characters; `free`: its names are a text, too."""
        if isinstance(value, dict):
            return {
                self._clean(name, room) if free else name: each
                if name in _STRUCTURE and not free
                else self._clean(each, room, free=free or name in _FREE)
                for name, each in value.items()
            }
        if isinstance(value, list):
            return [self._clean(each, room, free=free) for each in value]
        if not isinstance(value, str):
            return value
        text = value if self._redact is None else self._redact(value)
        return text if len(text) <= room else text[:room] + _CUT


_STRUCTURE = frozenset(("type", "role", "id", "name", "finish_reason"))  # the conventions' own
_FREE = frozenset(("arguments", "response"))  # what tools are given and give: its names are anybody's
_SHARES = (2, 20, 200)  # of the room that is left, for one text: the largest at which the message fits


def _dumped(message: Any) -> str:
    """JSON that any exporter can encode: half a surrogate pair (of a cut answer) is written as its escape."""
    text = json.dumps(message, ensure_ascii=False, separators=(",", ":"))
    return text if text.isascii() else text.encode("utf-8", "backslashreplace").decode()

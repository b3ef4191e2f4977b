"""Connections of OpenAI's SDK: realtime sessions, and responses over a websocket. Each response is a call.

What a response is billed for comes with the event that ends it, and so does a transcription's. Looks at what the
connection receives, before it is parsed, so that a program may read its events in every way that the SDK has.
Source: openai 1.58 to 3.54 as installed, read 2026-11-22.
"""

from __future__ import annotations

import json
import re
from dataclasses import replace
from typing import TYPE_CHECKING, Any, NamedTuple

from costspan.adapters._adapter import Operation
from costspan.adapters._openai_fields import REALTIME_USAGE, TRANSCRIPTION_USAGE
from costspan.adapters._paths import Read, member, path, text_of
from costspan.adapters._sessions import Session, explain_silence
from costspan.adapters.openai import RESPONSE

if TYPE_CHECKING:
    from costspan.adapters._watch import Watch

# most of what comes, and long: not read once a call has its first
_DELTA = re.compile(rb'\s*\{\s*(?:"event_id"\s*:\s*"[^"]*"\s*,\s*)?"type"\s*:\s*"[^"]*\.delta"')


class Part(NamedTuple):
    """A kind of call that comes over a connection, by the types of its events."""

    operation: Operation
    key: Read  # in an event: which call it is of
    model: Read  # in any event: the model of the calls that come
    begins: frozenset[str]  # an end, too, where the begin may not have been seen
    ends: frozenset[str]


class Events(Session):
    """The calls that the events of a connection tell of; several may be under way."""

    def __init__(self, parts: tuple[Part, ...], connected: Watch) -> None:
        super().__init__(connected)
        self._parts = parts
        self._models: dict[Part, str] = {}  # as told
        self._calls: dict[tuple[Part, str], Watch] = {}

    def hold(self) -> None:
        if not self._calls:
            asked = self.watch(self._parts[0].operation, self._request.model)
            asked.admit()
            asked.call.forget()

    def look(self, message: bytes) -> None:
        """An event, as it came."""
        if _DELTA.match(message) and all(watch.call.chunks for watch in self._calls.values()):
            return
        event = _parsed(message)
        kind = text_of(member(event, "type"))
        for part in self._parts:
            if told := text_of(part.model(event)):
                self._models[part] = told
            self._follow(part, kind, event)

    def _follow(self, part: Part, kind: str, event: Any) -> None:
        key = part, text_of(part.key(event))
        watch = self._calls.get(key)
        if watch is None and self._may_begin(part, kind):
            watch = self._calls[key] = self._begin(part)
        if watch is None:
            return
        if kind in part.ends:
            watch.see(event)
            watch.finish()
            del self._calls[key]
        elif kind.endswith(".delta"):
            watch.see(event)

    def _may_begin(self, part: Part, kind: str) -> bool:
        """Where nothing is known of a transcriber, what was said is not transcribed."""
        return kind in part.begins and (kind in part.ends or part is self._parts[0] or part in self._models)

    def _begin(self, part: Part) -> Watch:
        told = self._models.get(part, "")
        asked = self._request.model if part is self._parts[0] else ""  # for the others the session has models
        watch = self.watch(part.operation, asked or told)
        watch.call.reply.model = told
        watch.pause(watch.begin())
        return watch

    def end(self, error: BaseException | None = None) -> None:
        """The connection is closed, or broke: calls under way tell no more."""
        calls, self._calls = self._calls, {}
        for watch in calls.values():
            if error is None or watch.operation.lazy:
                watch.leave_early()
            else:
                watch.fail(error)


def _parsed(message: bytes) -> Any:
    """The event; None for what is none, which is the program's."""
    try:
        return json.loads(message)
    except (ValueError, RecursionError):
        return None


_HEARD = tuple(f"conversation.item.input_audio_transcription.{end}" for end in ("completed", "failed"))
_LAST = ("response.completed", "response.failed", "response.incomplete")
_SPOKEN = (
    Part(
        Operation(
            "chat",
            usage=REALTIME_USAGE,
            model="",
            id="response.id",
            finish="response.status_details.reason",
            error="response.status_details.error.code|response.status_details.error.type",
            hook=explain_silence,
        ),
        key=path("response.id|response_id"),
        model=path("session.model"),
        begins=frozenset({"response.created", "response.done"}),
        ends=frozenset({"response.done"}),
    ),
    Part(
        Operation(
            "speech_to_text",
            usage=TRANSCRIPTION_USAGE,
            model="",
            id="item_id",
            error="error.code|error.type",
            lazy=True,
            hook=explain_silence,
        ),
        key=path("item_id"),
        model=path("session.audio.input.transcription.model|session.input_audio_transcription.model"),
        begins=frozenset({"input_audio_buffer.committed", *_HEARD}),
        ends=frozenset(_HEARD),
    ),
)
_IN_LANES = Part(
    replace(RESPONSE, text="", full_text=""),  # not all of it is looked at
    key=path("stream_id"),
    model=path("response.model"),
    begins=frozenset({"response.created", *_LAST}),
    ends=frozenset({*_LAST, "error"}),
)
PARTS = {"Realtime": _SPOKEN, "Responses": (_IN_LANES,)}  # one after another, or several, each in a lane of its own

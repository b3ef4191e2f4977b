"""Claude's Agent SDK calls no API: a program of its own does, and tells what it has used as each turn ends.

A result has two accounts: `usage` of the turn, without what subagents used; and `model_usage` by model, with all of
them, but since the session began, be it in another process. So a turn is what the second has grown by; the first turn
of a resumed session is what the first says. Single messages tell the usage of their first event, which lacks the
output. Source: claude-agent-sdk 0.2.187 with Claude Code 2.1.330, run on 2026-11-24; 0.1.52 with 2.1.87 begins anew
with each process, and tells by model neither how long cache writes live nor, at the right price, what they cost.
"""

from __future__ import annotations

import os
from collections import defaultdict
from dataclasses import replace
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit
from weakref import WeakKeyDictionary

from costspan.adapters._adapter import Opened, Operation
from costspan.adapters._anthropic_hooks import USAGE
from costspan.adapters._hosts import find_host, resolve
from costspan.adapters._paths import member, members, text_of
from costspan.adapters._request import place
from costspan.adapters._sessions import Session
from costspan.adapters._streams import named_alike, step_later
from costspan.adapters._tally import add_usage
from costspan.adapters._usage import UsageMap
from costspan.call import Request
from costspan.usage import Usage

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Mapping

    from costspan.adapters._adapter import Adapter, Seat
    from costspan.adapters._watch import Watch
    from costspan.config import Settings

_BY_MODEL = UsageMap(
    input="inputTokens",
    cache_read="cacheReadInputTokens",
    cache_write_total="cacheCreationInputTokens",
    cache_write_5m="cacheCreationEphemeral5mInputTokens",
    cache_write_1h="cacheCreationEphemeral1hInputTokens",
    total_output="outputTokens",
    reasoning="thinkingTokens",
    web_searches="webSearchRequests",
)
_HOME = "https://api.anthropic.com"
_PLATFORMS = {  # what switches a platform on: who answers then, and where
    "CLAUDE_CODE_USE_BEDROCK": ("aws.bedrock", "bedrock-runtime.{AWS_REGION}.amazonaws.com"),
    "CLAUDE_CODE_USE_MANTLE": ("aws.bedrock", "bedrock-mantle.{AWS_REGION}.api.aws"),
    "CLAUDE_CODE_USE_VERTEX": ("gcp.vertex_ai", "{CLOUD_ML_REGION}-aiplatform.googleapis.com"),
}
_ON = ("1", "true", "yes", "on")
_RESUMES, _RESUMING = ("resume", "continue_conversation"), frozenset(("resume", "continue"))  # options, and arguments
_BEGINS = ("AssistantMessage", "StreamEvent")  # what an answer of a model comes as; the names of the SDK's classes
_HELPED = (
    "what helped the agent (subagents, compaction) is not told apart from what the session used before it was seen"
)
_LEFT = "the turn was left before its result, which alone tells all of it"


def open_turns(
    adapter: Adapter, seat: Seat, client: Any, args: tuple[Any, ...], kwargs: Mapping[str, Any], settings: Settings
) -> Opened:
    """A session: of a client, which has its options, or of one query, which is given them."""
    options = member(client, "options") or kwargs.get("options")
    request = Request("chat", adapter.provider, text_of(member(options, "model")), stream=True)
    _place(request, {**os.environ, **(members(member(options, "env")) or {})}, settings)
    request.body = client if member(client, "options") else options
    return Opened(seat.operation or QUERY, request, args, kwargs)


def open_prompt(
    adapter: Adapter, seat: Seat, client: Any, args: tuple[Any, ...], kwargs: Mapping[str, Any], settings: Settings
) -> Opened | None:
    """A prompt for a client's session: what it starts has a model, be it the one that Claude Code takes by itself."""
    if (args[0] if args else kwargs.get("prompt")) is None:
        return None  # only connects
    opened = open_turns(adapter, seat, client, args, kwargs, settings)
    opened.request.model = opened.request.model or "claude"
    opened.request.body = {}
    return opened


def _place(request: Request, environment: Mapping[str, str], settings: Settings) -> None:
    """Who answers, by what the program that calls is told in its environment."""
    for switch, (platform, where) in _PLATFORMS.items():
        if environment.get(switch, "").lower() in _ON:
            host = find_host(where.format_map(defaultdict(str, environment)), 443, "")
            request.provider = request.biller = platform
            request.geo = host.geo if host else ""
            return
    url = environment.get("ANTHROPIC_BASE_URL") or _HOME
    place(request, url)
    host = resolve(request.host, request.port, urlsplit(url).path, request.provider, settings.hosts)
    request.provider, request.biller, request.geo = host.provider, host.biller, host.geo


class Turns(Session):
    """The turns of a session, one after another: each is a call, of all models that worked in it."""

    def __init__(self, connected: Watch, *, alone: bool) -> None:
        """`alone`: of one query, whose end is that of its messages."""
        super().__init__(connected)
        options = member(self._request.body, "options") or self._request.body
        self._request = replace(self._request, body=None)  # the client, which is not to be held
        self.alone = alone
        more = members(member(options, "extra_args")) or {}
        self._resumed = any(member(options, name) for name in _RESUMES) or not _RESUMING.isdisjoint(more)
        self._session = ""  # of the last result
        self._before: dict[str, Usage] | None = None  # by model, as of the last result; None: not known
        self._next()

    def _next(self) -> None:
        self._turn = self.watch(TURN, self._request.model)
        self._begun = self._helped = False  # the latter: by what the agent's own account leaves out
        self._model = ""  # of the agent itself
        self._seen: dict[str, str] = {}  # message: its model

    def hold(self) -> None:
        if self.alone and not self._begun and not self._session:  # a client's prompts are let in one by one
            self._turn.admit()

    def look(self, message: Any) -> None:
        """A message of the program: a turn begins, a model answers, a turn ends; or none of it."""
        kind = type(message).__name__
        if kind == "ResultMessage":
            self._end_turn(message)
        elif kind in _BEGINS:
            self._begin()
            self._turn.see(message)
            self._note(message)
        elif (subtype := member(message, "subtype")) == "init":
            self._begin()
        elif subtype == "compact_boundary":
            self._helped = True

    def _begin(self) -> None:
        if not self._begun:
            self._begun = True
            self._turn.pause(self._turn.begin())

    def _note(self, message: Any) -> None:
        """Of an answer, its first message tells the prompt, which is all that is known of a turn that is left."""
        model, number = text_of(member(message, "model")), text_of(member(message, "message_id"))
        usage, reply = USAGE.read((member(message, "usage"),)).usage, self._turn.call.reply
        below = bool(member(message, "parent_tool_use_id"))
        self._helped = self._helped or below
        if number in self._seen or usage is None or not usage.total_input:  # what Claude Code says itself used nothing
            return
        self._seen[number] = model
        self._model = self._model if below else model
        add_usage(reply, model, usage)
        reply.untold = _LEFT

    def _end_turn(self, result: Any) -> None:
        turn, reply = self._turn, self._turn.call.reply
        reply.usage, reply.parts, reply.model, reply.untold = None, (), "", ""
        used, failed = self._used(result), member(result, "is_error")
        if used or failed or reply.untold:
            self._begin()
            answers = [*self._seen.values()]
            for model, usage in used.items():
                count = answers.count(model) or (len(answers) if len(used) == 1 else 1)
                add_usage(reply, model, usage + Usage(requests=max(count - 1, 0)))
            if failed:
                subtype = text_of(member(result, "subtype"))
                status = member(result, "api_error_status")
                turn.call.error = str(status or (subtype if subtype != "success" else "error"))
            self._observer.bills.add(result, turn.call.bill)
            turn.complete(result)
        else:
            turn.call.forget()  # a command of Claude Code's own: no model was asked
        self._next()

    def _used(self, result: Any) -> dict[str, Usage]:
        """By model, what the turn that ends with this result has used; the agent's own model first."""
        totals: dict[str, Usage] = {}
        for name, told in (members(member(result, "model_usage")) or {}).items():
            model = name.removesuffix("[1m]")  # with the long context of some
            totals[model] = totals.get(model, Usage()) + (_BY_MODEL.read((told,)).usage or Usage())
        if (session := text_of(member(result, "session_id"))) != self._session:  # a new one, after /clear too
            self._before = None if self._resumed and not self._session else {}
            self._session = session
        own = USAGE.read((member(result, "usage"),)).usage or Usage()
        before, self._before = self._before, totals
        if before is None or not totals:
            return self._alone(own, helped=self._helped)
        used = {model: _minus(total, before.get(model, Usage())) for model, total in totals.items()}
        alike = [model for model, usage in used.items() if _sizes(usage) == _sizes(own)]
        if not (before or alike or self._helped):  # a session that was not seen from its begin
            return self._alone(own, helped=True)
        main = self._model if self._model in alike or not alike else alike[0]
        if main in alike:
            used[main] = own  # which tells more
        return {model: used[model] for model in sorted(used, key=lambda model: model != main) if used[model]}

    def _alone(self, own: Usage, *, helped: bool) -> dict[str, Usage]:
        """Only what the agent's own answers have used; that is not all where something has helped."""
        self._turn.call.reply.untold = _HELPED if helped else ""
        return {self._model or self._request.model: own} if own else {}

    def end(self, error: BaseException | None = None) -> None:
        """Nothing more comes, until the client connects again."""
        if error is not None and self._begun:
            self._turn.fail(error)
        else:
            self._turn.leave_early()
        self._next()


def _minus(total: Usage, before: Usage) -> Usage:
    grown = {bucket: count - before.counts.get(bucket, 0) for bucket, count in total.counts.items()}
    return Usage.of({bucket: count for bucket, count in grown.items() if count > 0})


def _sizes(usage: Usage) -> tuple[int, int]:
    return usage.total_input, usage.total_output


_SESSIONS: WeakKeyDictionary[Any, Turns] = WeakKeyDictionary()  # by a client's connection


def watch_query(messages: Any, watch: Watch) -> Any:
    """The messages of a query, seen as they pass."""
    watch.call.forget()
    return named_alike(_passing(messages, Turns(watch, alone=True)), messages)


def watch_client(messages: Any, watch: Watch) -> Any:
    """Those of a client's connection, which may be asked for again in the middle of a turn."""
    watch.call.forget()
    connection = member(watch.call.request.body, "_query")
    if connection is None:
        return messages  # there is none: the SDK says so
    if connection not in _SESSIONS:
        _SESSIONS[connection] = Turns(watch, alone=False)
    return named_alike(_passing(messages, _SESSIONS[connection]), messages)


async def _passing(messages: AsyncGenerator[Any, None], turns: Turns) -> AsyncGenerator[Any, None]:
    try:
        while True:
            try:
                message = await step_later(messages.__anext__, messages, turns)
            except StopAsyncIteration:
                return
            yield message
    except GeneratorExit:
        if turns.alone:
            turns.leave_early()
        raise
    finally:
        await messages.aclose()


TURN = Operation(
    "chat",
    model="",
    id="uuid",
    finish="stop_reason",
    terms={"tier": "usage.service_tier", "speed": "usage.speed", "geo": "usage.inference_geo"},
    lazy=True,
)
QUERY = Operation("chat", usage=_BY_MODEL, model="", lookup=True, deliver=watch_query)
CLIENT = Operation("chat", usage=_BY_MODEL, model="", lookup=True, free=True, deliver=watch_client)
PROMPT = Operation("chat", model="", lookup=True, silent=True)

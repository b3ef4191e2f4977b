"""A live session of Gemini: one connection, many turns. Each turn is a call: its usage is of that turn alone.

The prompt of a turn is the whole session up to there, and is billed again with every turn, so the turns' counts add up
to the bill. Within a turn the last count holds. Source: google-genai 3.4 as installed, and measurements of its users
(pydantic-ai 7269; discuss.ai.google.dev 173248: the sum of the turns is within 3% of the bill), read 2026-11-22.
"""

from __future__ import annotations

from asyncio import CancelledError
from dataclasses import replace
from typing import TYPE_CHECKING, Any
from weakref import ref

from costspan.adapters._google import bill_maps, bill_searches
from costspan.adapters._paths import member, path
from costspan.adapters._streams import Entry
from costspan.adapters._watch import Watch
from costspan.call import Call
from costspan.guard import Guard

if TYPE_CHECKING:
    from costspan.adapters._adapter import Deliver, Operation
    from costspan.call import Reply, Request

_SIT = Guard("watch a live session")
_LOOK = Guard("look at a live session's message")
_SAYS = ("server_content", "tool_call", "usage_metadata")  # what is of a turn; the rest is about the connection
_DONE = path("server_content.turn_complete")


def watch_turns(turn: Operation) -> Deliver:
    """What watches a session whose turns are calls of this operation; the connection itself is none."""

    def deliver(connecting: Any, watch: Watch) -> None:
        watch.call.forget()
        turns: Any = Turns(turn, watch)  # which is told ends, as a watch is
        connecting.gen = Entry(connecting.gen, turns, turns.sit)

    return deliver


class Turns:
    """The turns of a session, one after another. Sits in the session's place for what it receives; holds it weakly."""

    def __init__(self, operation: Operation, connected: Watch) -> None:
        self._operation = operation
        self._connected = connected
        self._next()

    def _next(self) -> None:
        request, observer = replace(self._connected.call.request, body={}), self._connected._observer
        self._turn = Watch(Call(request, observer), self._operation, observer)  # no call until the model says something
        self._told = self._over = False  # its usage; its end, after which the usage may still come

    def sit(self, session: Any, _turns: Any) -> Any:
        """Take the seat; the program gets its own session."""
        with _SIT:
            self._session, self._receive = ref(session), type(session)._receive
            session._receive = self.receive
        return session

    async def receive(self) -> Any:
        """The session's next message.

        Raises:
            BudgetExceededError: A budget is spent, and no turn is under way.
        """
        if not self._turn.call.chunks:
            self._next()
            self._turn.admit()
        try:
            message = await self._receive(self._session())
        except CancelledError:  # the program waits no more; the session goes on
            raise
        except BaseException as error:
            self.fail(error)
            raise
        with _LOOK:
            self._see(message)
        return message

    def _see(self, message: Any) -> None:
        if all(member(message, each) is None for each in _SAYS):
            return
        if self._over and (member(message, "server_content") or member(message, "tool_call")):
            self._turn.finish()
            self._next()
        turn = self._turn
        if not turn.call.chunks:
            turn.pause(turn.begin())
        turn.see(message)
        self._told = self._told or member(message, "usage_metadata") is not None
        self._over = self._over or bool(_DONE(message))
        if self._told and (self._over or member(message, "tool_call") is not None):
            turn.finish()
            self._next()

    def leave_early(self) -> None:
        """The session ends."""
        if self._over:
            self._turn.finish()
        else:
            self._turn.leave_early()

    def fail(self, error: BaseException) -> None:
        """The connection broke, or was never made."""
        if self._turn.call.chunks and not self._over:
            self._turn.fail(error)
        self.leave_early()


def read_turn(request: Request, last: Any, reply: Reply) -> None:
    """Sound cannot be counted here: a turn that told no usage has none that is known."""
    bill_maps(request, reply)
    bill_searches(request, last, reply)
    if reply.usage is None:
        reply.unpriced = "the live session told no usage for this turn"

"""A live session of Gemini: one connection, many turns. Each turn is a call: its usage is of that turn alone.

The prompt of a turn is the whole session up to there, and is billed again with every turn, so the turns' counts add up
to the bill. Within a turn the last count holds. Source: google-genai 3.4 as installed, and measurements of its users
(pydantic-ai 7269; discuss.ai.google.dev 173248: the sum of the turns is within 3% of the bill), read 2026-11-22.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

from costspan.adapters._google import bill_maps, bill_searches
from costspan.adapters._paths import member, path
from costspan.adapters._sessions import Session, explain_silence

if TYPE_CHECKING:
    from collections.abc import Callable

    from costspan.adapters._adapter import Operation
    from costspan.adapters._watch import Watch
    from costspan.call import Reply, Request

_SAYS = ("server_content", "tool_call", "usage_metadata")  # what is of a turn; the rest is about the connection
_DONE = path("server_content.turn_complete")


class Turns(Session):
    """The turns of a session, one after another."""

    def __init__(self, operation: Operation, connected: Watch) -> None:
        super().__init__(connected)
        self._operation = operation
        self._next()

    def _next(self) -> None:
        self._turn = self.watch(self._operation, self._request.model)  # no call until the model says something
        self._told = self._over = False  # its usage; its end, after which the usage may still come

    def hold(self) -> None:
        if not self._turn.call.chunks:
            self._next()
            self._turn.admit()

    def look(self, message: Any) -> None:
        """A message, which may be of the turn."""
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

    def end(self, error: BaseException | None = None) -> None:
        """The session ends, in the middle of a turn or after it."""
        if self._over:
            self._turn.finish()
        elif error is not None and self._turn.call.chunks:
            self._turn.fail(error)
        else:
            self._turn.leave_early()


def turns_of(operation: Operation) -> Callable[[Watch], Session]:
    """What makes the session of a connection whose turns are calls of this operation."""
    return partial(Turns, operation)


def read_turn(request: Request, last: Any, reply: Reply) -> None:
    """What of a turn needs logic."""
    bill_maps(request, reply)
    bill_searches(request, last, reply)
    explain_silence(request, last, reply)

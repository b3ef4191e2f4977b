"""Connections over which calls come and go, as in a live session of Gemini or a realtime one of OpenAI.

The connection is no call. What it receives passes by its session, which is told what the watch of a stream is told.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from costspan.adapters._watch import Watch
from costspan.call import Call
from costspan.guard import Guard

if TYPE_CHECKING:
    from costspan.adapters._adapter import Operation
    from costspan.call import Reply, Request

_LOOK = Guard("look at a message of a session")
_END = Guard("end the calls of a session")


def _no_scope(_scope: Any) -> None: ...


class Session(ABC):
    """The calls of one connection, which is not held. Never raises into the host, but for a budget that is spent."""

    pause = staticmethod(_no_scope)  # the program is not inside of a connection
    taking = False  # one that is closed has ended, also while a task waits for its next message

    def __init__(self, connected: Watch) -> None:
        self._request, self._observer = connected.call.request, connected._observer

    @abstractmethod
    def hold(self) -> Any:
        """Before the next message is taken.

        Raises:
            BudgetExceededError: A budget is spent, and no call is under way.
        """

    @abstractmethod
    def look(self, message: Any) -> None:
        """What the program is about to get: the begin of a call, a part of one, its end, or nothing of the kind."""

    @abstractmethod
    def end(self, error: BaseException | None = None) -> None:
        """Nothing more comes: calls under way are left, or broken by an error."""

    def watch(self, operation: Operation, model: str) -> Watch:
        """A call over this connection, which begins now."""
        request = replace(self._request, operation=operation.name, model=model, body={})
        return Watch(Call(request, self._observer), operation, self._observer)

    def see(self, message: Any) -> None:
        """As `look`, without raising."""
        with _LOOK:
            self.look(message)

    def fail(self, error: BaseException) -> None:
        """The connection broke, or was never made; a wait that is given up, or one too many, is no end of it."""
        if isinstance(error, Exception) and not isinstance(error, RuntimeError):
            with _END:
                self.end(error)

    def leave_early(self) -> None:
        """The connection is closed."""
        with _END:
            self.end()

    def finish_with(self, _connection: Any) -> None:
        """The connection has run dry."""
        self.leave_early()


def explain_silence(_request: Request, _last: Any, reply: Reply) -> None:
    """Sound cannot be counted here: what told no usage has none that is known."""
    if reply.usage is None:
        reply.unpriced = "the session told no usage for this"

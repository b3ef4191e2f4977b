"""Calls that no adapter sees, recorded by the program itself: own providers, own caches."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from opentelemetry import context as otel

from costspan.call import Call, Request
from costspan.guard import Guard, ToldError
from costspan.instrumentors import PLUGIN
from costspan.pricing.rates import RateError, dollars
from costspan.telemetry import names
from costspan.usage import Usage

if TYPE_CHECKING:
    from decimal import Decimal
    from types import TracebackType

    from opentelemetry.context import Context

    from costspan.bill import Bill

_CALL = Guard("record a call")


def record_call(
    provider: str,
    model: str,
    *,
    usage: Usage | None = None,
    saved: Usage | None = None,
    cost: Decimal | float | str | None = None,
    operation: str = "chat",
) -> RecordedCall:
    """A call to a provider that costspan does not know, as a span, priced and counted as any other.

    With `usage` (or the `cost` in USD that the provider states, or `saved`: what an answer from a cache would have
    used) it is recorded at once. Without, it is timed as a block, and the usage is given inside:

        with costspan.record_call("acme", "acme-large") as call:
            for chunk in stream:
                call.chunk()
            call.usage = costspan.Usage(input=400, output=150)

    Raises:
        BudgetExceededError: The block begins, and a budget that holds here is spent.
    """
    made = RecordedCall(Request(operation, provider, model))
    made.usage, made.saved, made.cost = usage, saved, cost
    if usage is not None or saved is not None or cost is not None:
        with _CALL:
            made.begin()
        made.end(None)
    return made


class RecordedCall:
    """A call as the program tells it. Set `usage`, `cost` (USD), `model`, `id` and `finish_reason` before its end."""

    def __init__(self, request: Request) -> None:
        self.usage: Usage | None = None
        self.saved: Usage | None = None
        self.cost: Decimal | float | str | None = None
        self.model = ""
        self.id = ""
        self.finish_reason = ""
        self._request = request
        self._observer = PLUGIN.recorder
        self._call = Call(request, self._observer) if self._observer is not None else None
        self._token: Any = None
        self._inside: Context | None = None  # as long as the program is inside of the call

    def __repr__(self) -> str:
        cost = self.cost if self.bill is None or self.bill.price is None else self.bill.cost
        model = self.model or self._request.model
        return f"RecordedCall({self._request.provider}/{model}, {self.usage!r}, cost={cost})"

    @property
    def bill(self) -> Bill | None:
        """Usage and price, once the call has ended; None while costspan is off."""
        return self._call.bill if self._call is not None else None

    def chunk(self) -> None:
        """A part of a streamed answer has arrived; what the program does between the parts is not this call's."""
        if self._call is not None:
            self._pause()
            self._call.chunk()
            if not self._call.request.stream:
                self._call.request.stream = True
                if self._call.span is not None:
                    self._call.span.set_attribute(names.REQUEST_STREAM, True)

    def begin(self) -> None:
        """Start the clock and the span."""
        if self._observer is not None and self._call is not None:
            self._token = self._observer.started(self._call)
            self._inside = otel.get_current()
            self._observer.bills.add(self, self._call.bill)

    def end(self, error: BaseException | None) -> None:
        """Tell what the call used, and finish it."""
        call, observer = self._call, self._observer
        if call is None or observer is None or self._token is None:
            return
        self._pause()
        with _CALL:
            self._fill(call)
        with _CALL:
            if error is not None:
                call.fail(error)
            else:
                call.finish()

    def _pause(self) -> None:
        """The program is no longer inside of the call: back to what was around, once nothing else is current."""
        inside = self._inside
        if inside is not None and inside is otel.get_current() and self._observer is not None:
            self._inside = None
            with _CALL:
                self._observer.paused(self._token)

    def _fill(self, call: Call) -> None:
        """Tell what the program has said.

        Raises:
            ToldError: Something of it is no usage or no amount: it is left out.
        """
        reply = call.reply
        reply.model, reply.id = self.model, self.id
        reply.finish_reasons = (self.finish_reason,) if self.finish_reason else ()
        reply.cached = self.saved is not None
        reply.usage, reply.saved = _usage("usage", self.usage), _usage("saved", self.saved)
        try:
            reply.stated_cost = None if self.cost is None else dollars(self.cost)
        except RateError as error:
            raise ToldError(f"cost {error}") from None

    def __enter__(self) -> RecordedCall:  # noqa: PYI034 typing.Self needs Python 3.11
        if self._call is None or self._token is not None:  # off, or recorded already
            return self
        refusal = None
        with _CALL:
            refusal = self._observer.refusal(self._call) if self._observer is not None else None
        if refusal is not None:
            raise refusal
        with _CALL:
            self.begin()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.end(error)

    async def __aenter__(self) -> RecordedCall:  # noqa: PYI034 as above
        return self.__enter__()

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.end(error)


def _usage(name: str, given: Any) -> Usage | None:
    if given is None or isinstance(given, Usage):
        return given
    raise ToldError(f"{name} must be a costspan.Usage, not {type(given).__name__}")

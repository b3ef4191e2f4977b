"""The Observer that turns calls into spans, metrics and accounting events."""

from __future__ import annotations

from contextlib import suppress
from threading import Thread
from typing import TYPE_CHECKING, Any

from opentelemetry import context as otel
from opentelemetry import trace
from opentelemetry._logs import SeverityNumber
from opentelemetry.context import _SUPPRESS_INSTRUMENTATION_KEY
from opentelemetry.trace import SpanKind, Status, StatusCode
from opentelemetry.trace.propagation import _SPAN_KEY

from costspan.adapters._hosts import resolve_told
from costspan.forking import in_children
from costspan.guard import Guard
from costspan.telemetry import names, native
from costspan.telemetry.adoption import counts_itself, current_llm_span, scope_of
from costspan.telemetry.attributes import payer_attributes, reply_attributes, request_attributes
from costspan.telemetry.enrichment import claim
from costspan.telemetry.inside import CALL, step_out
from costspan.telemetry.metrics import metrics_of
from costspan.telemetry.spending import Spending
from costspan.telemetry.till import Till

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from contextvars import Token

    from opentelemetry._logs import Logger
    from opentelemetry.context import Context
    from opentelemetry.metrics import Meter
    from opentelemetry.trace import Span, Tracer

    from costspan.call import Call
    from costspan.config import Settings
    from costspan.pricing import Price, Pricer
    from costspan.telemetry.content import Content
    from costspan.telemetry.prompt_hash import PromptHasher
    from costspan.tokens.pool import CountingPool

_PRICE = Guard("price a call")
_SPAN = Guard("write the span")
_METRIC = Guard("record the metrics")
_SPEND = Guard("add up what was spent")
_EVENT = Guard("send the accounting event")
_LOAD = Guard("load the price list")

# Other tools' words for "be silent": they are set around a call that the tool above has on its own span.
_SUPPRESSED = (
    _SUPPRESS_INSTRUMENTATION_KEY,
    "suppress_instrumentation",
    "suppress_language_model_instrumentation",
)


class Recorder:
    """Tells OpenTelemetry about every call, with its price. One per instrumentation."""

    def __init__(self, tracer: Tracer, meter: Meter, logger: Logger | None, pricer: Pricer, settings: Settings) -> None:
        self.tracer = tracer
        self._logger = logger
        self.pricer = pricer
        self._till = Till(pricer)
        self._settings = settings
        self._hasher: PromptHasher | None = None
        if settings.prompt_hash:
            from costspan.telemetry.prompt_hash import PromptHasher  # noqa: PLC0415 only where hashes are wanted

            self._hasher = PromptHasher(settings.prompt_hash)
        self.metrics = metrics_of(meter, chunk_metric=settings.chunk_metric)
        self.spending = Spending(meter, logger, settings, self.metrics)
        self.bills = self.spending.bills
        self.exit_timeout = settings.exit_timeout  # seconds
        self._pool: CountingPool | None = None
        self._warmed = False
        self._process = object()
        in_children(self._be_another_process)
        self.content: Content | None = None
        self.at_first_call: Callable[[], None] | None = None

    def _counting(self) -> CountingPool:
        """What counts where providers did not; made by the first call that needs it."""
        if self._pool is None:
            from costspan.tokens.pool import CountingPool  # noqa: PLC0415 only where tokens must be counted

            made = CountingPool(
                workers=self._settings.tokenizer_threadpool_max_workers,
                fills=self._settings.count_tokens == "missing" and not self._settings.disable_token_counter,
                divides=self._settings.prompt_parts and not self._settings.disable_token_counter,
            )
            self._pool = self._pool or made  # another thread's that was quicker
        return self._pool

    def _be_another_process(self) -> None:
        """A forked child has copies of its parent's open calls, which end as they are collected: the parent tells."""
        self._process = object()

    def watching(self) -> bool:
        """False inside another call of ours (LiteLLM over openai), and where telemetry is suppressed."""
        context = otel.get_current()
        if not context:
            return True
        return CALL not in context and not any(context.get(key) for key in _SUPPRESSED)

    def refusal(self, call: Call) -> Exception | None:
        """What the program gets instead of this call, or of more of its stream, where a budget is spent."""
        return self.spending.refusal(call, self._till.price)

    def started(self, call: Call) -> Token[Context]:
        """Start the span of a call, or adopt the one that another tool has started for it; make it current."""
        if not self._warmed:
            self._warm()
        call.process = self._process
        context = otel.get_current()
        if call.scope is None:
            self.spending.begin(call, context)
        if call.span is None and self._hasher is not None:
            self._hasher.mark(call.request)
        if call.span is None:  # else it goes on: what was called gave a coroutine, which is awaited now
            self._open_span(call, context)
            if self.content is not None and call.state is False:  # on other tools' spans they decide
                self.content.begin(call)
        inside = {**context, CALL: context}
        if not call.state:
            inside[_SPAN_KEY] = call.span
        elif call.request.native_tracer is not None:
            inside[native.EXPECTED] = self._expected(call, context)
        return otel.attach(otel.Context(inside))

    def _open_span(self, call: Call, context: Context) -> None:
        adopted = current_llm_span(context)
        if adopted is not None:
            call.span, call.state = adopted, True
            adopted.set_attributes(payer_attributes(call.request))
            claim(adopted, call)
            return
        expected = self._expected(call, context) if call.request.native_tracer is not None else None
        call.span, call.state = (expected.span, expected) if expected else (self._start_span(call, context), False)

    def _expected(self, call: Call, context: Context) -> native.Expected | None:
        """What waits for the span that the SDK is about to make for this call."""
        if isinstance(call.state, native.Expected):
            return call.state
        return native.expect(call.request.native_tracer, self.tracer, context, call.span)

    def _start_span(self, call: Call, context: Context) -> Span:
        request = call.request
        name = f"{request.operation} {request.model}" if request.model else request.operation
        return self.tracer.start_span(
            name, context, SpanKind.CLIENT, request_attributes(request), start_time=call.started_ns
        )

    def _warm(self) -> None:
        """The first call's own waiting time pays for reading the price list."""
        self._warmed = True
        if self.at_first_call is not None:
            self.at_first_call()
        with suppress(RuntimeError):  # the system gives no thread: the first price reads the list
            Thread(target=self._load, name="costspan-prices", daemon=True).start()

    def _load(self) -> None:
        with _LOAD:
            self.pricer.load()

    def paused(self, scope: Token[Context]) -> None:
        """The program is no longer inside the call. A token of another context (a task that was closed) is let be."""
        try:
            scope.var.reset(scope)
        except ValueError:
            return

    def finished(self, call: Call) -> None:
        """Price the call, and tell it; from the pool where tokens must be counted, or no lock may be taken here."""
        if call.process is not self._process:  # begun in a parent, or never begun
            return
        if call.dropped:
            step_out(call)
        reply = call.reply
        counted = reply.usage is not None and not reply.partial and not self._settings.prompt_parts
        if call.state is True or (call.metered and call.error):  # its tool may end the span, its budget be asked, soon
            if not counted:
                self._counting().estimate(call)
            self._tell(call)
        elif call.dropped or (not counted and self._counting().wants(call)):
            self._counting().submit(call, self._tell)
        else:
            self._tell(call)

    def drain(self, seconds: float) -> bool:
        """Wait for the calls whose tokens are being counted; whether all were told within `seconds`."""
        return self._pool is None or self._pool.drain(seconds)

    def conclude(self, seconds: float) -> None:
        """As `drain`, at the end of the program: calls that are not counted by then are told with an estimate."""
        if self._pool is not None:
            self._pool.conclude(seconds)

    def _tell(self, call: Call) -> None:
        price: Price | None = None
        expected = call.state if call.state and isinstance(call.state, native.Expected) else None
        if expected is not None:
            call.span = expected.span
            call.span.set_attributes(payer_attributes(call.request))
        with _PRICE:
            price = self._till.price(call)
        with _SPAN:
            self._end_span(call, price)
        if expected is not None:
            with _SPAN:
                expected.release()
        with _METRIC:
            self._count(call, price, scope_of(call.span) if call.state else "")
        with _SPEND:
            self.spending.finished(call, price)

    def _count(self, call: Call, price: Price | None, scope: str) -> None:
        labels = self.spending.labels.of(call.request.attribution)
        self.metrics.record(call, price, labels, conventional=not (scope and counts_itself(scope)))

    def tell_foreign(self, call: Call, scope: str) -> Mapping[str, Any] | None:
        """Price and count a call that another tool has seen; the attributes for its span, None if it was counted."""
        if self.spending.was_told(call.reply.id):
            return None
        price = self.price_foreign(call)
        with _METRIC:
            self._count(call, price, scope)
        with _SPEND:
            self.spending.finished(call, price)
        return {**payer_attributes(call.request), **self.numbers_of(call, price)}

    def price_foreign(self, call: Call) -> Price | None:
        """What a call costs that another tool has seen."""
        request, hosts = call.request, self._settings.hosts
        if not request.biller and (host := resolve_told(request.host, request.port, request.provider, hosts)):
            request.provider, request.biller, request.geo = host.provider, host.biller, host.geo
        if request.geo:
            call.reply.terms = call.reply.terms._replace(geo=request.geo)
        return self._till.price(call)

    def numbers_of(self, call: Call, price: Price | None) -> Mapping[str, Any]:
        """What the span of a finished call tells of it."""
        numbers = reply_attributes(call, price)
        if self._settings.dialects:
            numbers |= _in_dialects(self._settings.dialects, call, price)
        if call.state is not False:
            numbers |= _other_biller(call)
        return numbers

    def _end_span(self, call: Call, price: Price | None) -> None:
        span: Span = call.span
        if self.content is not None and call.content is not None:
            self.content.end(call)
        if span.is_recording():
            attributes = self.numbers_of(call, price)
            span.set_attributes(attributes)
            if self._settings.events == "always":
                self._send_event(call, {**request_attributes(call.request), **attributes})
        elif self._settings.events != "never" and self._logs():
            self._send_event(call, {**request_attributes(call.request), **reply_attributes(call, price)})
        if call.state:
            return  # adopted: its owner ends it
        if call.error:
            span.set_status(Status(StatusCode.ERROR, call.error))
        span.end(call.started_ns + int(call.duration_seconds * 1e9))

    def _logs(self) -> bool:
        """Whether an accounting event would go anywhere."""
        enabled = getattr(self._logger, "enabled", None)  # newer than the oldest OpenTelemetry that we take
        return self._logger is not None and (enabled is None or enabled(event_name=names.EVENT))

    def _send_event(self, call: Call, attributes: dict[str, Any]) -> None:
        if self._logger is None:
            return
        with _EVENT:
            self._logger.emit(
                timestamp=call.started_ns + int(call.duration_seconds * 1e9),
                context=trace.set_span_in_context(call.span, otel.Context()),
                severity_number=SeverityNumber.INFO,
                attributes={**attributes, names.EVENT_DURATION: call.duration_seconds},
                event_name=names.EVENT,
            )


def _in_dialects(dialects: tuple[str, ...], call: Call, price: Price | None) -> Mapping[str, Any]:
    """The same numbers under the names of other tools."""
    from costspan.telemetry.dialects import dialect_attributes  # noqa: PLC0415 only where they are wanted

    return dialect_attributes(dialects, call, price)


def _other_biller(call: Call) -> Mapping[str, Any]:
    from costspan.telemetry.foreign import other_biller  # noqa: PLC0415 only where other tools make spans

    return other_biller(call)

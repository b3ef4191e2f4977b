"""All metrics in one place: the conventions' histograms, and exact counters for money that are read at collection."""

from __future__ import annotations

import os
from dataclasses import dataclass
from threading import RLock
from typing import TYPE_CHECKING, Any
from weakref import ref

from opentelemetry.metrics import CallbackOptions, Observation

from costspan.forking import in_children
from costspan.guard import FAILURES
from costspan.pricing.price import FEMTO, Price
from costspan.telemetry import names
from costspan.telemetry.attributes import total_usage
from costspan.telemetry.backlog import Backlog
from costspan.telemetry.counters import ExactCounter, Row, Series
from costspan.usage import TOKENS

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from opentelemetry.metrics import Meter

    from costspan.call import Call
    from costspan.telemetry.backlog import Measurement
    from costspan.usage import Usage

_TOKENS = frozenset(TOKENS)
Key = tuple[str, str, str, str, str, "tuple[str, int] | None", str, Series]
_TEMPORALITY = "OTEL_EXPORTER_OTLP_METRICS_TEMPORALITY_PREFERENCE"
_MOST_KINDS = 4096  # of calls, whose attributes are kept; a program that makes up names must not fill the memory


@dataclass(slots=True)
class Kind:
    """All calls that have the same attributes: those of the histograms, and the rows of the counters."""

    attributes: dict[str, Any]
    input: dict[str, Any]
    output: dict[str, Any]
    cost: Row
    tokens: Row
    calls: Row
    saved: Row


class Metrics:
    """Records one call into every metric."""

    def __init__(self, meter: Meter, *, chunk_metric: bool = False) -> None:
        self._lock = RLock()  # a stream that is collected as garbage while we hold it is told by this very thread
        self._kinds: dict[Key, Kind] = {}
        self._cost = ExactCounter(self._lock, names.BUCKET, FEMTO)
        self._tokens = ExactCounter(self._lock, names.BUCKET)
        self._calls = ExactCounter(self._lock, names.PRICE_STATUS)
        self._saved = ExactCounter(self._lock, "", FEMTO)
        self._counters = (self._cost, self._tokens, self._calls, self._saved)
        self._backlog = Backlog()
        self._make_histograms(meter)
        self._make_counters(meter)
        self.chunk_metric = chunk_metric
        self.at_new_series: Callable[[], None] | None = None
        self._forked = False
        in_children(self._after_fork)

    def _make_histograms(self, meter: Meter) -> None:
        def histogram(name: str, unit: str, description: str, buckets: tuple[float, ...]) -> Any:
            return meter.create_histogram(name, unit, description, explicit_bucket_boundaries_advisory=list(buckets))

        self._duration = histogram(names.DURATION_METRIC, "s", "Duration of a call", names.DURATION_BUCKETS)
        self._usage = histogram(names.TOKEN_METRIC, "{token}", "Tokens of a call", names.TOKEN_BUCKETS)
        self._price = histogram(names.COST_METRIC, "USD", "Price of a call", names.COST_BUCKETS)
        self._first = histogram(names.FIRST_CHUNK_METRIC, "s", "Time to first chunk", names.FIRST_CHUNK_BUCKETS)
        self._chunk = histogram(names.CHUNK_METRIC, "s", "Time per later chunk", names.CHUNK_BUCKETS)

    def _make_counters(self, meter: Meter) -> None:
        def counter(name: str, unit: str, description: str, read: Callable[[Metrics], list[Observation]]) -> None:
            held, backlog = ref(self), self._backlog  # a meter keeps its callbacks for ever

            def observe(_options: CallbackOptions) -> list[Observation]:
                backlog.record()  # the SDK asks its observable counters before it looks at histograms
                alive = held()
                return read(alive) if alive is not None else []

            meter.create_observable_counter(name, [observe], unit, description)

        counter(names.COST_COUNTER, "USD", "What calls cost, by bucket", lambda own: own._cost.observe())
        counter(names.TOKEN_COUNTER, "{token}", "Tokens that calls used, by bucket", lambda own: own._tokens.observe())
        counter(names.CALL_COUNTER, "{call}", "Calls, by how they were priced", lambda own: own._calls.observe())
        counter(names.SAVED_COUNTER, "USD", "What answers from own caches saved", lambda own: own._saved.observe())
        counter(names.FAILURE_COUNTER, "{failure}", "costspan's own failures, kept from the program", Metrics._failures)

    def _failures(self) -> list[Observation]:
        process = dict(self.process())
        return [
            Observation(count, {"costspan.step": step, names.ERROR_TYPE: kind, **process})
            for (step, kind), count in FAILURES.counts.items()
        ]

    def record(self, call: Call, price: Price | None, payers: Mapping[str, str], *, conventional: bool = True) -> None:
        """Record a finished call; `payers` are the attribution attributes that may go onto metrics.

        Not `conventional`: another tool has recorded the call's duration and tokens under the conventions' names.
        """
        usage = total_usage(call.reply) if call.reply.usage is not None else None
        total = price.total_femto if price is not None else None
        with self._lock:
            kind = self._kind_of(call, payers)
            tell = self._backlog.add if kind.calls else self._backlog.begin
            if usage is not None:
                for bucket, count in usage.counts.items():
                    if bucket in _TOKENS:
                        kind.tokens[bucket] += count
            if price is not None:
                for bucket, femto in price.breakdown.items():
                    kind.cost[bucket] += femto
            kind.calls[price.status._value_ if price is not None else ""] += 1
            if call.reply.saved_femto:
                kind.saved[""] += call.reply.saved_femto
        if self._calls.grown or self._cost.grown or self._tokens.grown:
            self._tell_growth()
        tell(self._measured(call, kind, usage, total, conventional=conventional))

    def _measured(
        self, call: Call, kind: Kind, usage: Usage | None, total: int | None, *, conventional: bool
    ) -> list[Measurement]:
        """What goes into histograms."""
        attributes, span = kind.attributes, call.span and call.span.get_span_context()
        measured: list[Measurement] = []
        if total is not None:
            measured.append((self._price, total / FEMTO, attributes, span))
        if not conventional:
            return measured
        measured.append((self._duration, call.duration_seconds, attributes, span))
        if usage is not None:
            measured.append((self._usage, usage.total_input, kind.input, None))
            if output := usage.total_output:
                measured.append((self._usage, output, kind.output, None))
        if call.first_chunk is not None:
            measured.append((self._first, call.first_chunk - call.begun, attributes, span))
            if self.chunk_metric and call.chunks > 1 and call.ended is not None:
                later = (call.ended - call.first_chunk) / (call.chunks - 1)
                measured.append((self._chunk, later, attributes, None))
        return measured

    def _kind_of(self, call: Call, payers: Mapping[str, str]) -> Kind:
        request, reply = call.request, call.reply
        key = (
            request.operation,
            request.provider,
            request.model,
            reply.model,
            reply.source._value_ if reply.usage is not None else "",  # how much of a sum is an estimate
            # a provider's own address would add nothing to its name
            (request.host, request.port) if request.host and request.biller not in ("", request.provider) else None,
            call.error,
            tuple(payers.items()) if payers else (),
        )
        kind = self._kinds.get(key)
        if kind is None:
            if len(self._kinds) >= _MOST_KINDS:
                self._kinds.clear()
            kind = self._kinds[key] = self._new_kind(key)
        return kind

    def _new_kind(self, key: Key) -> Kind:
        operation, provider, asked, answered, source, address, error, payers = key
        attributes: dict[str, Any] = {names.OPERATION: operation, names.PROVIDER: provider}
        if asked:
            attributes[names.REQUEST_MODEL] = asked
        if answered:
            attributes[names.RESPONSE_MODEL] = answered
        if address is not None:
            attributes[names.SERVER_ADDRESS], attributes[names.SERVER_PORT] = address
        if error:
            attributes[names.ERROR_TYPE] = error
        payers = (*payers, *self.process())
        attributes.update(payers)
        series: Series = (
            (names.OPERATION, operation),
            (names.PROVIDER, provider),
            (names.REQUEST_MODEL, asked or answered),
            *(((names.USAGE_SOURCE, source),) if source else ()),
            *payers,
        )
        return Kind(
            attributes,
            {**attributes, names.TOKEN_TYPE: "input"},
            {**attributes, names.TOKEN_TYPE: "output"},
            cost=self._cost.row(series),
            tokens=self._tokens.row(series),
            calls=self._calls.row((*series, (names.ERROR_TYPE, error)) if error else series),
            saved=self._saved.row(series),
        )

    def process(self, *, sums: bool = True) -> Series:
        """What tells the series of this process from those of workers that have the same resource.

        An id that the environment gives, as Kubernetes' Operator does, all processes of a container have; forked ones
        share it before opentelemetry-sdk 1.45. Deltas of one id are one sum, which is how jobs add up.
        Source: opentelemetry-python#3885 and #4390, scale-agentex#305; run with a Collector and Prometheus 2026-11-23.
        """
        shared = self._forked or "service.instance.id" in os.environ.get("OTEL_RESOURCE_ATTRIBUTES", "")
        if not shared or (sums and os.environ.get(_TEMPORALITY, "").strip().lower() == "delta"):
            return ()
        return ((names.PROCESS, str(os.getpid())),)

    def _tell_growth(self) -> None:
        self._calls.grown = self._cost.grown = self._tokens.grown = False
        if self.at_new_series is not None:
            self.at_new_series()

    @property
    def unsettled(self) -> bool:
        """Whether some series would be reported as 0 at the next collection."""
        return any(each.unsettled for each in self._counters)

    def take_back(self) -> None:
        """The last collection has not arrived: series that were new in it are new again."""
        for counter in self._counters:
            counter.take_back()

    def settle(self) -> None:
        """Report true values from now on: the last collection is near."""
        for counter in self._counters:
            counter.settle()

    def _after_fork(self) -> None:
        self._forked = True
        self._lock = RLock()
        for counter in self._counters:
            counter._lock = self._lock
            counter.clear()
        self._kinds.clear()


def metrics_of(meter: Meter, *, chunk_metric: bool) -> Metrics:
    """The metrics told through this meter, which keeps the first callback of an instrument and takes no second one.

    So who switches costspan off and on again goes on with the same sums.
    Source: `Meter.create_observable_counter` of opentelemetry-sdk 1.39.0 and 1.45.2, read and run on 2026-11-22.
    """
    made = getattr(meter, "__dict__", {})  # a meter of another kind may have none
    metrics: Metrics = made.get("_costspan") or made.setdefault("_costspan", Metrics(meter))
    metrics.chunk_metric = chunk_metric
    return metrics

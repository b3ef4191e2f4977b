"""All metrics in one place: the conventions' histograms, and exact counters for money that are read at collection."""

from __future__ import annotations

from threading import Lock
from typing import TYPE_CHECKING, Any
from weakref import WeakMethod

from opentelemetry import context as otel
from opentelemetry import trace
from opentelemetry.metrics import CallbackOptions, Observation

from costspan.forking import in_children
from costspan.guard import FAILURES
from costspan.pricing.price import FEMTO, Price
from costspan.telemetry import names
from costspan.telemetry.attributes import error_type, total_usage
from costspan.usage import TOKENS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from opentelemetry.context import Context
    from opentelemetry.metrics import Meter

    from costspan.call import Call

_TOKENS = frozenset(TOKENS)
COLLECTION = otel.create_key("costspan-collection")  # in the context of a collection that is not a regular one:
OWN_ZEROS = "own zeros"  # its reader shows zeros by itself
EARLY = "early"  # it is between the regular ones, and only to show new series as 0
Series = tuple[tuple[str, str], ...]


class ExactCounter:
    """Whole-number sums by attribute set, read when metrics are collected.

    A new series is reported as 0 at its first collection and with its value from the second, so that PromQL's
    `increase()` misses nothing; `settle()` makes all report their values at once, for the last flush.
    """

    def __init__(self, lock: Lock, scale: int) -> None:
        self._lock = lock
        self._scale = scale
        self._sums: dict[tuple[Series, str], int] = {}
        self._shown: set[tuple[Series, str]] = set()
        self._announced: set[tuple[Series, str]] = set()  # by an early collection
        self._first: set[tuple[Series, str]] = set()  # of the last collection
        self._settled = False
        self.grown = False  # by a series, since somebody has looked

    def add(self, series: Series, amounts: Iterable[tuple[str, int]]) -> None:
        """Add amounts by their last label; the caller holds the lock."""
        sums = self._sums
        for label, amount in amounts:
            key = (series, label)
            try:
                sums[key] += amount
            except KeyError:
                sums[key] = amount
                self.grown = True

    def observe(self, label: str) -> list[Observation]:
        """One observation per series, `label` naming what tells its amounts apart."""
        with self._lock:
            sums = list(self._sums.items())
        first: set[tuple[Series, str]] = set()
        if (kind := otel.get_value(COLLECTION)) != OWN_ZEROS:
            first = self._first = {key for key, _ in sums if key not in self._shown}
            # a regular one shows 0 again after an early one: for less than its interval, no scrape might see it
            (self._announced if kind == EARLY else self._shown).update(first)
        observations = []
        for key, amount in sums:
            value = amount if self._settled or key not in first else 0
            attributes = {**dict(key[0]), **({label: key[1]} if key[1] else {})}
            observations.append(Observation(value / self._scale if self._scale > 1 else value, attributes))
        return observations

    def take_back(self) -> None:
        """The last collection has not arrived: what it reported first is reported as 0 once more."""
        self._shown -= self._first
        self._announced -= self._first

    def settle(self) -> None:
        """From now on every series reports its value, also one that was never collected."""
        self._settled = True

    @property
    def unsettled(self) -> bool:
        """Whether a series was never collected."""
        return len(self._shown | self._announced) < len(self._sums)

    def clear(self) -> None:
        """Start from nothing: a forked child must not report its parent's spend again."""
        self._sums.clear()
        self._shown.clear()
        self._announced.clear()
        self._first.clear()


class Metrics:
    """Records one call into every metric."""

    def __init__(self, meter: Meter, *, chunk_metric: bool = False) -> None:
        self._lock = Lock()
        self._cost = ExactCounter(self._lock, FEMTO)
        self._tokens = ExactCounter(self._lock, 1)
        self._calls = ExactCounter(self._lock, 1)
        self._saved = ExactCounter(self._lock, FEMTO)
        self._make_histograms(meter)
        self._make_counters(meter)
        self._chunk_metric = chunk_metric
        self.at_new_series: Callable[[], None] | None = None
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
        def counter(name: str, unit: str, description: str, read: Callable[[], list[Observation]]) -> None:
            held = WeakMethod(read)  # a meter keeps its callbacks for ever

            def observe(_options: CallbackOptions) -> list[Observation]:
                alive = held()
                return alive() if alive is not None else []

            meter.create_observable_counter(name, [observe], unit, description)

        counter(names.COST_COUNTER, "USD", "What calls cost, by bucket", self._observe_cost)
        counter(names.TOKEN_COUNTER, "{token}", "Tokens that calls used, by bucket", self._observe_tokens)
        counter(names.CALL_COUNTER, "{call}", "Calls, by how they were priced", self._observe_calls)
        counter(names.SAVED_COUNTER, "USD", "What answers from own caches saved", self._observe_saved)
        counter(
            names.FAILURE_COUNTER, "{failure}", "costspan's own failures, kept from the program", self._observe_failures
        )

    def _observe_cost(self) -> list[Observation]:
        return self._cost.observe(names.BUCKET)

    def _observe_tokens(self) -> list[Observation]:
        return self._tokens.observe(names.BUCKET)

    def _observe_calls(self) -> list[Observation]:
        return self._calls.observe(names.PRICE_STATUS)

    def _observe_saved(self) -> list[Observation]:
        return self._saved.observe("")

    def _observe_failures(self) -> list[Observation]:
        return [
            Observation(count, {"costspan.step": step, names.ERROR_TYPE: kind})
            for (step, kind), count in FAILURES.counts.items()
        ]

    def record(self, call: Call, price: Price | None, payers: Mapping[str, str], *, conventional: bool = True) -> None:
        """Record a finished call; `payers` are the attribution attributes that may go onto metrics.

        Not `conventional`: another tool has recorded the call's duration and tokens under the conventions' names.
        """
        attributes = _common(call, payers)
        usage = total_usage(call.reply) if call.reply.usage is not None else None
        total = price.total_femto if price is not None else None
        with self._lock:
            series = _series(call, payers)
            if usage is not None:
                self._tokens.add(series, [each for each in usage if each[0] in _TOKENS])
            if price is not None and total is not None:
                self._cost.add(series, price.breakdown.items())
            if call.reply.saved_femto:
                self._saved.add(series, (("", call.reply.saved_femto),))
            status = price.status.value if price is not None else ""
            self._calls.add(_call_series(series, call), ((status, 1),))
        if self._calls.grown or self._cost.grown or self._tokens.grown:
            self._tell_growth()
        trace_of = _exemplar_context(call)
        if total is not None:
            self._price.record(total / FEMTO, attributes, trace_of)
        if not conventional:
            return
        self._duration.record(call.duration_seconds, attributes, trace_of)
        if usage is not None:
            self._usage.record(usage.total_input, {**attributes, names.TOKEN_TYPE: "input"})
            if usage.total_output:
                self._usage.record(usage.total_output, {**attributes, names.TOKEN_TYPE: "output"})
        if call.first_chunk is not None:
            self._first.record(call.first_chunk - call.begun, attributes, trace_of)
            self._record_later_chunks(call, call.first_chunk, attributes)

    def _tell_growth(self) -> None:
        self._calls.grown = self._cost.grown = self._tokens.grown = False
        if self.at_new_series is not None:
            self.at_new_series()

    def _record_later_chunks(self, call: Call, first_chunk: float, attributes: dict[str, Any]) -> None:
        if self._chunk_metric and call.chunks > 1 and call.ended is not None:
            self._chunk.record((call.ended - first_chunk) / (call.chunks - 1), attributes)

    @property
    def unsettled(self) -> bool:
        """Whether some series would be reported as 0 at the next collection."""
        return any(each.unsettled for each in (self._cost, self._tokens, self._calls, self._saved))

    def take_back(self) -> None:
        """The last collection has not arrived: series that were new in it are new again."""
        for counter in (self._cost, self._tokens, self._calls, self._saved):
            counter.take_back()

    def settle(self) -> None:
        """Report true values from now on: the last collection is near."""
        for counter in (self._cost, self._tokens, self._calls, self._saved):
            counter.settle()

    def _after_fork(self) -> None:
        self._lock = Lock()
        for counter in (self._cost, self._tokens, self._calls, self._saved):
            counter._lock = self._lock
            counter.clear()


def _exemplar_context(call: Call) -> Context | None:
    """The context in which a measurement is the call's own, so that its bar in Grafana leads to its trace."""
    span = call.span
    if span is None or not span.get_span_context().trace_flags.sampled:
        return None
    return trace.set_span_in_context(span)


def _common(call: Call, payers: Mapping[str, str]) -> dict[str, Any]:
    """The conventions' metric attributes: few, and bounded. A provider's own address would add nothing to its name."""
    request, reply = call.request, call.reply
    attributes: dict[str, Any] = {names.OPERATION: request.operation, names.PROVIDER: request.provider}
    if request.model:
        attributes[names.REQUEST_MODEL] = request.model
    if reply.model:
        attributes[names.RESPONSE_MODEL] = reply.model
    if request.host and request.biller not in ("", request.provider):
        attributes[names.SERVER_ADDRESS] = request.host
        attributes[names.SERVER_PORT] = request.port
    if call.error is not None:
        attributes[names.ERROR_TYPE] = error_type(call.error)
    if payers:
        attributes.update(payers)
    return attributes


def _series(call: Call, payers: Mapping[str, str]) -> Series:
    request = call.request
    own: Series = (
        (names.OPERATION, request.operation),
        (names.PROVIDER, request.provider),
        (names.REQUEST_MODEL, request.model or call.reply.model),
    )
    if call.reply.usage is not None:  # how much of a sum is an estimate
        own += ((names.USAGE_SOURCE, call.reply.source.value),)
    return own + tuple(payers.items()) if payers else own


def _call_series(series: Series, call: Call) -> Series:
    return series if call.error is None else (*series, (names.ERROR_TYPE, error_type(call.error)))

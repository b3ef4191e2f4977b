"""Tells OpenTelemetry about budgets: gauges to alert on, an event when one is reached or a call is refused."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

from opentelemetry import context as otel
from opentelemetry import trace
from opentelemetry._logs import SeverityNumber
from opentelemetry.metrics import Observation
from opentelemetry.trace import NonRecordingSpan

from costspan.pricing.price import FEMTO
from costspan.telemetry import names
from costspan.telemetry.attributes import payer

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from opentelemetry._logs import Logger
    from opentelemetry.metrics import Meter

    from costspan.budgets import BudgetExceededError, Limit
    from costspan.call import Call
    from costspan.limits import Quota
    from costspan.rollup import Account, Spend
    from costspan.telemetry.metrics import Metrics
    from costspan.telemetry.spending import Labels

_log = logging.getLogger("costspan")
_GAUGES = {
    "USD": (names.BUDGET_LIMIT, names.BUDGET_SPENT, names.BUDGET_REMAINING, "USD", FEMTO),
    "tokens": (names.QUOTA_LIMIT, names.QUOTA_SPENT, names.QUOTA_REMAINING, "{token}", 1),
}


class BudgetSignals:
    """The gauges of the budget file, the counter of refusals, and the events."""

    def __init__(
        self, meter: Meter, logger: Logger | None, quotas: tuple[Quota, ...], labels: Labels, metrics: Metrics
    ) -> None:
        self._logger = logger
        self._labels = labels
        self._process = metrics.process
        self._refusals = meter.create_counter(names.REFUSAL_COUNTER, "{call}", "Calls that a budget has refused")
        # a meter keeps the first callback of a gauge: after costspan was off and on again, it must show other quotas
        shown: list[Quota] = getattr(meter, "__dict__", {}).setdefault("_costspan_quotas", [])
        shown[:] = quotas
        for unit, (limit, spent, remaining, metric_unit, scale) in _GAUGES.items():
            if not any(quota.limit.unit == unit for quota in quotas):
                continue
            for name, read in (
                (limit, lambda quota, _spend: quota.limit.most),
                (spent, lambda quota, spend: quota.limit.used(spend)),
                (remaining, lambda quota, spend: quota.limit.most - quota.limit.used(spend)),
            ):
                observe = self._observing(shown, unit, read, scale)
                meter.create_observable_gauge(name, [observe], metric_unit, "Of the budgets in COSTSPAN_BUDGETS")

    def _observing(
        self, quotas: Iterable[Quota], unit: str, read: Callable[[Quota, Spend], int], scale: int
    ) -> Callable[[Any], list[Observation]]:
        def observe(_options: Any) -> list[Observation]:
            return [
                Observation(read(quota, spend) / scale if scale > 1 else read(quota, spend), self._series(quota, who))
                for quota in quotas
                if quota.limit.unit == unit
                for who, spend in _worst(quota, self._labels)
            ]

        return observe

    def _series(self, quota: Quota, who: Mapping[str, str]) -> dict[str, str]:
        return {
            names.BUDGET_NAME: quota.limit.name,
            names.BUDGET_PERIOD: quota.period.per,
            names.BUDGET_KEYS: ",".join(sorted(quota.keys)),
            **{_attribute(key): value for key, value in who.items()},
            **dict(self._process(sums=False)),
        }

    def refused(self, error: BudgetExceededError, call: Call) -> None:
        """A call was refused: counted, and told with who asked for it."""
        labels = {names.BUDGET_NAME: error.scope, **self._labels.of(call.request.attribution), **dict(self._process())}
        self._refusals.add(1, labels)
        attributes = {
            **{payer(key): value for key, value in call.request.attribution.items()},
            names.OPERATION: call.request.operation,
            names.REQUEST_MODEL: call.request.model,
            names.BUDGET_NAME: error.scope,
            names.BUDGET_STATE: "refused",
        }
        self._emit(names.BUDGET_EVENT, str(error), attributes)

    def crossed(self, limit: Limit, spend: Spend, who: Mapping[str, str], threshold: float) -> None:
        """A soft threshold, or the limit itself (1.0), was reached."""
        used, most = limit.used(spend), limit.most
        scale = FEMTO if limit.unit == "USD" else 1
        text = f"budget {limit.name!r} has reached {threshold:.0%}: {used / scale:g} of {most / scale:g} {limit.unit}"
        if threshold < 1 or limit.on_exceed == "warn":
            _log.warning("%s%s", text, "".join(f", {key} {value}" for key, value in who.items()))
        attributes = {
            **{_attribute(key): value for key, value in who.items()},
            names.BUDGET_NAME: limit.name,
            names.BUDGET_UNIT: limit.unit,
            names.BUDGET_LIMIT: most / scale,
            names.BUDGET_SPENT: used / scale,
            names.BUDGET_THRESHOLD: threshold,
            names.BUDGET_STATE: "reached",
        }
        self._emit(names.BUDGET_EVENT, text, attributes)

    def late(self, account: Account, femto: int | None, tokens: int) -> None:
        """A call has ended after a span above it: that span's roll-up lacks it, so an event of that span says it."""
        attributes: dict[str, Any] = {names.ROLLUP_CALLS: 1, names.ROLLUP_TOKENS: tokens}
        if femto is not None:
            attributes[names.ROLLUP_COST] = femto / FEMTO
        self._emit(names.LATE_EVENT, "a call ended after the span above it", attributes, account.span)

    def _emit(self, event: str, text: str, attributes: dict[str, Any], span: Any = None) -> None:
        if self._logger is None:
            return
        context = trace.set_span_in_context(NonRecordingSpan(span), otel.Context()) if span is not None else None
        self._logger.emit(
            context=context or otel.get_current(),
            severity_number=SeverityNumber.WARN,
            body=text,
            attributes=attributes,
            event_name=event,
        )


def _worst(quota: Quota, labels: Labels) -> list[tuple[dict[str, str], Spend]]:
    """All shares of a quota whose keys may go onto metrics; else only the one nearest to its limit, unnamed."""
    shares = list(quota.shares())
    if all(labels.allows(key) for key, wanted in quota.keys.items() if wanted == "*"):
        return [(dict(who), spend) for who, spend in shares[: labels.most]]
    who, spend = max(shares, key=lambda share: quota.limit.used(share[1]), default=((), None))
    if spend is None:
        return []
    return [({key: value for key, value in who if quota.keys[key] != "*" or labels.allows(key)}, spend)]


def _attribute(key: str) -> str:
    return {"model": names.REQUEST_MODEL, "provider": names.PROVIDER}.get(key) or payer(key)

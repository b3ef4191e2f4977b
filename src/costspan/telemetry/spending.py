"""What a call's spend does: it goes to its payers, into the sums around it, and against the budgets that hold."""

from __future__ import annotations

import functools
from collections import OrderedDict, deque
from typing import TYPE_CHECKING, Any
from weakref import ref

from opentelemetry import context as otel
from opentelemetry.trace import NonRecordingSpan

from costspan.bill import Bills
from costspan.call import Call
from costspan.forking import in_children
from costspan.guard import Guard
from costspan.rollup import Account, Spend
from costspan.scope import scope_in
from costspan.telemetry import names
from costspan.telemetry.attributes import payer, total_usage

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from opentelemetry._logs import Logger
    from opentelemetry.context import Context
    from opentelemetry.metrics import Meter
    from opentelemetry.trace import Span

    from costspan.bill import Bill
    from costspan.budgets import BudgetExceededError
    from costspan.config import Settings
    from costspan.limits import Quota
    from costspan.pricing.price import Price
    from costspan.telemetry.budget_signals import BudgetSignals
    from costspan.telemetry.metrics import Metrics

_QUOTAS = Guard("read the budget file")
OTHER = "other"
_NOTHING = Spend()
_MOST_IDS = 2000  # response ids remembered, the oldest forgotten first
_MOST_BILLS = 128
_LEAST_ID = 16  # characters of one that is not given twice: Ollama draws "chatcmpl-" and a number below 999
_MOST_TRACES = 1000  # that are not sampled, likewise


class Labels:
    """Who pays, as far as it may go onto metrics: keys that were named, and of each no more values than the cap."""

    def __init__(self, keys: tuple[str, ...], most: int) -> None:
        self._keys: tuple[tuple[str, str, set[str]], ...] = tuple((key, payer(key), set()) for key in keys)
        self.most = most

    def allows(self, key: str) -> bool:
        """Whether the values of a key may be on metrics; models and providers are there anyway."""
        return key in ("model", "provider") or any(key == each for each, _, _ in self._keys)

    def of(self, payers: Mapping[str, str]) -> dict[str, str]:
        """The metric attributes of these payers; a value past the cap counts as `other`."""
        labels: dict[str, str] = {}
        for key, attribute, seen in self._keys if payers else ():
            value = payers.get(key)
            if value is not None:
                if value not in seen:
                    if len(seen) >= self.most:
                        value = OTHER
                    else:
                        seen.add(value)
                labels[attribute] = value
        return labels


class Spending:
    """Who pays and which limits hold, for the calls of one recorder."""

    def __init__(self, meter: Meter, logger: Logger | None, settings: Settings, metrics: Metrics) -> None:
        self.total = Account()  # of the process, since costspan is on
        self.bills = Bills()
        self.labels = Labels(settings.metric_attributes, settings.metric_cardinality)
        self._trusted = settings.baggage
        self._told: OrderedDict[str, ref[Bill]] = OrderedDict()  # by response id
        self._latest: deque[Bill] = deque(maxlen=_MOST_BILLS)  # kept also where the program drops the response
        self._unsampled: OrderedDict[int, Account] = OrderedDict()  # by trace id
        self._quotas: tuple[Quota, ...] = ()
        self._meter, self._logger, self._metrics = meter, logger, metrics
        in_children(self._start_anew)
        if settings.budgets:
            with _QUOTAS:
                from costspan.limits import read_quotas  # noqa: PLC0415 only who sets limits

                self._quotas = read_quotas(settings.budgets)
            _ = self._signals  # the gauges show a limit before anything is spent

    def _start_anew(self) -> None:
        """A forked child has spent nothing."""
        self.total = Account()
        self._unsampled.clear()

    @functools.cached_property
    def _signals(self) -> BudgetSignals:
        """What tells of budgets; made by the first one."""
        from costspan.telemetry.budget_signals import BudgetSignals  # noqa: PLC0415 only who has budgets

        return BudgetSignals(self._meter, self._logger, self._quotas, self.labels, self._metrics)

    def begin(self, call: Call, context: Context) -> None:
        """Note where a call begins, and who pays: what the program says, then the SDK's arguments, then baggage."""
        scope = scope_in(context)
        payers = scope.payers
        own = call.request.attribution
        if self._trusted:
            from costspan.attributing import from_baggage  # noqa: PLC0415 only where baggage is trusted

            own = {**from_baggage(context, self._trusted), **own}
        if own:
            payers = {**own, **payers}
        call.request.attribution = payers
        call.scope = scope

    def was_told(self, response: str) -> bool:
        """Whether the call that gave this response was told before, by another layer."""
        return len(response) >= _LEAST_ID and response in self._told

    def bill_of(self, response: str) -> Bill | None:
        """The bill of the call that gave the response of this id, while that is held, or one of the latest."""
        bill = self._told.get(response)
        return bill() if bill is not None else None

    def refusal(self, call: Call, price: Callable[[Call], Price | None]) -> BudgetExceededError | None:
        """What the program gets instead of the call, or of the rest of its stream; None: go on."""
        if call.scope is None:
            self.begin(call, otel.get_current())
        account = call.scope.account
        budgets = account.budgets if account is not None else ()
        if not budgets and not self._quotas:
            return None
        refused = None
        if call.chunks:
            running = _running(call, price)
            refused = _first(each.refuses(running, _named(call)) for each in budgets if each.streams)
        else:
            for each in budgets:
                call.metered = call.metered or each.streams
                if each.in_doubt and refused is None:
                    refused = each.refuses(_NOTHING, _named(call))
            if self._quotas and refused is None:
                refused = self._over_quota(call)
        if refused is not None:
            self._signals.refused(refused, call)
        return refused

    def _over_quota(self, call: Call) -> BudgetExceededError | None:
        payers, text = _known(call), _named(call)
        return _first(
            quota.refuses(who, _NOTHING, text) for quota in self._quotas if (who := quota.who(payers)) is not None
        )

    def finished(self, call: Call, price: Price | None) -> None:
        """Add what a finished call spent to every sum and limit that it falls under, and fill in its bill."""
        reply, bill = call.reply, call.bill
        bill.provider, bill.model = call.request.provider, reply.model or call.request.model
        usage = total_usage(reply)
        bill.usage, bill.price = None if reply.usage is None else usage, price
        if reply.id:
            self._told[reply.id] = ref(bill)
            self._latest.append(bill)
            if len(self._told) > _MOST_IDS:
                self._told.popitem(last=False)
        tokens = usage.total_input + usage.total_output
        femto = 0 if price is None else price.total_femto
        self.total.add(femto, tokens)
        if type(call.span) is NonRecordingSpan:
            self._add_unsampled(call.span, femto, tokens)
        account: Account | None = call.scope.account if call.scope is not None else None
        if account is not None:
            account.add(femto, tokens)
            for budget in account.budgets:
                if budget.crossed():
                    self._signals.crossed(budget.limit, budget.spent, {}, 1.0)
            if (late := account.late_for) is not None:
                self._signals.late(late, femto, tokens)
        if self._quotas:
            self._count(call, Spend(femto or 0, tokens, 1, int(femto is None)))

    def _add_unsampled(self, span: Span, femto: int | None, tokens: int) -> None:
        """No processor hears of spans that are not sampled: a request among them has no sum but its trace's."""
        traces = self._unsampled
        traces.setdefault(span.get_span_context().trace_id, Account()).add(femto, tokens)
        if len(traces) > _MOST_TRACES:
            traces.popitem(last=False)

    def around(self, span: Span) -> Spend:
        """What was spent where no scope is, and this span is the current one."""
        if type(span) is NonRecordingSpan and (trace := span.get_span_context().trace_id):
            account = self._unsampled.get(trace)
            return account.spent if account is not None else _NOTHING
        return self.total.spent

    def _count(self, call: Call, spend: Spend) -> None:
        payers = _known(call)
        for quota in self._quotas:
            who = quota.who(payers)
            if who is None:
                continue
            for threshold in quota.add(who, spend):
                self._signals.crossed(quota.limit, quota.spent(who), dict(who), threshold)


def _named(call: Call) -> str:
    return f"{call.request.operation} {call.request.model}".rstrip()


def _known(call: Call) -> Mapping[str, str]:
    """All that a limit may be for: who pays, the provider and the model."""
    request = call.request
    return {**request.attribution, "provider": request.provider, "model": request.model or call.reply.model}


def _running(call: Call, price: Callable[[Call], Price | None]) -> Spend:
    """What a stream has spent by now, by the length of its texts."""
    from costspan.tokens.missing import estimate_missing  # noqa: PLC0415 only for budgets on streams

    shadow = Call(call.request, call._observer)
    shadow.reply.text, shadow.reply.model = call.reply.text, call.reply.model
    estimate_missing(shadow)
    priced = price(shadow)
    usage = shadow.reply.usage
    tokens = usage.total_input + usage.total_output if usage is not None else 0
    return Spend((priced.total_femto or 0) if priced is not None else 0, tokens, 1)


def _first(refusals: Iterable[BudgetExceededError | None]) -> BudgetExceededError | None:
    return next((each for each in refusals if each is not None), None)


def account_attributes(account: Account) -> dict[str, Any]:
    """What a span shows of the calls below it: who pays as far as all agree, and their sum, as far as it is known."""
    spend = account.spent
    attributes: dict[str, Any] = {payer(key): value for key, value in account.noted.items() if value is not None}
    attributes |= {names.ROLLUP_CALLS: spend.calls, names.ROLLUP_TOKENS: spend.tokens}
    if spend.unpriced < spend.calls or not spend.calls:
        attributes[names.ROLLUP_COST] = float(spend)
    if spend.unpriced:
        attributes[names.ROLLUP_UNPRICED] = spend.unpriced
    return attributes

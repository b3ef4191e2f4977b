"""What could be saved, and how sure that is: each line with its amount, its basis and the calls behind it."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from costspan.ledger.money import usd_of_pico
from costspan.ledger.question import Filter, Question
from costspan.ledger.record import PLAIN
from costspan.pricing.lookup import own_pricer
from costspan.reports.attempts import LOOKED_AT, repeated_prompts, tried_again
from costspan.reports.usage import UsageRow, read_usage, text
from costspan.usage import STANDARD, Terms, Usage

if TYPE_CHECKING:
    from collections.abc import Iterator

    from costspan.ledger.book import Book
    from costspan.ledger.listing import ListedCall
    from costspan.reports.attempts import TriedAgain

_LEAST = Decimal("0.01")  # USD: what is below is not worth a line
_CACHEABLE = 1024  # input tokens of a call from which OpenAI, Anthropic and Google cache (their documentation, 2026-11)
_LOW_SHARE = 0.2  # of the input read from the cache, below which there may be more in it
_REPEATED = Decimal("0.5")  # of such input that is taken to be the same from call to call
_LONG = 200_000  # input tokens above which Gemini and Claude charge more for the whole request
_DEAREST = 1000  # calls
_FEW = 20  # calls below which there is no habit
EXACT, LIKELY, AT_MOST = "exact", "likely", "at most"


@dataclass(frozen=True)
class Advice:
    """One thing to do. `usd` is what it would have saved in the period."""

    kind: str
    usd: Decimal
    sure: str  # exact, likely, at most
    basis: str  # how the amount was found
    calls: int
    where: dict[str, str]  # the filters that show these calls

    def as_dict(self) -> dict[str, Any]:
        """For JSON."""
        return {**vars(self), "usd": text(self.usd)}


def advise(book: Book, question: Question, what_if: str = "") -> list[Advice]:
    """Advice on the question's period and calls, the largest amount first; `what_if` names another model to compare."""
    rows = read_usage(book, replace(question, by=("provider", "model"))).rows
    latest = book.list_calls(question, "latest", LOOKED_AT)
    lines = [
        *_errors(book, question, tried_again(latest)),
        *_repeated_prompts(latest),
        *_no_limits(latest),
        *_unread_caches(rows),
        *_missed_caches(rows),
        *_other_models(rows, what_if),
        *_batches(book, question),
        *_long_contexts(book, question),
    ]
    return sorted((line for line in lines if line.usd >= _LEAST), key=lambda line: -line.usd)


def _where(row: UsageRow, *names: str) -> dict[str, str]:
    return {name: row.keys[name] for name in names}


def _errors(book: Book, question: Question, again: list[TriedAgain]) -> Iterator[Advice]:
    failed = replace(question, by=("error",), where=(*question.where, Filter("error", ("",), negative=True)))
    for row in read_usage(book, failed).rows:
        calls = sum(each.calls for each in again if each.error == row.keys["error"])
        usd = sum((each.again_cost for each in again if each.error == row.keys["error"]), Decimal(0))
        retries = f"; of the latest {LOOKED_AT:,} calls {calls:,} tried one again, for {text(usd)} USD" if calls else ""
        basis = f"what these failed calls were billed{retries}"
        yield Advice("errors that cost", row.cost, EXACT, basis, row.calls, _where(row, "error"))


def _unread_caches(rows: list[UsageRow]) -> Iterator[Advice]:
    for row in rows:
        if not row.sums.input or not row.sums.cache_write:
            continue
        rate = row.costs["input"] / row.sums.input
        premium = row.costs["cache_write"] - rate * row.sums.cache_write
        saved = rate * row.sums.cache_read - row.costs["cache_read"]
        if premium > saved:
            basis = "cache writes cost more than reads of them saved: write less, or keep prompts the same for longer"
            yield Advice(
                "caches written, not read", premium - saved, EXACT, basis, row.calls, _where(row, "provider", "model")
            )


def _repeated_prompts(latest: list[ListedCall]) -> Iterator[Advice]:
    for (provider, model), calls in repeated_prompts(latest).items():
        usd = usd_of_pico(sum(call.cost or 0 for call in calls))
        basis = (
            f"of the latest {LOOKED_AT:,} calls, those that sent a prompt again: what a cache of answers would spare"
        )
        yield Advice("repeated prompts", usd, AT_MOST, basis, len(calls), {"provider": provider, "model": model})


def _no_limits(latest: list[ListedCall]) -> Iterator[Advice]:
    """Models whose calls never set a limit on their output: what the longest tenth wrote beyond all others."""
    models: dict[tuple[str, str], list[ListedCall]] = defaultdict(list)
    for call in latest:
        if _written(call):
            models[call.dims["provider"], call.dims["model"]].append(call)
    for (provider, model), calls in models.items():
        if len(calls) < _FEW or any("max_tokens" in call.extra for call in calls):
            continue
        limit = sorted(map(_written, calls))[len(calls) * 9 // 10]
        beyond = [call for call in calls if _written(call) > limit]
        pico = sum(call.costs["output"] * (_written(call) - limit) // _written(call) for call in beyond)
        basis = (
            f"no call sets one; nine in ten answers have {limit:,} tokens or less, and this is what others had beyond"
        )
        yield Advice(
            "output limits", usd_of_pico(pico), AT_MOST, basis, len(beyond), {"provider": provider, "model": model}
        )


def _written(call: ListedCall) -> int:
    return call.tokens["output"] + call.tokens["reasoning"]


def _missed_caches(rows: list[UsageRow]) -> Iterator[Advice]:
    for row in rows:
        fresh, read = row.sums.input, row.sums.cache_read
        if not fresh or row.input_tokens < _CACHEABLE * row.calls or read >= _LOW_SHARE * row.input_tokens:
            continue
        price = _price(row, Usage(cache_read=fresh))
        if price is not None and price < row.costs["input"]:
            usd = (row.costs["input"] - price) * _REPEATED
            share, average = read / row.input_tokens, row.input_tokens // row.calls
            basis = f"{average:,} input tokens a call, {share:.0%} from the cache; if half of the rest repeats"
            yield Advice("prompt caching", usd, LIKELY, basis, row.calls, _where(row, "provider", "model"))


def _other_models(rows: list[UsageRow], what_if: str) -> Iterator[Advice]:
    """The same tokens on a cheaper model that is in use here already, of the same provider, or on the one named."""
    for row in rows:
        others = [other.keys["model"] for other in rows if other.keys["provider"] == row.keys["provider"]]
        prices, cost = {}, _tokens_cost(row)
        for model in {what_if} if what_if else set(others):
            price = _price(row, usage_of(row), model)
            if model != row.keys["model"] and price is not None and price < cost and _answers(model, what_if):
                prices[model] = price
        if prices and row.output_tokens:
            best = min(prices, key=prices.__getitem__)
            basis = f"the same tokens on {best}; whether its answers do is yours to judge"
            where = _where(row, "provider", "model")
            yield Advice("another model", cost - prices[best], AT_MOST, basis, row.calls, where)


def _answers(model: str, what_if: str) -> bool:
    """Whether a model could stand in for others: embeddings say nothing, a fine-tuned one knows its own task."""
    return model == what_if or not ("embed" in model or model.startswith("ft:"))


def _batches(book: Book, question: Question) -> Iterator[Advice]:
    """Work that nobody waits for: embeddings, and calls that no user is named for."""
    embeddings, names = Filter("operation", ("embeddings",)), ("provider", "model", "operation")
    nobody = replace(embeddings, negative=True), Filter("user", ("",))
    for filters, user in (((embeddings,), {}), (nobody, {"user": ""})):
        for row in read_usage(book, replace(question, by=names, where=(*question.where, *filters))).rows:
            price, cost = _price(row, usage_of(row), terms=Terms(batch=True)), _tokens_cost(row)
            if price and price < min(cost, _price(row, usage_of(row)) or cost):  # 0: it has no tokens
                basis = "the price of the provider's batch interface; if these calls can wait for hours"
                yield Advice("batches", cost - price, AT_MOST, basis, row.calls, _where(row, *names) | user)


def _long_contexts(book: Book, question: Question) -> Iterator[Advice]:
    """Calls past a price tier, by model: against the same tokens in shorter calls."""
    sums: dict[tuple[str, str], tuple[int, Decimal]] = {}
    for call in book.list_calls(question, "dearest", _DEAREST):
        tokens = {bucket: count for bucket, count in call.tokens.items() if count}
        total = sum(tokens.get(bucket, 0) for bucket in ("input", "cache_read", "cache_write"))
        if total <= _LONG:
            continue
        parts = total // _LONG + 1
        key = call.dims["provider"], call.dims["model"]
        whole, split = (
            own_pricer().price(Usage.of(usage), provider=key[0], model=key[1], at=call.start).total
            for usage in (tokens, {bucket: count // parts or 1 for bucket, count in tokens.items()})
        )
        if whole is not None and split is not None and split * parts < whole:
            calls, usd = sums.get(key, (0, Decimal(0)))
            sums[key] = calls + 1, usd + whole - split * parts
    for (provider, model), (calls, usd) in sums.items():
        basis = f"inputs above {_LONG:,} tokens, where the price rises; the same tokens in shorter calls"
        yield Advice("long contexts", usd, AT_MOST, basis, calls, {"provider": provider, "model": model})


def usage_of(row: UsageRow) -> Usage:
    """All that a row's calls used, of the five buckets."""
    return Usage(**{name: getattr(row.sums, name) for name in PLAIN})


def _tokens_cost(row: UsageRow) -> Decimal:
    """USD without the fees of tools, which stay the same; of all, where nobody said what it was for."""
    return row.cost - row.costs["other"] or row.cost


def _price(row: UsageRow, usage: Usage, model: str = "", terms: Terms = STANDARD) -> Decimal | None:
    """USD of a sum of calls, at the price of a short call: tiers are by call, and a sum is none."""
    total = Decimal(0)
    for bucket, count in usage:
        unit = own_pricer().price(
            Usage.of({bucket: 1000}), provider=row.keys["provider"], model=model or row.keys["model"], terms=terms
        )
        if unit.total is None:
            return None
        total += unit.total * count / 1000
    return total

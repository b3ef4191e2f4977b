"""Spend in the FinOps Open Cost and Usage Specification (FOCUS) 1.2: an estimate from usage, not an invoice.

A row is a day, provider, model, kind of tokens and team. What FOCUS has no column for begins with `x_`.

Source: FOCUS 1.2, `specification/columns`, and its rules as data (1.2.0.1, in the PyPI package focus-validator 2.2.1),
read 2026-11-22. Our tests check columns, types, values and nulls; that validator needs Python 3.12 and is run by hand:

    focus-validator --data-file focus.csv --validate-version 1.2 --focus-dataset CostAndUsage --block-download

It fails one rule of 578 (136 pass, 441 do not apply): InvoiceId-C-005-C wants an invoice's number, where there is no
invoice. A charge that has no price, or is of units that cannot be added up, has no quantity and no unit price here.
"""

from __future__ import annotations

import json
from calendar import monthrange
from datetime import date, timedelta
from decimal import Context, Decimal
from itertools import accumulate
from typing import TYPE_CHECKING, Any, NamedTuple

from costspan.ledger.money import usd_of_pico
from costspan.ledger.question import Question
from costspan.ledger.reader import Answer
from costspan.ledger.record import Measures
from costspan.reports.usage import text

if TYPE_CHECKING:
    from collections.abc import Iterator

    from costspan.ledger.book import Book

_FINE = Context(prec=20)
_BY = ("day", "provider", "model", "service", "environment", "team", "status", "source", "error")
_NAMES = {  # the conventions' names of providers, as their invoices are headed
    "openai": "OpenAI",
    "anthropic": "Anthropic",
    "gcp.gemini": "Google",
    "gcp.vertex_ai": "Google Cloud",
    "aws.bedrock": "AWS",
    "azure.ai.openai": "Microsoft",
    "azure.ai.inference": "Microsoft",
    "mistral_ai": "Mistral AI",
    "cohere": "Cohere",
    "groq": "Groq",
    "deepseek": "DeepSeek",
    "x_ai": "xAI",
    "perplexity": "Perplexity",
    "ibm.watsonx.ai": "IBM",
}


class _Kind(NamedTuple):
    """A kind of usage that is charged for."""

    name: str
    quantity: int | None  # tokens; None: units of several kinds, which cannot be added up
    cost: int  # pico-dollars
    discount: int = 0  # its part of the user's, pico-dollars


def focus_rows(book: Book, question: Question) -> Iterator[dict[str, Any]]:
    """The rows of the question's period and filters, by day (UTC)."""
    daily = Question(question.since, question.until, _BY, question.where)
    for answer in sorted(book.ask(daily), key=lambda each: tuple(each.keys.values())):
        for kind in _kinds(answer):
            yield _row(answer, kind)


def focus_row_of_nothing() -> dict[str, Any]:
    """A row with all columns, of no call."""
    keys = dict.fromkeys(_BY, "") | {"day": date.min.isoformat()}
    return _row(Answer(keys, Measures(), 0, 0, 0, 0), _Kind("input", 0, 0))


def _kinds(answer: Answer) -> Iterator[_Kind]:
    """What was charged for. The discount is known of the whole: divided by cost, or by tokens where all was free."""
    sums = answer.sums
    other = sums.cost - sums.cost_input - sums.cost_cache_read - sums.cost_cache_write - sums.cost_output
    kinds = (
        _Kind("input", sums.input, sums.cost_input),
        _Kind("cache_read", sums.cache_read, sums.cost_cache_read),
        _Kind("cache_write", sums.cache_write, sums.cost_cache_write),
        _Kind("output", sums.output + sums.reasoning, sums.cost_output),
        _Kind("other", None, other),
    )
    charged = [kind for kind in kinds if kind.cost or kind.quantity]
    ends = [0, *accumulate(kind.cost if sums.cost else kind.quantity or 0 for kind in charged)]
    shares = [sums.discount * end // (ends[-1] or 1) for end in ends]
    for kind, before, after in zip(charged, shares, shares[1:], strict=False):
        yield kind._replace(discount=after - before)


def _row(answer: Answer, kind: _Kind) -> dict[str, Any]:
    keys = answer.keys
    day = date.fromisoformat(keys["day"])
    month = day.replace(day=1)
    provider = _NAMES.get(keys["provider"], keys["provider"]) or "unknown"
    model = keys["model"] or "unknown"
    known = keys["status"] != "unpriced"
    cost = _decimal(usd_of_pico(kind.cost))
    list_cost = _decimal(usd_of_pico(kind.cost + kind.discount))
    quantity = _decimal(Decimal(kind.quantity)) if known and kind.quantity is not None else ""
    label = kind.name.replace("_", " ")
    return {
        "BilledCost": cost,
        "BillingAccountId": provider,
        "BillingAccountName": "",
        "BillingCurrency": "USD",
        "BillingPeriodStart": _start(month),
        "BillingPeriodEnd": _start(month + timedelta(days=monthrange(day.year, day.month)[1])),
        "ChargeCategory": "Usage",
        "ChargeClass": "",
        "ChargeDescription": f"{model} {label}{' tokens' if kind.quantity is not None else ''} (estimate from usage)",
        "ChargeFrequency": "Usage-Based",
        "ChargePeriodStart": _start(day),
        "ChargePeriodEnd": _start(day + timedelta(days=1)),
        "ConsumedQuantity": quantity,
        "ConsumedUnit": "Tokens" if quantity else "",
        "ContractedCost": cost,
        "ContractedUnitPrice": _unit_price(kind.cost, kind.quantity) if quantity else "",
        "EffectiveCost": cost,
        "InvoiceId": "",
        "InvoiceIssuerName": provider,
        "ListCost": list_cost,
        "PricingCategory": "Standard" if quantity else "",
        "PricingCurrency": "USD",
        "PricingQuantity": quantity,
        "PricingUnit": "Tokens" if quantity else "",
        "ProviderName": provider,
        "PublisherName": provider,
        "ResourceId": model,
        "ResourceName": model,
        "ResourceType": "Model",
        "ServiceCategory": "AI and Machine Learning",
        "ServiceName": f"{provider} API",
        "ServiceSubcategory": "Generative AI",
        "SkuId": f"{model}/{kind.name}",
        "SkuMeter": f"{label.capitalize()} Tokens" if kind.quantity is not None else "Other Units",
        "SkuPriceId": f"{keys['provider']}/{model}/{kind.name}" if quantity else "",
        "SubAccountId": keys["team"],
        "SubAccountName": keys["team"],
        "SubAccountType": "team" if keys["team"] else "",
        "Tags": json.dumps({name: keys[name] for name in ("service", "environment", "team") if keys[name]}),
        "x_Calls": answer.sums.calls,
        "x_TokenType": kind.name,
        "x_Tokens": "" if kind.quantity is None else kind.quantity,
        "x_TokenSource": keys["source"],
        "x_PriceStatus": keys["status"],
        "x_ErrorType": keys["error"],
    }


def _unit_price(cost: int, quantity: int | None) -> str:
    """USD for a token, as the day's average; so fine that times the quantity it is the cost, as FOCUS wants it."""
    return _decimal(_FINE.divide(usd_of_pico(cost), quantity)) if quantity else ""


def _decimal(number: Decimal) -> str:
    """With a decimal point, by which whoever reads a CSV knows that the column is of decimals."""
    said = text(number)
    return said if "." in said else f"{said}.0"


def _start(day: date) -> str:
    return f"{day.isoformat()}T00:00:00Z"

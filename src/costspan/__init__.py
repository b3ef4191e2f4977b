"""The price of every LLM call, on its OpenTelemetry span."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from costspan.attributing import attribution
    from costspan.bill import Bill
    from costspan.budgets import BudgetExceededError, budget
    from costspan.calculator import completion_cost, cost_per_token, get_max_tokens, price
    from costspan.costs import cost_of, current_cost, last_call
    from costspan.instrumentors import instrument, uninstrument
    from costspan.middleware import AsgiAttribution, WsgiAttribution
    from costspan.observing import observe
    from costspan.outlook import estimate
    from costspan.pricing.document import PriceListError
    from costspan.pricing.lookup import UnknownModelError
    from costspan.pricing.model_map import model_cost, model_list, register_model
    from costspan.recording import record_call
    from costspan.reports.export import export_token_usage
    from costspan.reports.usage import get_token_usage
    from costspan.rollup import Spend
    from costspan.tokens.count import TokenCount
    from costspan.tokens.custom import create_pretrained_tokenizer, create_tokenizer
    from costspan.tokens.functions import async_token_counter, decode, encode, estimate_tokens, token_counter
    from costspan.usage import Usage

    # settings of counting that a program may assign
    disable_token_counter: bool
    async_tokenizer_threshold_bytes: int
    tokenizer_threadpool_max_workers: int
    tokenizer_timeout_seconds: float

__version__ = "0.1.0"
__all__ = [
    "AsgiAttribution",
    "Bill",
    "BudgetExceededError",
    "PriceListError",
    "Spend",
    "TokenCount",
    "UnknownModelError",
    "Usage",
    "WsgiAttribution",
    "async_token_counter",
    "async_tokenizer_threshold_bytes",
    "attribution",
    "budget",
    "completion_cost",
    "cost_of",
    "cost_per_token",
    "create_pretrained_tokenizer",
    "create_tokenizer",
    "current_cost",
    "decode",
    "disable_token_counter",
    "encode",
    "estimate",
    "estimate_tokens",
    "export_token_usage",
    "get_max_tokens",
    "get_token_usage",
    "instrument",
    "last_call",
    "model_cost",
    "model_list",
    "observe",
    "price",
    "record_call",
    "register_model",
    "token_counter",
    "tokenizer_threadpool_max_workers",
    "tokenizer_timeout_seconds",
    "uninstrument",
]

_HOMES = {  # loaded on first use: nothing is imported at start-up that the first call does not need
    name: f"costspan.{home}"
    for home, names in {
        "attributing": ("attribution",),
        "bill": ("Bill",),
        "budgets": ("budget", "BudgetExceededError"),
        "calculator": ("completion_cost", "cost_per_token", "get_max_tokens", "price"),
        "costs": ("cost_of", "current_cost", "last_call"),
        "instrumentors": ("instrument", "uninstrument"),
        "middleware": ("AsgiAttribution", "WsgiAttribution"),
        "observing": ("observe",),
        "outlook": ("estimate",),
        "pricing.document": ("PriceListError",),
        "pricing.lookup": ("UnknownModelError",),
        "pricing.model_map": ("model_cost", "model_list", "register_model"),
        "recording": ("record_call",),
        "reports.export": ("export_token_usage",),
        "reports.usage": ("get_token_usage",),
        "rollup": ("Spend",),
        "tokens.count": ("TokenCount",),
        "tokens.custom": ("create_pretrained_tokenizer", "create_tokenizer"),
        "tokens.functions": ("async_token_counter", "decode", "encode", "estimate_tokens", "token_counter"),
        "tokens.switches": (
            "async_tokenizer_threshold_bytes",
            "disable_token_counter",
            "tokenizer_threadpool_max_workers",
            "tokenizer_timeout_seconds",
        ),
        "usage": ("Usage",),
    }.items()
    for name in names
}


if not TYPE_CHECKING:  # else every misspelt name would be right to a type checker

    def __getattr__(name: str) -> Any:
        if name not in _HOMES:
            raise AttributeError(f"module 'costspan' has no attribute {name!r}")
        value = getattr(import_module(_HOMES[name]), name)
        globals()[name] = value
        return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})

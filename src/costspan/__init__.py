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
    "Bill": "costspan.bill",
    "AsgiAttribution": "costspan.middleware",
    "BudgetExceededError": "costspan.budgets",
    "WsgiAttribution": "costspan.middleware",
    "PriceListError": "costspan.pricing.document",
    "Spend": "costspan.rollup",
    "TokenCount": "costspan.tokens.count",
    "UnknownModelError": "costspan.pricing.lookup",
    "Usage": "costspan.usage",
    "async_token_counter": "costspan.tokens.functions",
    "async_tokenizer_threshold_bytes": "costspan.tokens.switches",
    "attribution": "costspan.attributing",
    "budget": "costspan.budgets",
    "completion_cost": "costspan.calculator",
    "cost_of": "costspan.costs",
    "cost_per_token": "costspan.calculator",
    "create_pretrained_tokenizer": "costspan.tokens.custom",
    "create_tokenizer": "costspan.tokens.custom",
    "current_cost": "costspan.costs",
    "decode": "costspan.tokens.functions",
    "disable_token_counter": "costspan.tokens.switches",
    "encode": "costspan.tokens.functions",
    "estimate": "costspan.outlook",
    "export_token_usage": "costspan.reports.export",
    "get_token_usage": "costspan.reports.usage",
    "estimate_tokens": "costspan.tokens.functions",
    "get_max_tokens": "costspan.calculator",
    "instrument": "costspan.instrumentors",
    "last_call": "costspan.costs",
    "model_cost": "costspan.pricing.model_map",
    "model_list": "costspan.pricing.model_map",
    "observe": "costspan.observing",
    "price": "costspan.calculator",
    "record_call": "costspan.recording",
    "register_model": "costspan.pricing.model_map",
    "token_counter": "costspan.tokens.functions",
    "tokenizer_threadpool_max_workers": "costspan.tokens.switches",
    "tokenizer_timeout_seconds": "costspan.tokens.switches",
    "uninstrument": "costspan.instrumentors",
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

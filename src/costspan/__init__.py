"""The price of every LLM call, on its OpenTelemetry span."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from costspan.instrumentors import instrument, uninstrument
    from costspan.outlook import estimate
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
    "TokenCount",
    "Usage",
    "async_token_counter",
    "async_tokenizer_threshold_bytes",
    "create_pretrained_tokenizer",
    "create_tokenizer",
    "decode",
    "disable_token_counter",
    "encode",
    "estimate",
    "estimate_tokens",
    "instrument",
    "token_counter",
    "tokenizer_threadpool_max_workers",
    "tokenizer_timeout_seconds",
    "uninstrument",
]

_HOMES = {  # loaded on first use: nothing is imported at start-up that the first call does not need
    "Usage": "costspan.usage",
    "instrument": "costspan.instrumentors",
    "uninstrument": "costspan.instrumentors",
    "TokenCount": "costspan.tokens.count",
    "async_token_counter": "costspan.tokens.functions",
    "async_tokenizer_threshold_bytes": "costspan.tokens.switches",
    "create_pretrained_tokenizer": "costspan.tokens.custom",
    "create_tokenizer": "costspan.tokens.custom",
    "decode": "costspan.tokens.functions",
    "disable_token_counter": "costspan.tokens.switches",
    "encode": "costspan.tokens.functions",
    "estimate": "costspan.outlook",
    "estimate_tokens": "costspan.tokens.functions",
    "token_counter": "costspan.tokens.functions",
    "tokenizer_threadpool_max_workers": "costspan.tokens.switches",
    "tokenizer_timeout_seconds": "costspan.tokens.switches",
}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        msg = f"module 'costspan' has no attribute {name!r}"
        raise AttributeError(msg)
    value = getattr(import_module(_HOMES[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})

"""Perplexity's SDK: every answer says what it costs. Source: perplexityai 0.46 as installed, read 2026-11-22."""

from __future__ import annotations

from dataclasses import replace

from costspan.adapters import _openai_hooks as hooks
from costspan.adapters import openai
from costspan.adapters._adapter import Adapter, Operation, Route, some
from costspan.adapters._stainless import stainless
from costspan.adapters._usage import UsageMap

CHAT = replace(openai.CHAT, asks_usage=False)  # every chunk has usage; its cost is 0 until the last
LATER = Operation(  # made now, fetched when it is done
    "chat",
    usage=UsageMap(
        roots=("response.usage",),
        total_input="prompt_tokens",
        total_output="completion_tokens",
        total="total_tokens",
        reasoning="reasoning_tokens",
        citation="citation_tokens",
        web_searches="num_search_queries",
        cost="cost.total_cost",
    ),
    model="response.model|model",
    lookup=True,
    hook=hooks.bill_once,
)
SEARCH = Operation("search", hook=hooks.count_search)

ADAPTER = Adapter(
    provider="perplexity",
    package="perplexityai >= 0.10",
    seats=stainless("perplexity"),
    routes=(
        Route("POST", "chat/completions", CHAT),
        Route("POST", "async/chat/completions", LATER),
        Route("GET", "async/chat/completions/{id}", LATER),
        Route("POST", "contextualizedembeddings", openai.EMBEDDINGS),
        Route("POST", "search", SEARCH),
        *some(openai.ROUTES, "responses", "responses/{id}", "embeddings", "decisions", "batches/{id}"),
    ),
)

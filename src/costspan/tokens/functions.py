"""The public functions for tokens, with the names and arguments that LiteLLM's and Regolo's users know."""

from __future__ import annotations

import asyncio
import time
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from costspan.call import UsageSource
from costspan.tokens.count import TokenCount
from costspan.tokens.counting import Question, ask
from costspan.tokens.custom import as_tokenizer
from costspan.tokens.sharing import Effort
from costspan.tokens.switches import switch
from costspan.tokens.tokenizers import ENCODINGS, encoding_of, tokenizer_of
from costspan.tokens.workers import Workers

if TYPE_CHECKING:
    from collections.abc import Sequence

    from costspan.tokens.tokenizers import Tokenizer


def encode(model: str = "", text: str = "", custom_tokenizer: Any = None) -> list[int]:
    """Token ids of `text` by the model's tokenizer; by o200k_base for a model whose own is not public.

    Raises:
        ValueError: `custom_tokenizer`, or one of COSTSPAN_TOKENIZERS, cannot encode; the message has the cure.
    """
    return _tokenizer(model, custom_tokenizer).encode(_text(text))


def decode(model: str = "", tokens: Sequence[int] = (), custom_tokenizer: Any = None) -> str:
    """The text of token ids, by the tokenizer that `encode` uses for the model.

    Raises:
        KeyError: A token that its vocabulary does not have.
        ValueError: As `encode`.
    """
    return _tokenizer(model, custom_tokenizer).decode(tokens)


def token_counter(
    model: str = "",
    *,
    text: Any = None,
    messages: Any = None,
    tools: Any = None,
    tool_choice: Any = None,
    custom_tokenizer: Any = None,
) -> TokenCount:
    """Tokens of a text, or of messages with their framing and tools as the provider bills them.

    The number says how it was found: `.source` is `tokenizer`, or `heuristic` with a relative `.error`. Any input
    counts: bytes, lone surrogates, malformed messages; None and "" are 0 tokens.

    Raises:
        ValueError: Both text and messages are given; or as `encode`.
    """
    if type(text) is str and messages is None and custom_tokenizer is None and not switch("disable_token_counter"):
        return tokenizer_of(model).count(text)
    question = _question(model, text, messages, (tools, tool_choice), custom_tokenizer)
    return question.estimate() if switch("disable_token_counter") else question.count()


async def async_token_counter(
    model: str = "",
    *,
    text: Any = None,
    messages: Any = None,
    tools: Any = None,
    tool_choice: Any = None,
    custom_tokenizer: Any = None,
) -> TokenCount:
    """As `token_counter`, without holding up the event loop: what is not small is counted on a pool of threads.

    Where all threads are busy it waits its turn; after `tokenizer_timeout_seconds` it gives an estimate, marked as one.
    """
    question = _question(model, text, messages, (tools, tool_choice), custom_tokenizer)
    if switch("disable_token_counter"):
        return question.estimate()
    if question.size < switch("async_tokenizer_threshold_bytes") and _is_ready(question):
        return question.count()
    return await _counted_elsewhere(question, switch("tokenizer_timeout_seconds"))


async def _counted_elsewhere(question: Question, seconds: float) -> TokenCount:
    loop = asyncio.get_running_loop()
    answer: asyncio.Future[TokenCount] = loop.create_future()
    workers = _workers(switch("tokenizer_threadpool_max_workers"))
    effort = Effort(time.monotonic() + seconds, workers)

    def give(count: TokenCount) -> None:
        if not answer.done():
            answer.set_result(count)

    def job() -> None:
        if not answer.done():
            count = question.count(effort)
            if not loop.is_closed():
                loop.call_soon_threadsafe(give, count)

    workers.run(job)
    await asyncio.wait((answer,), timeout=seconds)
    if answer.done():
        return answer.result()
    answer.cancel()
    return question.estimate()


@lru_cache(maxsize=4)
def _workers(most: int) -> Workers:
    return Workers(most, "costspan-count")


def estimate_tokens(messages: Any = None, *, text: Any = None, model: str = "") -> TokenCount:
    """Tokens that messages or a text will take, before it is known which model gets them; marked as an estimate."""
    count = token_counter(model, text=text, messages=messages)
    return count if model else TokenCount(count, UsageSource.HEURISTIC, max(count.error, 0.1))


def _question(model: str, text: Any, messages: Any, tools: tuple[Any, Any], custom: Any) -> Question:
    if text is not None and messages is not None:
        msg = "give text or messages, not both"
        raise ValueError(msg)
    own = None if custom is None else as_tokenizer(custom)
    if text is not None:
        return ask({"prompt": text}, model, "text_completion", own)
    declared, choice = tools
    body = {"messages": messages, "tools": declared, "tool_choice": choice}
    return ask({name: value for name, value in body.items() if value is not None}, model, "chat", own)


def _is_ready(question: Question) -> bool:
    """Whether counting starts at once: a first use reads a vocabulary, for half a second."""
    return question.own is not None or ENCODINGS.has(encoding_of(question.model))


def _tokenizer(model: str, custom: Any) -> Tokenizer:
    return tokenizer_of(model) if custom is None else as_tokenizer(custom)


def _text(text: Any) -> str:
    if isinstance(text, (bytes, bytearray)):
        return text.decode("utf-8", "replace")
    return "" if text is None else str(text)

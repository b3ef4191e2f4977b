"""The public functions for tokens, with the names and arguments that LiteLLM's and Regolo's users know."""

from __future__ import annotations

import asyncio
import time
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from costspan.call import UsageSource
from costspan.tokens.count import TokenCount
from costspan.tokens.counting import Question, ask
from costspan.tokens.custom import CustomTokenizer, as_tokenizer
from costspan.tokens.families import family_of
from costspan.tokens.reading import SYSTEM
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


def decode(
    model: str = "", tokens: Sequence[int] = (), custom_tokenizer: Any = None, skip_special_tokens: bool = True
) -> str:
    """The text of token ids, by the tokenizer that `encode` uses for the model; special ones of a custom one left out.

    Raises:
        KeyError: A token that its vocabulary does not have.
        ValueError: As `encode`.
    """
    tokenizer = _tokenizer(model, custom_tokenizer)
    if not skip_special_tokens and isinstance(tokenizer, CustomTokenizer):
        return str(tokenizer.tokenizer.decode(list(tokens), skip_special_tokens=False))
    return tokenizer.decode(tokens)


def token_counter(  # noqa: PLR0913, PLR0917 LiteLLM's arguments, in its order
    model: str = "",
    custom_tokenizer: Any = None,
    text: Any = None,
    messages: Any = None,
    count_response_tokens: bool | None = False,
    tools: Any = None,
    tool_choice: Any = None,
    use_default_image_token_count: bool | None = False,  # noqa: ARG001 no image is fetched
    default_token_count: int | None = None,  # noqa: ARG001 any block counts
) -> TokenCount:
    """Tokens of a text, or of messages with their framing and tools as the provider bills them.

    The number says how it was found: `.source` is `tokenizer`, or `heuristic` with a relative `.error`. Any input
    counts: bytes, lone surrogates, malformed messages; None and "" are 0 tokens. `count_response_tokens`: the messages
    are an answer, with nothing after them. The two last arguments are LiteLLM's, and change nothing: no image is
    fetched, and no block is refused.

    Raises:
        ValueError: Text is given with messages or tools; or as `encode`.
    """
    if type(text) is str and messages is tools is custom_tokenizer is None and not switch("disable_token_counter"):
        return tokenizer_of(model).count(text)
    question = _question(model, text, messages, (tools, tool_choice), custom_tokenizer, answered=count_response_tokens)
    return question.estimate() if switch("disable_token_counter") else question.count()


async def async_token_counter(  # noqa: PLR0913, PLR0917 as above
    model: str = "",
    custom_tokenizer: Any = None,
    text: Any = None,
    messages: Any = None,
    count_response_tokens: bool | None = False,
    tools: Any = None,
    tool_choice: Any = None,
    use_default_image_token_count: bool | None = False,  # noqa: ARG001 no image is fetched
    default_token_count: int | None = None,  # noqa: ARG001 any block counts
) -> TokenCount:
    """As `token_counter`, without holding up the event loop: what is not small is counted on a pool of threads.

    Where all threads are busy it waits its turn; after `tokenizer_timeout_seconds` it gives an estimate, marked as one.
    """
    question = _question(model, text, messages, (tools, tool_choice), custom_tokenizer, answered=count_response_tokens)
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


def _question(
    model: str, text: Any, messages: Any, tools: tuple[Any, Any], custom: Any, *, answered: bool | None
) -> Question:
    """What is to be counted; of messages that are an answer, without what makes a model begin one."""
    declared, choice = tools
    if text is not None and (messages is not None or declared):
        raise ValueError("give text or messages, not both; tools go with messages")
    own = None if custom is None else as_tokenizer(custom)
    if text is not None:
        return ask({"prompt": text}, model, "text_completion", own)
    body = {"messages": messages, "tools": declared, "tool_choice": choice}
    question = ask({name: value for name, value in body.items() if value is not None}, model, "chat", own)
    if answered and (primed := question.prompt.fixed.get(SYSTEM, 0)):
        question.prompt.add(SYSTEM, -min(primed, family_of(model).priming))
    return question


def _is_ready(question: Question) -> bool:
    """Whether counting starts at once: a first use reads a vocabulary, for half a second."""
    return question.own is not None or ENCODINGS.has(encoding_of(question.model))


def _tokenizer(model: str, custom: Any) -> Tokenizer:
    return tokenizer_of(model) if custom is None else as_tokenizer(custom)


def _text(text: Any) -> str:
    if isinstance(text, (bytes, bytearray)):
        return text.decode("utf-8", "replace")
    return "" if text is None else str(text)

"""What a prompt will take before it is sent: tokens and dollars, low, likely and high."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, Any, NamedTuple

from costspan.pricing.lookup import UnknownModelError, find_model, own_pricer, split_name
from costspan.tokens.functions import token_counter
from costspan.usage import Usage

if TYPE_CHECKING:
    from decimal import Decimal

LIKELY_OUTPUT = 400  # tokens: an answer of a few paragraphs, where nothing else is known
HIGHEST_OUTPUT = 4096  # tokens, of a model whose limit is not known


class Outlook(NamedTuple):
    """One case: tokens in, tokens out, and what they cost; `usd` is None for a model without a price."""

    input_tokens: int
    output_tokens: int
    usd: Decimal | None

    @property
    def tokens(self) -> int:
        """Input and output together."""
        return self.input_tokens + self.output_tokens


class Estimate(NamedTuple):
    """Three cases: an answer of one word, one of usual length, and one as long as is allowed.

    The input is the same in all, give or take the error of the count where the model's tokenizer is not public.
    """

    low: Outlook
    likely: Outlook
    high: Outlook


def estimate(
    messages: Any = None, model: str = "", max_tokens: int | None = None, *, tools: Any = None, provider: str = ""
) -> Estimate:
    """What a request will take: `low, likely, high = costspan.estimate(messages, "gpt-4o", max_tokens=500)`.

    `messages` may be a plain text. The price is that of `provider`; of the model's own maker, if none is named.
    Without `max_tokens`, the high case is the longest answer that the model gives. Thoughts of a model that reasons are
    output, and not in the likely case.
    """
    told = [{"role": "user", "content": messages}] if isinstance(messages, str) else messages
    count = token_counter(model, messages=told, tools=tools)
    known = find_model(model, provider)
    limit = max_tokens or (known and known.max_output) or HIGHEST_OUTPUT
    cases = ((1 - count.error, 1), (1, min(limit, LIKELY_OUTPUT)), (1 + count.error, limit))
    return Estimate(*(_outlook(provider, model, round(count * share), output) for share, output in cases))


def _outlook(provider: str, model: str, asked: int, answered: int) -> Outlook:
    usd = None
    with suppress(UnknownModelError):
        host, name = split_name(model, provider)
        usd = own_pricer().price(Usage(input=asked, output=answered), provider=host, model=name).total
    return Outlook(asked, answered, usd)

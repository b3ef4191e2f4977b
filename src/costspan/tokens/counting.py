"""Adds up a prompt: its texts by a tokenizer, its framing and media by rule."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from costspan.call import UsageSource
from costspan.tokens.count import TokenCount
from costspan.tokens.families import bare_name, family_of
from costspan.tokens.reading import TOOLS
from costspan.tokens.requests import read_request
from costspan.tokens.tokenizers import tokenizer_of_family

if TYPE_CHECKING:
    from costspan.tokens.reading import Prompt
    from costspan.tokens.tokenizers import Tokenizer

GUESSED_ERROR = 0.25  # of a prompt with an image or file whose size is not known here


def count_prompt(prompt: Prompt, tokenizer: Tokenizer, deadline: float | None = None) -> dict[str, TokenCount]:
    """Tokens of each part of a prompt (system, tools, tool_results, history, newest)."""
    parts: dict[str, TokenCount] = {}
    for part, text in prompt.texts:
        parts[part] = add(parts.get(part), tokenizer.count(text, deadline))
    for part, tokens in prompt.fixed.items():
        parts[part] = add(parts.get(part), TokenCount(tokens, tokenizer.source, tokenizer.error))
    if prompt.tools_error and TOOLS in parts:
        parts[TOOLS] = TokenCount(int(parts[TOOLS]), UsageSource.HEURISTIC, max(parts[TOOLS].error, prompt.tools_error))
    return parts


def add(one: TokenCount | None, other: TokenCount) -> TokenCount:
    """The sum of two counts, as sure as the less sure of them."""
    if one is None:
        return other
    exact = one.exact and other.exact
    source = UsageSource.TOKENIZER if exact else UsageSource.HEURISTIC
    return TokenCount(int(one) + int(other), source, max(one.error, other.error))


def count_request(body: Any, model: str, operation: str = "chat", deadline: float | None = None) -> TokenCount:
    """Input tokens of an SDK's arguments, as its provider would bill them."""
    family = family_of(model)
    prompt = read_request(body, family, bare_name(model), operation)
    tokenizer = tokenizer_of_family(family)
    return total(prompt, count_prompt(prompt, tokenizer, deadline))


def total(prompt: Prompt, parts: dict[str, TokenCount]) -> TokenCount:
    """All parts together, with the ids that came as ids; a guess in it makes it an estimate."""
    count = TokenCount(prompt.ids)
    for each in parts.values():
        count = add(count, each)
    if prompt.guessed:
        return TokenCount(int(count), UsageSource.HEURISTIC, max(count.error, GUESSED_ERROR))
    return count

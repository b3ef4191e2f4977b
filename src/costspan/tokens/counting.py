"""Adds up a prompt: its texts by a tokenizer, its framing and media by rule."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from costspan.call import UsageSource
from costspan.tokens.count import CHARACTERS_PER_TOKEN, TokenCount
from costspan.tokens.families import UNKNOWN, Family, bare_name, family_of
from costspan.tokens.requests import read_request
from costspan.tokens.sharing import ANY_EFFORT
from costspan.tokens.tokenizers import tokenizer_of

if TYPE_CHECKING:
    from costspan.tokens.reading import Prompt
    from costspan.tokens.sharing import Effort
    from costspan.tokens.tokenizers import Tokenizer

GUESSED_ERROR = 0.25  # of a prompt with something in it whose tokens are not known here
LENGTH_ERROR = 0.3  # of the rule of thumb


@dataclass(slots=True)
class Question:
    """What is to be counted, for which model, with whose tokenizer; nothing is tokenized before it is asked to."""

    prompt: Prompt
    model: str
    own: Tokenizer | None = None

    @property
    def size(self) -> int:
        """About the bytes of all texts; never less."""
        return sum(len(text) * (1 if text.isascii() else 3) for _, text in self.prompt.texts)

    def parts(self) -> dict[str, TokenCount]:
        """Tokens of each part of the prompt: system, tools, tool_results, history, newest."""
        tokenizer = self.own or tokenizer_of(self.model)
        counts: dict[str, TokenCount] = {}
        for part, text in self.prompt.texts:
            counts[part] = add(counts.get(part), tokenizer.count(text))
        for part, tokens in self.prompt.fixed.items():
            counts[part] = add(counts.get(part), TokenCount(tokens, tokenizer.source, tokenizer.error))
        return counts

    def count(self, effort: Effort = ANY_EFFORT) -> TokenCount:
        """All tokens of the prompt; past the deadline the rest is estimated."""
        prompt, tokenizer = self.prompt, self.own or tokenizer_of(self.model)
        tokens = prompt.ids + sum(prompt.fixed.values())
        error = max(tokenizer.error, prompt.error, GUESSED_ERROR * prompt.guessed)
        for _, text in prompt.texts:
            counted = tokenizer.count(text, effort)
            tokens += counted
            error = max(error, counted.error)
        return TokenCount(tokens, UsageSource.HEURISTIC if error else UsageSource.TOKENIZER, error)

    def estimate(self) -> TokenCount:
        """By the length of the texts alone: the last resort, in microseconds."""
        characters = sum(len(text) for _, text in self.prompt.texts)
        tokens = -(-characters // CHARACTERS_PER_TOKEN) + sum(self.prompt.fixed.values()) + self.prompt.ids
        return TokenCount(tokens, UsageSource.HEURISTIC, LENGTH_ERROR)


def ask(body: Any, model: str, operation: str = "chat", own: Tokenizer | None = None) -> Question:
    """The question how many tokens an SDK's arguments are."""
    family: Family = family_of(model) if model or own is None else UNKNOWN
    return Question(read_request(body, family, bare_name(model), operation), model, own)


def add(one: TokenCount | None, other: TokenCount) -> TokenCount:
    """The sum of two counts, as sure as the less sure of them."""
    if one is None:
        return other
    source = UsageSource.TOKENIZER if one.exact and other.exact else UsageSource.HEURISTIC
    return TokenCount(int(one) + int(other), source, max(one.error, other.error))

"""Exact counts by tiktoken, of any text there is: no panic, no raise, Python's lock never held for long."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from costspan.call import UsageSource
from costspan.tokens.count import TokenCount
from costspan.tokens.cutting import PART, cut

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    import tiktoken

    from costspan.tokens.fast import FastEncoding


class BpeTokenizer:
    """Encodes and counts with one tiktoken encoding. Text like `<|endoftext|>` is text here, as for the provider."""

    source = UsageSource.TOKENIZER
    error = 0.0

    def __init__(self, encoding: tiktoken.Encoding | FastEncoding) -> None:
        self.name = encoding.name
        self._encoding = encoding
        self._encode = encoding.encode_ordinary
        self._part = getattr(encoding, "part", PART)
        self._holds_lock = self._part != PART  # then other threads need a rest to come in

    def count(self, text: str, deadline: float | None = None) -> TokenCount:
        """Tokens of `text`. Past the `deadline` (of `time.monotonic`) the rest is estimated from what was counted."""
        if len(text) <= self._part:
            return TokenCount(len(self._encode(text)))
        tokens = characters = 0
        for part in cut(text, self._part):
            tokens += len(self._encode(part))
            characters += len(part)
            if self._holds_lock:
                time.sleep(0)
            if deadline is not None and time.monotonic() > deadline and characters < len(text):
                return TokenCount(tokens * len(text) // characters, UsageSource.HEURISTIC, error=0.1)
        return TokenCount(tokens)

    def encode(self, text: str) -> list[int]:
        """Token ids; a lone surrogate counts as the replacement character."""
        return [token for part in cut(text) for token in self._encode(part)]

    def decode(self, tokens: Sequence[int]) -> str:
        """The text of `tokens`.

        Raises:
            KeyError: A token that the vocabulary does not have.
        """
        return self._encoding.decode(list(tokens))

    def pieces(self, tokens: Iterable[int]) -> list[bytes]:
        """The bytes of each token: a character of several bytes may be spread over several tokens."""
        return self._encoding.decode_tokens_bytes(list(tokens))

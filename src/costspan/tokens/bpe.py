"""Exact counts by tiktoken, of any text there is: no panic, no raise, Python's lock never held for long."""

from __future__ import annotations

from typing import TYPE_CHECKING

from costspan.call import UsageSource
from costspan.tokens.count import TokenCount
from costspan.tokens.cutting import PART, cut
from costspan.tokens.sharing import ANY_EFFORT, SharedCount

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence
    from typing import TypeAlias

    import tiktoken

    from costspan.tokens.fast import FastEncoding
    from costspan.tokens.sharing import Effort
    from costspan.tokens.splitting import MarkedEncoding

    Engine: TypeAlias = tiktoken.Encoding | FastEncoding | MarkedEncoding

_TINY = 256  # characters: up to there a list is made sooner than a buffer
_BYTES = 4  # of a token in tiktoken's buffer
_NO_SPECIAL: frozenset[str] = frozenset()


def lengths(encoding: Engine) -> Callable[[str], int]:
    """How many tokens a text has, without making each of them a Python object, where the encoding can do that."""
    own: Callable[[str], int] | None = getattr(encoding, "length", None)
    if own is not None:
        return own
    encode = encoding.encode_ordinary
    packed = getattr(getattr(encoding, "_core_bpe", None), "encode_to_tiktoken_buffer", None)
    if packed is None:
        return lambda text: len(encode(text))

    def length(text: str) -> int:
        if len(text) <= _TINY:
            return len(encode(text))
        try:
            return memoryview(packed(text, _NO_SPECIAL)).nbytes // _BYTES
        except UnicodeEncodeError:  # a lone surrogate: tiktoken's own way round it
            return len(encode(text))

    return length


class BpeTokenizer:
    """Encodes and counts with one tiktoken encoding. Text like `<|endoftext|>` is text here, as for the provider."""

    source = UsageSource.TOKENIZER
    error = 0.0

    def __init__(self, encoding: Engine) -> None:
        self.name = encoding.name
        self._encoding = encoding
        self._encode = encoding.encode_ordinary
        self._length = lengths(encoding)
        self._part = getattr(encoding, "part", PART)

    def count(self, text: str, effort: Effort = ANY_EFFORT) -> TokenCount:
        """Tokens of `text`. Past the deadline the rest is estimated from what was counted."""
        if len(text) <= self._part:
            return TokenCount(self._length(text))
        characters, tokens = SharedCount(text, self._part, self._length, effort).totals()
        if characters < len(text):
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

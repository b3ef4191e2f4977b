"""The tokenizer of a model: its own where that is public and here, else a calibrated stand-in that says so."""

from __future__ import annotations

import time
from functools import lru_cache
from typing import TYPE_CHECKING, Protocol

from costspan.call import UsageSource
from costspan.tokens.bpe import BpeTokenizer
from costspan.tokens.count import TokenCount
from costspan.tokens.families import family_of
from costspan.tokens.vocabularies import BUNDLED, VocabularyError, load_encoding

if TYPE_CHECKING:
    from collections.abc import Sequence

    from costspan.tokens.families import Family


class Tokenizer(Protocol):
    """Counts, encodes and decodes text."""

    name: str
    source: UsageSource
    error: float

    def count(self, text: str, deadline: float | None = None) -> TokenCount: ...
    def encode(self, text: str) -> list[int]: ...
    def decode(self, tokens: Sequence[int]) -> str: ...


class StandIn:
    """Estimates the tokens of a family without a public tokenizer: those of a public one, times a calibrated factor."""

    source = UsageSource.HEURISTIC

    def __init__(self, base: BpeTokenizer, permille: int, error: float) -> None:
        self.name = f"estimate by {base.name}"
        self.error = error
        self._base = base
        self._permille = permille
        self.encode = base.encode
        self.decode = base.decode

    def count(self, text: str, deadline: float | None = None) -> TokenCount:
        """About as many tokens as the model's own tokenizer makes; at least 1 of any text."""
        tokens = self._base.count(text, deadline)
        return TokenCount((tokens * self._permille + 500) // 1000, UsageSource.HEURISTIC, self.error)


# No lock around these caches: a lock held by a loading thread would stay locked in a forked child. Two threads
# that both need an encoding first load it twice, once.
@lru_cache(maxsize=8)
def bpe(encoding: str) -> BpeTokenizer:
    """The tokenizer of an encoding, loaded at its first use.

    Raises:
        VocabularyError: No such encoding, or its vocabulary is not here.
    """
    return BpeTokenizer(load_encoding(encoding))


@lru_cache(maxsize=64)
def tokenizer_of_family(family: Family) -> Tokenizer:
    """The tokenizer that counts for a family; a stand-in if its own is not public or not here."""
    if family.source is UsageSource.TOKENIZER:
        try:
            return bpe(family.encoding)
        except VocabularyError:
            return StandIn(bpe(BUNDLED[1]), 1000, 0.1)  # the retired models' vocabularies resemble it
    return StandIn(bpe(family.encoding), family.permille, family.error)


def tokenizer_of(model: str) -> Tokenizer:
    """The tokenizer that counts for a model id, as any provider or gateway writes it."""
    return tokenizer_of_family(family_of(model))


def deadline_in(seconds: float | None) -> float | None:
    """A point of `time.monotonic`; None stays None."""
    return None if seconds is None else time.monotonic() + seconds

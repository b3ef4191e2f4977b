"""The tokenizer of a model: its own where that is public and here, else a calibrated stand-in that says so."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Protocol

from costspan.call import UsageSource
from costspan.tokens.bpe import BpeTokenizer
from costspan.tokens.count import TokenCount
from costspan.tokens.custom import CustomTokenizer, create_pretrained_tokenizer
from costspan.tokens.families import bare_name, family_of
from costspan.tokens.fast import fast_encoding
from costspan.tokens.sharing import ANY_EFFORT
from costspan.tokens.splitting import marked_encoding
from costspan.tokens.switches import switch
from costspan.tokens.vocabularies import BUNDLED, VocabularyError, load_encoding

if TYPE_CHECKING:
    from collections.abc import Sequence

    from costspan.tokens.sharing import Effort


class Tokenizer(Protocol):
    """Counts, encodes and decodes text."""

    name: str
    source: UsageSource
    error: float

    def count(self, text: str, effort: Effort = ANY_EFFORT) -> TokenCount: ...
    def encode(self, text: str) -> list[int]: ...
    def decode(self, tokens: Sequence[int]) -> str: ...


class StandIn:
    """Estimates the tokens of a family without a public tokenizer: those of a public one, times a calibrated factor."""

    source = UsageSource.HEURISTIC

    def __init__(self, base: BpeTokenizer, permille: int, error: float) -> None:
        self.name = f"estimate by {base.name}"
        self.error = error
        self.base = base
        self._permille = permille
        self.encode = base.encode
        self.decode = base.decode

    def count(self, text: str, effort: Effort = ANY_EFFORT) -> TokenCount:
        """About as many tokens as the model's own tokenizer makes; at least 1 of any text."""
        tokens = self.base.count(text, effort)
        return TokenCount((tokens * self._permille + 500) // 1000, UsageSource.HEURISTIC, self.error)


class Encodings:
    """The encodings loaded in this process.

    There is no lock: one held by a loading thread would stay locked in a forked child. Two threads that need an
    encoding first both load it, once.
    """

    def __init__(self) -> None:
        self._loaded: dict[str, BpeTokenizer] = {}

    def get(self, name: str) -> BpeTokenizer:
        """The tokenizer of an encoding, loaded at its first use.

        Raises:
            VocabularyError: No such encoding, or its vocabulary is not here.
        """
        found = self._loaded.get(name)
        if found is None:
            engine = fast_encoding(name) or marked_encoding(name) or load_encoding(name)
            found = self._loaded.setdefault(name, BpeTokenizer(engine))
        return found

    def has(self, name: str) -> bool:
        """Whether an encoding is loaded already, so that using it takes no time."""
        return name in self._loaded


ENCODINGS = Encodings()


def encoding_of(model: str) -> str:
    """The encoding that counts for a model: by tiktoken's own table, else its family's."""
    family = family_of(model)
    if family.source is not UsageSource.TOKENIZER:
        return family.encoding
    from tiktoken.model import encoding_name_for_model  # noqa: PLC0415 not at import: it costs 20 ms

    try:
        return encoding_name_for_model(bare_name(model))
    except KeyError:  # newer than the table
        return family.encoding


@lru_cache(maxsize=256)
def _standard(model: str) -> Tokenizer:
    family, encoding = family_of(model), encoding_of(model)
    if family.source is not UsageSource.TOKENIZER:
        return StandIn(ENCODINGS.get(encoding), family.permille, family.error)
    try:
        return ENCODINGS.get(encoding)
    except VocabularyError:  # the retired models' vocabularies resemble an older one of ours
        return StandIn(ENCODINGS.get(BUNDLED[1]), 1000, 0.1)


@lru_cache(maxsize=64)
def _from_file(path: str) -> CustomTokenizer:
    return create_pretrained_tokenizer(path)


def tokenizer_of(model: str) -> Tokenizer:
    """The tokenizer that counts for a model id: one of the user's own (`COSTSPAN_TOKENIZERS`), else its family's.

    Raises:
        TokenizerError: The user's own cannot be loaded.
    """
    own = switch("tokenizers")
    if own:
        name = bare_name(model)
        for part, path in own.items():
            if part.lower() in name:
                return _from_file(path)
    return _standard(model)

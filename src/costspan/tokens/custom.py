"""Tokenizers of a user's own: a `tokenizer.json`, a name on the Hugging Face hub, or any object that encodes."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from costspan.call import UsageSource
from costspan.guard import ToldError
from costspan.tokens.bpe import BpeTokenizer
from costspan.tokens.count import TokenCount
from costspan.tokens.sharing import ANY_EFFORT

if TYPE_CHECKING:
    from collections.abc import Sequence

    from costspan.tokens.sharing import Effort
    from costspan.tokens.tokenizers import Tokenizer


class TokenizerError(ToldError, ValueError):
    """A tokenizer cannot be made; the message says why, and the cure."""


class _Explained:
    """Turns what the library raises (bare `Exception`, and the hub its own kinds) into an error with a cure."""

    def __init__(self, message: str) -> None:
        self._message = message

    def __enter__(self) -> None: ...

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        if isinstance(error, Exception):
            raise TokenizerError(self._message.replace("{}", str(error), 1)) from error


class CustomTokenizer:
    """Counts with a tokenizer of the `tokenizers` library (or one that is like it). Adds no start or end token."""

    source = UsageSource.TOKENIZER
    error = 0.0

    def __init__(self, tokenizer: Any, name: str = "custom") -> None:
        self.name = name
        self.tokenizer = tokenizer

    def count(self, text: str, effort: Effort = ANY_EFFORT) -> TokenCount:  # noqa: ARG002 one call, not to be cut
        """Tokens of `text`."""
        return TokenCount(len(self.encode(text)))

    def encode(self, text: str) -> list[int]:
        """Token ids; a lone surrogate counts as the replacement character."""
        told = without_surrogates(text)
        try:
            encoded = self.tokenizer.encode(told, add_special_tokens=False)
        except TypeError:  # one that adds none, and is not asked to
            encoded = self.tokenizer.encode(told)
        return list(getattr(encoded, "ids", encoded))

    def decode(self, tokens: Sequence[int]) -> str:
        """The text of `tokens`, special tokens left out."""
        text: str = self.tokenizer.decode(list(tokens))
        return text


def without_surrogates(text: str) -> str:
    """The text with every lone surrogate replaced, as no encoder can write one."""
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")


def create_tokenizer(json: str) -> CustomTokenizer:
    """A tokenizer from the text of a `tokenizer.json`, for `custom_tokenizer=`.

    Raises:
        TokenizerError: The text is not a tokenizer, or the library `tokenizers` is not installed.
    """
    library = _library()
    with _Explained("this is not the JSON of a tokenizer ({}): pass the text of a tokenizer.json file"):
        return CustomTokenizer(library.Tokenizer.from_str(json))


def create_pretrained_tokenizer(
    identifier: str, revision: str = "main", auth_token: str | None = None
) -> CustomTokenizer:
    """A tokenizer by its name on the Hugging Face hub, or from a `tokenizer.json` or the folder that holds one.

    A name is looked up by the library itself: in its cache on disk, else over the network.

    Raises:
        TokenizerError: There is no such tokenizer, or the library `tokenizers` is not installed.
    """
    library = _library()
    path = Path(identifier)
    with _Explained(f"no tokenizer {identifier!r} ({{}}): check the name, or pass the path of a tokenizer.json"):
        if path.exists() or path.suffix == ".json":  # which no name on the hub has
            file = path / "tokenizer.json" if path.is_dir() else path
            return CustomTokenizer(library.Tokenizer.from_file(str(file)), identifier)
        made = library.Tokenizer.from_pretrained(identifier, revision=revision, token=auth_token)
        return CustomTokenizer(made, identifier)


def _library() -> Any:
    try:
        import tokenizers  # noqa: PLC0415 an optional library, only where it is asked for
    except ModuleNotFoundError:
        raise TokenizerError("this needs the library tokenizers: pip install 'costspan[tokenizers]'") from None
    return tokenizers


def as_tokenizer(given: Any) -> Tokenizer:
    """What a user passed as `custom_tokenizer=`: ours, LiteLLM's dict, tiktoken's Encoding, or one of `tokenizers`.

    Raises:
        TokenizerError: It cannot encode.
    """
    if isinstance(given, dict):
        given = given.get("tokenizer")
    if isinstance(given, (CustomTokenizer, BpeTokenizer)):
        return given
    if hasattr(given, "encode_ordinary"):
        return BpeTokenizer(given)
    if isinstance(given, str) or not callable(getattr(given, "encode", None)):
        raise TokenizerError(
            f"{type(given).__name__} is no tokenizer: make one with create_tokenizer or create_pretrained_tokenizer"
        )
    return CustomTokenizer(given)

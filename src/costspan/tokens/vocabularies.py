"""OpenAI's vocabularies from this package's own files, checked against the hashes that tiktoken publishes."""

from __future__ import annotations

import hashlib
import lzma
import os
import tempfile
from binascii import a2b_base64
from importlib import resources
from pathlib import Path
from types import FunctionType
from typing import TYPE_CHECKING, Any

from costspan.guard import ToldError

if TYPE_CHECKING:
    import tiktoken

BUNDLED = ("o200k_base", "cl100k_base")
DERIVED = {"o200k_harmony": "o200k_base"}  # the same ranks, more special tokens
ON_DISK = ("p50k_base", "p50k_edit", "r50k_base", "gpt2")  # retired models; used when tiktoken has fetched them before


class VocabularyError(ToldError, RuntimeError):
    """A vocabulary is not there, or is not the one that its publisher names; the message says which, and the cure."""


def load_encoding(name: str) -> tiktoken.Encoding:
    """The tiktoken encoding `name`, without any download; takes 0.3 to 0.6 s the first time (the caller keeps it).

    Raises:
        VocabularyError: The file does not have the hash that tiktoken expects, or a retired vocabulary is not cached.
    """
    if name not in ON_DISK:
        return made(definition_of(name))
    import tiktoken  # noqa: PLC0415 not at import: it costs 20 ms

    _require_cached(name)
    return tiktoken.get_encoding(name)


def made(definition: dict[str, Any]) -> tiktoken.Encoding:
    """The encoding of a definition, which loses its ranks: tiktoken has copied them, and they are 30 MB."""
    import tiktoken  # noqa: PLC0415 as in load_encoding

    encoding = tiktoken.Encoding(**definition)
    definition["mergeable_ranks"].clear()
    return encoding


def definition_of(name: str) -> dict[str, Any]:
    """What tiktoken makes an encoding of: `name`, `pat_str`, `mergeable_ranks`, `special_tokens`.

    Raises:
        VocabularyError: It is not bundled here, or its file does not have the hash that tiktoken expects.
    """
    if name not in (*BUNDLED, *DERIVED):
        known = ", ".join((*BUNDLED, *DERIVED, *ON_DISK))
        raise VocabularyError(f"no encoding {name!r}; known are {known}")
    from tiktoken_ext import openai_public  # noqa: PLC0415 as in load_encoding

    return _definition(openai_public, name if hasattr(openai_public, name) else DERIVED[name])


def _definition(publisher: Any, name: str) -> dict[str, Any]:
    """The definition by tiktoken itself of an encoding, with the ranks read from our file instead of its download.

    The constructor is run in a namespace of its own, so that tiktoken itself stays as it was.
    """

    def read_ranks(url: str, expected_hash: str) -> dict[bytes, int]:
        return parse_ranks(_bundled(Path(url).stem), expected_hash, name=name)

    namespace = dict(vars(publisher), load_tiktoken_bpe=read_ranks)
    for each in (*BUNDLED, name):
        namespace[each] = FunctionType(vars(publisher)[each].__code__, namespace)
    definition: dict[str, Any] = namespace[name]()
    return definition


def _bundled(name: str) -> bytes:
    return lzma.decompress((resources.files("costspan.tokens") / "data" / f"{name}.tiktoken.xz").read_bytes())


def parse_ranks(vocabulary: bytes, expected_hash: str, *, name: str) -> dict[bytes, int]:
    """Token bytes to rank.

    Raises:
        VocabularyError: The vocabulary's SHA-256 is not `expected_hash`.
    """
    if hashlib.sha256(vocabulary).hexdigest() != expected_hash:
        raise VocabularyError(f"the vocabulary of {name} is not the one that OpenAI publishes: reinstall costspan")
    fields = vocabulary.split()
    return dict(zip(map(a2b_base64, fields[::2]), map(int, fields[1::2]), strict=True))


def _require_cached(name: str) -> None:
    """Nothing, if tiktoken's cache holds all files of `name`: it would go to the network otherwise."""
    from tiktoken_ext import openai_public  # noqa: PLC0415 as in load_encoding

    constants = vars(openai_public)[name].__code__.co_consts
    urls = [each for each in constants if isinstance(each, str) and each.startswith("https://")]
    folder = os.environ.get("TIKTOKEN_CACHE_DIR", os.environ.get("DATA_GYM_CACHE_DIR", ""))
    home = Path(folder or Path(tempfile.gettempdir(), "data-gym-cache"))
    if not all((home / hashlib.sha1(url.encode(), usedforsecurity=False).hexdigest()).exists() for url in urls):
        raise VocabularyError(
            f"the vocabulary of {name} is not here and is not fetched: run tiktoken.get_encoding({name!r}) once"
        )

"""A faster engine behind the same counts: splintr-rs, if the extra `fast` is installed.

Why this one (benchmarks/fast_engines.py, run 2026-11-22 with tiktoken 0.14.0): splintr-rs 0.22.0 gave tiktoken's very
tokens on 200,000 hostile strings and 5 MB of text, 4 to 6 times as fast, without a panic on a million blanks; one
wheel serves 3.10 to 3.13; MIT; no dependencies. quicktok-v1 0.4.0 counts mixed scripts wrongly (6 of 3,000 strings) and
needs numpy; gigatoken 0.10.0 refuses text like `<|endoftext|>` and needs numpy, awkward and typer.
"""

from __future__ import annotations

import logging
import time
from typing import TYPE_CHECKING, Any

from costspan.tokens.custom import without_surrogates

if TYPE_CHECKING:
    from collections.abc import Sequence

_log = logging.getLogger("costspan")
CANARY = "Hellö  World's 1234567, 中文！\n\n\t<|endoftext|> 😀 don't STOP"
EXPECTED = {  # what tiktoken makes of it: a release that differs is not used
    "o200k_base": (
        137003, 573, 220, 134475, 220, 7633, 19354, 22, 11, 83711, 10073, 197, 27, 91, 419, 1440, 919, 91, 29,
        88038, 4128, 82926,
    ),
    "cl100k_base": (
        81394, 3029, 220, 4435, 596, 220, 4513, 10961, 22, 11, 73958, 17161, 18171, 197, 27, 91, 8862, 728, 428,
        91, 29, 91416, 1541, 956, 46637,
    ),
}  # fmt: skip


class FastEncoding:
    """One encoding of splintr, with the methods of tiktoken's Encoding that counting uses.

    It holds Python's lock while it works, so it is fed small parts, with a rest for other threads after each.
    """

    part = 4096  # characters: about 0.2 ms

    def __init__(self, name: str, tokenizer: Any) -> None:
        self.name = name
        self._tokenizer = tokenizer

    def encode_ordinary(self, text: str) -> list[int]:
        try:
            tokens: list[int] = self._tokenizer.encode_ordinary(text)
        except UnicodeEncodeError:
            tokens = self._tokenizer.encode_ordinary(without_surrogates(text))
        return tokens

    def length(self, text: str) -> int:
        """How many tokens a text has."""
        tokens = len(self.encode_ordinary(text))
        if len(text) >= self.part:
            time.sleep(0)
        return tokens

    def decode(self, tokens: Sequence[int]) -> str:
        return b"".join(self.decode_tokens_bytes(tokens)).decode("utf-8", "replace")

    def decode_tokens_bytes(self, tokens: Sequence[int]) -> list[bytes]:
        try:
            return [self._tokenizer.decode_token_bytes(token) for token in tokens]
        except (ValueError, OverflowError) as error:
            raise KeyError(str(error)) from None


def fast_encoding(name: str) -> FastEncoding | None:
    """The encoding by splintr; None if it is not installed, does not have it, or does not agree with tiktoken."""
    if name not in EXPECTED:
        return None
    try:
        import splintr  # noqa: PLC0415 an optional library, only where it is
    except ModuleNotFoundError:
        return None
    made = FastEncoding(name, splintr.Tokenizer.from_pretrained(name))
    if tuple(made.encode_ordinary(CANARY)) != EXPECTED[name]:
        _log.warning("splintr-rs does not count as tiktoken does; tiktoken is used")
        return None
    return made

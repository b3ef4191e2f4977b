r"""Most texts split by an automaton: tiktoken takes less time so, and threads do not wait for each other.

tiktoken (0.14.0) walks OpenAI's splitting patterns step by step, in a state that all threads share, because they look
ahead once: `\s+(?!\S)` leaves the last blank of a run to the word behind it. Where a mark stands before that blank, the
rest is a regular expression, for which tiktoken has an automaton per thread. Many different characters make that
automaton large, then slower than the walk, in Chinese 70 times: a text with unusual characters is walked.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import regex  # tiktoken needs it, so it is there: it can search while other threads run

from costspan.tokens.bpe import lengths
from costspan.tokens.cutting import cut
from costspan.tokens.vocabularies import ON_DISK, definition_of, load_encoding, made

if TYPE_CHECKING:
    import tiktoken

_APART = 4096  # characters: of a text with unusual ones, only such parts as have them are walked
_LONG = 16_384  # characters: from there on, Python's lock is not held to look for blanks
MARK = "\x01"  # a token of its own in both vocabularies; a text that has it is walked
UNUSUAL = "\t\v\f\x85\xa0"
_WORD = f"[^ {UNUSUAL}\r\n]"  # what ends a run of blanks; Python's \s has four more, \x1c to \x1f, than Unicode
_TWO_SPACES, _FREELY = re.compile(f"  (?={_WORD})"), regex.compile(f"  (?={_WORD})")
_GAP, _TAB_GAP = re.compile(f"   *(?={_WORD})"), re.compile(f"\t\t\t*(?={_WORD})")
_MANY_SPACES, _MANY_TABS = " " * 81, "\t" * 22  # up to 79 and 20 in a row are one token, in both vocabularies
_TWO_BLANKS = re.compile(f"[ {UNUSUAL}](?=[ {UNUSUAL}]{_WORD})")
# Latin, Greek, Cyrillic, punctuation, arrows, boxes, signs, faces: even at random they are no slower than by the walk.
_USUAL = "\x00-\u024f\u0370-\u04ff\u2010-\u2027\u2030-\u203a€™←-↓\u2500-\u257f\u2600-\u27bf\U0001f600-\U0001f64f"
_OTHERS = re.compile(f"[^{_USUAL}]")

_UPPER, _LOWER = r"[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]", r"[\p{Ll}\p{Lm}\p{Lo}\p{M}]"
_ENDING = r"(?i:'s|'t|'re|'ve|'m|'ll|'d)?"
AUTOMATA = {  # by the publisher's own pattern (tiktoken 0.13 and 0.14): where that changes, every text is walked
    rf"[^\r\n\p{{L}}\p{{N}}]?{_UPPER}*{_LOWER}+{_ENDING}|[^\r\n\p{{L}}\p{{N}}]?{_UPPER}+{_LOWER}*{_ENDING}"
    r"|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|\s+(?!\S)|\s+": (
        rf"{MARK}|[^\r\n\p{{L}}\p{{N}}{MARK}]?{_UPPER}*{_LOWER}+{_ENDING}"
        rf"|[^\r\n\p{{L}}\p{{N}}{MARK}]?{_UPPER}+{_LOWER}*{_ENDING}"
        rf"|\p{{N}}{{1,3}}| ?[^\s\p{{L}}\p{{N}}{MARK}]+[\r\n/]*|\s*[\r\n]+|\s+"
    ),
    r"'(?i:[sdmt]|ll|ve|re)|[^\r\n\p{L}\p{N}]?+\p{L}++|\p{N}{1,3}+| ?[^\s\p{L}\p{N}]++[\r\n]*+|\s++$|\s*[\r\n]"
    r"|\s+(?!\S)|\s": (
        rf"{MARK}|'(?i:[sdmt]|ll|ve|re)|[^\r\n\p{{L}}\p{{N}}{MARK}]?\p{{L}}+|\p{{N}}{{1,3}}"
        rf"| ?[^\s\p{{L}}\p{{N}}{MARK}]+[\r\n]*|\s+$|\s*[\r\n]|\s+"
    ),
}


def marked(text: str) -> tuple[str, int] | None:
    """The text with a mark before the last blank of each run that a word follows, and how many; None: to be walked."""
    if not _is_usual(text):
        return None
    if any(blank in text for blank in UNUSUAL):
        return _TWO_BLANKS.subn(lambda found: found[0] + MARK, text)
    return _TWO_SPACES.subn(f" {MARK} ", text)


def gaps_closed(text: str) -> str | None:
    """A text of as many tokens: what is before the last blank of a run is one token, and so is the mark in its place.

    None where that does not hold: for very long runs, and for those of different blanks.
    """
    if not _is_usual(text) or _MANY_SPACES in text or any(blank in text for blank in UNUSUAL[1:]):
        return None
    if "\t" in text:
        if " \t" in text or "\t " in text or _MANY_TABS in text:
            return None
        text = _TAB_GAP.sub(f"{MARK}\t", text)
    if len(text) > _LONG and _FREELY.search(text, concurrent=True) is None:
        return text
    return _GAP.sub(f"{MARK} ", text)


def _is_usual(text: str) -> bool:
    return MARK not in text and (text.isascii() or _OTHERS.search(text) is None)


class MarkedEncoding:
    """One encoding of tiktoken, with its methods that counting uses; the walking one is loaded when a text needs it."""

    def __init__(self, definition: dict[str, Any], pattern: str) -> None:
        self.name: str = definition["name"]
        self._automaton = made(definition | {"pat_str": pattern})
        self._automaton_length = lengths(self._automaton)
        self._walking: tiktoken.Encoding | None = None
        (self._mark,) = self._automaton.encode_ordinary(MARK)
        self.decode = self._automaton.decode
        self.decode_tokens_bytes = self._automaton.decode_tokens_bytes

    @property
    def walking(self) -> tiktoken.Encoding:
        """As its publisher made it. Two threads that need it first both load it."""
        if self._walking is None:
            self._walking = load_encoding(self.name)
        return self._walking

    def encode_ordinary(self, text: str) -> list[int]:
        found = marked(text)
        if found is None:
            parts = list(cut(text, _APART))
            if len(parts) == 1:
                return self.walking.encode_ordinary(text)
            return [token for part in parts for token in self.encode_ordinary(part)]
        return [token for token in self._automaton.encode_ordinary(found[0]) if token != self._mark]

    def length(self, text: str) -> int:
        """How many tokens a text has."""
        closed = gaps_closed(text)
        if closed is not None:
            return self._automaton_length(closed)
        found = marked(text)
        if found is None:
            parts = list(cut(text, _APART))
            return sum(map(self.length, parts)) if len(parts) > 1 else lengths(self.walking)(text)
        return self._automaton_length(found[0]) - found[1]


def marked_encoding(name: str) -> MarkedEncoding | None:
    """The encoding by an automaton; None if it is not one of those bundled, or its publisher splits in a new way.

    Raises:
        VocabularyError: As `load_encoding`.
    """
    if name in ON_DISK:
        return None
    definition = definition_of(name)
    pattern = AUTOMATA.get(definition["pat_str"])
    if pattern is None:
        return None
    return MarkedEncoding(definition, pattern)

"""Where a text may be cut so that the tokens of the parts are the tokens of the whole."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

PART = 49_152  # characters: about 2 ms of work, in which tiktoken does not hold Python's lock
LONGEST = 262_144  # characters without a place to cut; tiktoken's own regex overflows its stack at 1,000,000 blanks

# All of OpenAI's splitting patterns agree on it: a word or number always ends before one blank or comma that a letter
# follows, and what comes then does not depend on what was before.
_LETTER = "A-Za-zÀ-ÖØ-öø-ÿΑ-Ωα-ωА-яぁ-ゖァ-ヺ一-鿿가-힣"
_CUT = re.compile(rf"(?<=[{_LETTER}0-9])(?=[ ，。、；：？！][{_LETTER}])")


def cut(text: str, part: int = PART) -> Iterator[str]:
    """The text in parts of about `part` characters, cut only where no token spans the cut.

    A stretch of more than 262,144 characters without such a place (one letter a million times) is cut there all the
    same: it may then count one token more per cut. Runs of one character come out exact, as the limit is a power of 2.
    """
    start, size = 0, len(text)
    while size - start > part:
        found = _CUT.search(text, start + part, min(size, start + LONGEST))
        end = found.start() if found else min(size, start + LONGEST)
        yield text[start:end]
        start = end
    if start < size or not size:
        yield text[start:]

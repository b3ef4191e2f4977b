"""Which part of the prompts costs: system text, tools, tool results, history or the newest message."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from costspan.ledger.money import usd_of_pico
from costspan.reports.usage import text
from costspan.tokens.dividing import HIDDEN
from costspan.tokens.reading import PARTS

if TYPE_CHECKING:
    from decimal import Decimal

    from costspan.ledger.book import Book
    from costspan.ledger.question import Question


@dataclass(frozen=True)
class PromptPart:
    """One part of all prompts. An estimate: tokens counted, and scaled to what the provider reported."""

    part: str
    tokens: int
    share: float  # of the input, 0 to 1
    cost: Decimal  # USD


@dataclass(frozen=True)
class PromptReport:
    """The parts as they stand in a prompt, of so many calls, and the tokens that nobody sees."""

    calls: int
    parts: list[PromptPart]
    hidden_tokens: int

    def as_dict(self) -> dict[str, Any]:
        """For JSON: money as decimal text."""
        parts = [
            {"part": each.part, "tokens": each.tokens, "share": round(each.share, 6), "cost": text(each.cost)}
            for each in self.parts
        ]
        return {"calls": self.calls, "estimate": True, "parts": parts, "hidden_tokens": self.hidden_tokens}


def read_prompts(book: Book, question: Question) -> PromptReport:
    """The report over the calls that were made with `COSTSPAN_PROMPT_PARTS`."""
    found = {each.part: each for each in book.divide_prompts(question)}
    hidden = found.pop(HIDDEN, None)
    total = sum(each.tokens for each in found.values()) or 1
    parts = [
        PromptPart(name, found[name].tokens, found[name].tokens / total, usd_of_pico(found[name].pico))
        for name in PARTS
        if name in found
    ]
    calls = hidden.calls if hidden else max((each.calls for each in found.values()), default=0)
    return PromptReport(calls, parts, hidden.tokens if hidden else 0)

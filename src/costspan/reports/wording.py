"""Words around numbers."""

from __future__ import annotations


def counted(number: int, noun: str) -> str:
    """The number with its noun: `1 call`, `1,474 calls`."""
    return f"{number:,} {noun}" + "s" * (number != 1)

"""A number of tokens that says how it was found."""

from __future__ import annotations

from costspan.call import UsageSource

CHARACTERS_PER_TOKEN = 4  # the rule of thumb, for where nothing better can run


class TokenCount(int):
    """Tokens; an `int` that knows whether a tokenizer counted them or an estimate stands in for one.

    `error` is the stated relative error: 0.0 for a tokenizer's count, 0.1 for an estimate good to about 10%.
    """

    source: UsageSource
    error: float

    def __new__(cls, tokens: int, source: UsageSource = UsageSource.TOKENIZER, error: float = 0.0) -> TokenCount:  # noqa: PYI034 Self needs Python 3.11
        count = super().__new__(cls, tokens)
        count.source = source
        count.error = error
        return count

    def __getnewargs__(self) -> tuple[int, UsageSource, float]:  # type: ignore[override] # a copy keeps its mark
        return int(self), self.source, self.error

    @property
    def exact(self) -> bool:
        """Whether the model's own tokenizer counted."""
        return self.source is UsageSource.TOKENIZER

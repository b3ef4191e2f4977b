"""Who pays: user, team, feature, session and tags of the program's own, for all calls inside a `with` block."""

from __future__ import annotations

from enum import Enum
from typing import TYPE_CHECKING, Any

from opentelemetry import baggage
from opentelemetry import context as otel

from costspan.guard import Guard
from costspan.rollup import Account
from costspan.scope import Run, Scoped, scope_in

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from opentelemetry.context import Context

_READ = Guard("read who pays")
_LONGEST = 256  # characters of a value; what is longer is no name but a leak, and is cut
_MOST = 32  # keys of one block, against tags made of data
BAGGAGE_PREFIX = "costspan."


class attribution(Scoped[Run]):  # noqa: N801 reads as the statement that it is: `with attribution(team=…)`
    """Says who pays for the calls inside: `with costspan.attribution(user="alice", team="search", tier="gold"):`.

    Also `async with`, and a decorator of any function. Blocks nest: what an inner one does not say, it inherits. The
    names `user`, `session`, `conversation`, `team` and `feature` have attributes of their own; any other is a tag.
    A value may be anything with a text; None says nothing.
    """

    def __init__(self, **payers: Any) -> None:
        super().__init__()
        self.payers = clean(payers)

    def open(self) -> Run:
        """The scope around with who pays here, and a sum of its own."""
        around = scope_in(otel.get_current())
        if around.account is not None:
            around.account.note(self.payers)
        return Run({**around.payers, **self.payers}, Account(around.account))


def clean(given: Mapping[str, Any]) -> dict[str, str]:
    """Who pays as text: no None, nothing empty, nothing endless. A value that has no text is left out and noted."""
    payers: dict[str, str] = {}
    for key, value in given.items():
        with _READ:
            text = _text(value)
            if text and len(payers) < _MOST:
                payers[str(key)[:_LONGEST]] = text
    return payers


def _text(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, Enum):
        value = value.value
    text = value[:_LONGEST] if isinstance(value, str) else str(value)[:_LONGEST]
    if not text.isprintable():  # control characters and lone surrogates break exporters and terminals
        text = "".join(each for each in text if each.isprintable())
    return text.strip()


def from_baggage(context: Context, trusted: Iterable[str]) -> dict[str, str]:
    """Who an upstream service says pays, in W3C baggage (`costspan.team=search`); only keys that are trusted."""
    said = {key: baggage.get_baggage(BAGGAGE_PREFIX + key, context) for key in trusted}
    return clean(said)

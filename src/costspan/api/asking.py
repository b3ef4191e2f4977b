"""The query string that every endpoint takes, as a question."""

from __future__ import annotations

from datetime import datetime, timezone
from typing import TYPE_CHECKING

from costspan.ledger.question import Filter, Question, QuestionError, make_filter, parse_by, parse_time, parse_zone

if TYPE_CHECKING:
    from collections.abc import Iterable

    from starlette.datastructures import QueryParams

OWN = ("since", "until", "tz", "group_by", "top", "order", "limit", "format", "what_if")

QUESTION_SECONDS = 30  # that a ledger may take for one answer of its server
_MOST_GROUPS = 100_000  # a tenth of a gigabyte


def question_of(query: QueryParams) -> Question:
    """`?since=7d&team=search&model=gpt-4o&model=gpt-5*&user!=bot&group_by=day,model&tz=Europe/Berlin`.

    A name given several times means any of the values; `name!` means none of them.

    Raises:
        QuestionError: A parameter is not known or its value is not allowed.
    """
    now = datetime.now(timezone.utc)
    zone = parse_zone(query.get("tz", "UTC"))
    start = query.get("since", "30d")
    until = query.get("until", "")
    return Question(
        None if start == "all" else parse_time(start, now=now, zone=zone),
        parse_time(until, now=now, zone=zone) if until else None,
        parse_by(",".join(query.getlist("group_by"))),
        tuple(_filters(query)),
        zone,
        _MOST_GROUPS,
    )


def _filters(query: QueryParams) -> Iterable[Filter]:
    for name in dict.fromkeys(query.keys()):
        if name not in OWN:
            yield make_filter(name, query.getlist(name))


def whole(query: QueryParams, name: str, default: int, most: int) -> int:
    """A whole number from 1 to `most`.

    Raises:
        QuestionError: It is not.
    """
    text = query.get(name, str(default))
    if not (text.isascii() and text.isdigit() and len(text) <= len(str(most)) and 1 <= int(text) <= most):
        raise QuestionError(f"{name} must be a whole number from 1 to {most}, not {text!r}")
    return int(text)

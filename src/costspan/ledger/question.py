"""A question about spend: which calls, in what period, grouped how. Both stores answer the same ones."""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta, timezone, tzinfo
from typing import TYPE_CHECKING

from costspan.ledger.record import Dims
from costspan.limits import find_zone

if TYPE_CHECKING:
    from collections.abc import Iterable

TIMES = ("hour", "day", "week", "month")
NAMES = tuple(name for name in Dims._fields if name != "tags")
_TAG = re.compile(r"tag\.[\w.\-\u00a1-\U0010ffff]{1,100}")  # no sign that SQL, or a list of filters, gives a meaning
_COMMA = re.compile(r"(?<!\\),")
_AGO = re.compile(r"(\d{1,5})([mhdw])")
_UNITS = {"m": "minutes", "h": "hours", "d": "days", "w": "weeks"}
_SHIFT = timedelta(days=2)  # more than any two zones are apart: within it of a calendar's ends no zone can tell a time
EARLIEST = datetime.min.replace(tzinfo=timezone.utc) + _SHIFT
_LATEST = datetime.max.replace(tzinfo=timezone.utc) - _SHIFT


class QuestionError(ValueError):
    """The question cannot be asked; one line with what is allowed."""


@dataclass(frozen=True, slots=True)
class Filter:
    """Calls whose `name` is one of `values` (`*` stands for any text), or with `negative` none of them."""

    name: str
    values: tuple[str, ...]
    negative: bool = False


@dataclass(frozen=True, slots=True)
class Question:
    """Spend of the calls from `since` up to, not including, `until` (aware; None: no limit)."""

    since: datetime | None = None
    until: datetime | None = None
    by: tuple[str, ...] = ()
    where: tuple[Filter, ...] = ()
    zone: tzinfo = field(default=timezone.utc)  # whose days, weeks and months
    most: int = 0  # groups that it may have, where a server must not hold any number of them; 0: no limit

    def __post_init__(self) -> None:
        for name in self.by:
            if name not in TIMES:
                check_name(name)
        if sum(name in TIMES for name in self.by) > 1:
            raise QuestionError(f"group by one of {', '.join(TIMES)}, not by several")

    @property
    def time(self) -> str:
        """The time that it groups by, or nothing."""
        return next((name for name in self.by if name in TIMES), "")

    def fine(self) -> bool:
        """Whether it looks at what only the finer roll-up has: users and tags."""
        asked = {*self.by, *(each.name for each in self.where)}
        return any(name == "user" or name.startswith("tag.") for name in asked)

    def within(self, since: datetime | None, until: datetime | None) -> Question:
        """The same of another period."""
        return replace(self, since=since, until=until)


def check_name(name: str) -> str:
    """The name, if calls can be grouped and filtered by it.

    Raises:
        QuestionError: They cannot.
    """
    if name not in NAMES and not (_TAG.fullmatch(name) and name.isprintable()):
        raise QuestionError(f"there is no {name!r}: choose from {', '.join((*TIMES, *NAMES))} or tag.<name>")
    return name


def parse_by(text: str) -> tuple[str, ...]:
    """`day,model` as names; each once.

    Raises:
        QuestionError: A name is not known.
    """
    names = dict.fromkeys(name.strip() for name in text.split(",") if name.strip())
    return tuple(name if name in TIMES else check_name(name) for name in names)


def parse_where(texts: Iterable[str]) -> tuple[Filter, ...]:
    r"""`team=search`, `model=gpt-4o,gpt-5*`, `user!=bot` as filters; all must hold. A comma in a value is `\,`.

    Raises:
        QuestionError: Not of that form, or a name is not known.
    """
    filters = []
    for text in texts:
        name, sign, values = text.partition("=")
        if not sign:
            raise QuestionError(f"{text!r} is no filter: write name=value, name!=value or name=a,b")
        filters.append(make_filter(name, [value.replace(r"\,", ",").strip() for value in _COMMA.split(values)]))
    return tuple(filters)


def make_filter(name: str, values: Iterable[str]) -> Filter:
    """Calls whose `name` is one of the values, as they are; of `name!`, none of them.

    Raises:
        QuestionError: The name is not known, or a value is no text.
    """
    known, kept = check_name(name.rstrip("!").strip()), tuple(values)
    for each in kept:
        if not isinstance(each, str) or any("\ud800" <= letter <= "\udfff" for letter in each):  # bytes of an argument
            raise QuestionError(f"{each!r} is no value: it is not UTF-8 text")
    return Filter(known, kept, name.endswith("!"))


def parse_time(text: str, *, now: datetime, zone: tzinfo = timezone.utc) -> datetime:
    """A moment: `24h` ago; `30d` ago and then midnight; `today`, `month`; `2026-11-01T10:00`, with a zone or in `zone`.

    Days and weeks ago begin at midnight: half a day compares with nothing, and whole days are summed up already.

    Raises:
        QuestionError: None of these.
    """
    local = now.astimezone(zone)
    midnight = local.replace(hour=0, minute=0, second=0, microsecond=0)
    if text in ("now", "today", "yesterday", "month"):
        return {
            "now": now,
            "today": midnight,
            "yesterday": midnight - timedelta(days=1),
            "month": midnight.replace(day=1),
        }[text]
    if ago := _AGO.fullmatch(text):
        return (midnight if ago[2] in "dw" else now) - timedelta(**{_UNITS[ago[2]]: int(ago[1])})
    try:
        moment = datetime.fromisoformat(text.replace("Z", "+00:00"))
    except ValueError:
        raise QuestionError(
            f"{text!r} is no time: write 2026-11-01, 2026-11-01T10:00, 30d, 24h, today, yesterday or month"
        ) from None
    moment = moment if moment.tzinfo else moment.replace(tzinfo=zone)
    return min(max(moment, EARLIEST), _LATEST)


def parse_zone(name: str) -> tzinfo:
    """As `find_zone`, for a question.

    Raises:
        QuestionError: There is none.
    """
    try:
        return find_zone(name)
    except ValueError as error:
        raise QuestionError(str(error)) from error

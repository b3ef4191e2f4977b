"""Reads fields of a price file; every error names file, line and field."""

from __future__ import annotations

import re
from datetime import date
from typing import TYPE_CHECKING, Any, TypeAlias

from costspan.pricing.model import ALL_WEEK, windows_between
from costspan.pricing.rates import RateError, dollars, per_hour, per_unit
from costspan.usage import TOKENS, UNITS

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping
    from decimal import Decimal

    from costspan.pricing.document import Document, PriceListError
    from costspan.pricing.model import Rates, Steps, Window

Where: TypeAlias = "tuple[str | int, ...]"  # the way from the document's top to a field

_MILLION = 1_000_000
_COUNT = re.compile(r"[0-9]{1,12}")
_HOURS = re.compile(r"([01]?\d|2[0-3]):([0-5]\d)-([01]?\d|2[0-3]|24(?=:00)):([0-5]\d)")
_TIMES = {"second": 3600, "minute": 60, "hour": 1}  # in an hour
_TIMED = {
    "input_audio": "input_audio_ms",
    "output_audio": "output_audio_ms",
    "output_video": "output_video_ms",
    "gpu": "compute_ms",
}
# price field: (bucket, for how many units the price is, or how often its time is in an hour)
PRICE_FIELDS: Mapping[str, tuple[str, int]] = {
    **{bucket: (bucket, _MILLION) for bucket in (*TOKENS, "input_characters", "output_characters")},
    **{bucket: (bucket, 1) for bucket in UNITS if not bucket.endswith(("_ms", "_characters"))},
    **{f"{what}_{unit}": (bucket, times) for what, bucket in _TIMED.items() for unit, times in _TIMES.items()},
}
PERIOD_FIELDS = frozenset({"since", "hours", "weekdays"})


class Fields:
    """The fields of one object of a document."""

    def __init__(self, document: Document, entry: Any, where: Where, allowed: Collection[str]) -> None:
        self._document = document
        self._where = where
        if not isinstance(entry, dict):
            raise document.fail(where, f"must be an object, not {entry!r}")
        self.entry = entry
        for name in entry:
            if name not in allowed:
                raise self.fail("is not known here", str(name))

    def has(self, name: str) -> bool:
        """Whether a field is there."""
        return name in self.entry

    def fail(self, problem: str, *where: str | int) -> PriceListError:
        """The error that `problem` is at a field of this object."""
        return self._document.fail((*self._where, *where), problem)

    def objects(self, name: str, allowed: Collection[str]) -> list[Fields]:
        """The objects of a list."""
        entries = self.entry.get(name)
        if entries is None:
            return []
        if not isinstance(entries, list):
            raise self.fail("must be a list", name)
        where = (*self._where, name)
        return [Fields(self._document, entry, (*where, index), allowed) for index, entry in enumerate(entries)]

    def inner(self, name: str, allowed: Collection[str]) -> Fields:
        """The object in a field."""
        return Fields(self._document, self.entry[name], (*self._where, name), allowed)

    def text(self, name: str, default: str | None = None) -> str:
        """A text; required if there is no default."""
        value = self.entry.get(name, default)
        if not isinstance(value, str) or (not value and default is None):
            raise self.fail(f"must be a text, not {value!r}", name)
        return value

    def texts(self, name: str) -> tuple[str, ...]:
        """A list of texts, none if absent."""
        value = self.entry.get(name) or []
        if not isinstance(value, list) or not all(isinstance(each, str) for each in value):
            raise self.fail(f"must be a list of texts, not {value!r}", name)
        return tuple(value)

    def flag(self, name: str) -> bool:
        """True or false, false if absent."""
        value = self.entry.get(name, False)
        if type(value) is not bool:
            raise self.fail(f"must be true or false, not {value!r}", name)
        return value

    def day(self, name: str) -> date | None:
        """A day, None if absent."""
        value = self.entry.get(name)
        if value is None or type(value) is date:
            return value
        try:
            return date.fromisoformat(value)
        except (TypeError, ValueError):
            raise self.fail(f"must be a day like 2026-01-31, not {value!r}", name) from None

    def until(self) -> date | None:
        """The last day, None if absent."""
        since, until = self.day("since"), self.day("until")
        if since and until and until < since:
            raise self.fail("must not be before since", "until")
        return until

    def limit(self, name: str) -> int | None:
        """A whole number above 0, None if absent."""
        value = self.entry.get(name)
        if value is not None and (type(value) is not int or value <= 0):
            raise self.fail(f"must be a whole number above 0, not {value!r}", name)
        return value

    def number(self, name: str, *inner: str | int, value: Any = None) -> Decimal:
        """A plain number from 0 up: dollars, percent or a factor."""
        try:
            return dollars(self.entry.get(name) if value is None else value)
        except RateError as error:
            raise self.fail(str(error), name, *inner) from None

    def rates(self) -> Rates:
        """The prices among the fields."""
        return {PRICE_FIELDS[name][0]: self._steps(name) for name in self.entry if name in PRICE_FIELDS}

    def windows(self) -> tuple[Window, ...]:
        """The hours of the UTC day, and the weekdays, for which an object holds; none: always."""
        weekdays = self.entry.get("weekdays") or ()
        if not isinstance(weekdays, (list, tuple)) or not all(day in ALL_WEEK for day in weekdays):
            raise self.fail("must be a list of ISO weekdays: 1 is Monday, 7 is Sunday", "weekdays")
        hours = self.texts("hours") or (("00:00-24:00",) if weekdays else ())
        days = tuple(weekdays) or ALL_WEEK
        return tuple(
            window for index, text in enumerate(hours) for window in windows_between(*self._span(text, index), days)
        )

    def _span(self, text: str, index: int) -> tuple[int, int]:
        found = _HOURS.fullmatch(text)
        if found is None:
            raise self.fail(f"must be hours of the UTC day like 01:00-04:00, not {text!r}", "hours", index)
        return int(found[1]) * 60 + int(found[2]), int(found[3]) * 60 + int(found[4])

    def _steps(self, name: str) -> Steps:
        """One price, or prices by the input tokens above which each holds: `{0: 2.5, 272000: 5}`."""
        value = self.entry[name]
        if not isinstance(value, dict):
            return ((0, self._rate(name, self.number(name))),)
        if not all(_COUNT.fullmatch(str(above)) for above in value):
            raise self.fail("must be a price, or prices by the number of input tokens above which they hold", name)
        steps = {int(above): self._rate(name, self.number(name, str(above), value=value[above])) for above in value}
        if 0 not in steps:
            raise self.fail("must have a price above 0 input tokens", name)
        return tuple(sorted(steps.items()))

    def _rate(self, name: str, amount: Decimal) -> int:
        bucket, units = PRICE_FIELDS[name]
        return per_hour(amount, units) if bucket.endswith("_ms") else per_unit(amount, units)

"""Exact sums of whole numbers, read when metrics are collected."""

from __future__ import annotations

from typing import TYPE_CHECKING

from opentelemetry import context as otel
from opentelemetry.metrics import Observation

if TYPE_CHECKING:
    from threading import RLock

COLLECTION = otel.create_key("costspan-collection")  # in the context of a collection that is not a regular one:
OWN_ZEROS = "own zeros"  # its reader shows zeros by itself
EARLY = "early"  # it is between the regular ones, and only to show new series as 0
Series = tuple[tuple[str, str], ...]  # names and values of the attributes


class Row(dict[str, int]):
    """The sums of one series by their last label; whoever adds holds the counter's lock."""

    __slots__ = ("_counter",)

    def __init__(self, counter: ExactCounter) -> None:
        self._counter = counter

    def __missing__(self, _label: str) -> int:
        self._counter.grown = True
        return 0


class ExactCounter:
    """Whole-number sums by attribute set, read when metrics are collected.

    A new series is reported as 0 at its first collection and with its value from the second, so that PromQL's
    `increase()` misses nothing; `settle()` makes all report their values at once, for the last flush.
    """

    def __init__(self, lock: RLock, label: str, scale: int = 1) -> None:
        self._lock = lock
        self._label = label  # what tells the amounts of a series apart; empty if nothing does
        self._scale = scale
        self._rows: dict[Series, Row] = {}
        self._shown: set[tuple[Series, str]] = set()
        self._announced: set[tuple[Series, str]] = set()  # by an early collection
        self._first: set[tuple[Series, str]] = set()  # of the last collection
        self._settled = False
        self.grown = False  # by a series, since somebody has looked

    def row(self, series: Series) -> Row:
        """The sums of these attributes; the caller holds the lock."""
        if series not in self._rows:
            self._rows[series] = Row(self)
        return self._rows[series]

    def observe(self) -> list[Observation]:
        """One observation for each amount of each series."""
        with self._lock:
            sums = [((series, last), amount) for series, row in self._rows.items() for last, amount in row.items()]
        first: set[tuple[Series, str]] = set()
        if (kind := otel.get_value(COLLECTION)) != OWN_ZEROS:
            first = self._first = {key for key, _ in sums if key not in self._shown}
            # a regular one shows 0 again after an early one: for less than its interval, no scrape might see it
            (self._announced if kind == EARLY else self._shown).update(first)
        observations = []
        for key, amount in sums:
            value = amount if self._settled or key not in first else 0
            attributes = {**dict(key[0]), **({self._label: key[1]} if key[1] else {})}
            observations.append(Observation(value / self._scale if self._scale > 1 else value, attributes))
        return observations

    def take_back(self) -> None:
        """The last collection has not arrived: what it reported first is reported as 0 once more."""
        self._shown -= self._first
        self._announced -= self._first

    def settle(self) -> None:
        """From now on every series reports its value, also one that was never collected."""
        self._settled = True

    @property
    def unsettled(self) -> bool:
        """Whether a series was never collected."""
        return len(self._shown | self._announced) < sum(map(len, tuple(self._rows.values())))

    def clear(self) -> None:
        """Start from nothing: a forked child must not report its parent's spend again."""
        self._rows.clear()
        self._shown.clear()
        self._announced.clear()
        self._first.clear()

"""Limits for the whole process, from the file that `COSTSPAN_BUDGETS` names: per team, user or model, day or month.

They count what this process spends from its start on; a new period begins at midnight of the zone that is named.
"""

from __future__ import annotations

import time
from collections import OrderedDict
from dataclasses import dataclass, field
from datetime import datetime, timedelta, timezone, tzinfo
from difflib import get_close_matches
from threading import RLock
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from costspan.budgets import BudgetExceededError, Limit
from costspan.config import SettingError, variable
from costspan.forking import in_children
from costspan.pricing.document import read_document
from costspan.rollup import Spend

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

EACH = "*"  # every value of a key has a limit of its own
_MOST_VALUES = 100_000  # values counted for one `*`; the one that was quiet longest is forgotten first
_WORDS = ("name", "usd", "tokens", "per", "timezone", "warn_at", "on_exceed", "strict")
WHOSE = ("team", "user", "feature", "model", "provider", "session", "conversation")  # calls it can be for
TAG = "tag."  # stands before the name of a tag, as in reports: any other word that is not known is a slip
_FOREVER = float("inf")
_PERIODS = {"process": _FOREVER, "day": 86_400, "month": 31 * 86_400}  # and their seconds, at most
_MOST_SHARE = 10  # times the limit; more is a slip: who writes 80 means 0.8
Who = tuple[tuple[str, str], ...]


def find_zone(name: str) -> tzinfo:
    """The time zone of that name: `Europe/Berlin`, or `UTC`, which is there also where the machine knows no zones.

    Raises:
        ValueError: There is none.
    """
    if name.upper() == "UTC":
        return timezone.utc
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise ValueError(f"there is no time zone {name!r}: write Europe/Berlin, for example") from None


class Period:
    """Days or months of a time zone, or the life of the process. A clock that is set back forgets nothing."""

    def __init__(self, per: str, zone: str, clock: Callable[[], float] = time.time) -> None:
        if per not in _PERIODS:
            raise ValueError(f"per must be {', '.join(_PERIODS)}, not {per!r}")
        self.per = per
        self.zone = find_zone(zone)
        self._clock = clock
        self._begin(clock())

    def is_over(self) -> bool:
        """Whether a new one has begun since this was last asked."""
        now = self._clock()
        if self._earliest <= now < self._ends:
            return False
        over = now >= self._ends
        self._begin(now)
        return over

    def _begin(self, now: float) -> None:
        self._ends = self._next(now)
        self._earliest = now - _PERIODS[self.per]  # before that, the clock has been far ahead: it begins again

    def _next(self, now: float) -> float:
        if self.per == "process":
            return _FOREVER
        start = datetime.fromtimestamp(now, self.zone).replace(hour=0, minute=0, second=0, microsecond=0)
        days = 1 if self.per == "day" else 32 - start.day
        later = start.replace(tzinfo=None) + timedelta(days=days)  # by the calendar: not every day has 24 hours
        if self.per == "month":
            later = later.replace(day=1)
        return later.replace(tzinfo=self.zone).timestamp()


@dataclass
class Watched:
    """What one value (a team, a user) has spent of a limit in this period."""

    spent: Spend = field(default_factory=Spend)
    told: int = 0  # how many of the thresholds were reported


class Quota:
    """One entry of the file: a limit, for whom, and for how long."""

    def __init__(self, limit: Limit, keys: Mapping[str, str], period: Period, warn_at: tuple[float, ...] = ()) -> None:
        self.limit = limit
        self.keys = dict(keys)
        self.period = period
        self._thresholds = tuple(sorted({*warn_at, 1.0}))
        self._lock = RLock()
        self._spent: OrderedDict[Who, Watched] = OrderedDict()
        in_children(self._start_anew)

    def _start_anew(self) -> None:
        """A forked child has spent nothing, and the lock of a thread that it does not have."""
        self._lock = RLock()
        self._spent.clear()

    def who(self, payers: Mapping[str, str]) -> Who | None:
        """The values of this call that are counted together; None if the quota is not for it."""
        found = []
        for key, wanted in self.keys.items():
            value = payers.get(key)
            if value is None or wanted not in (EACH, value):
                return None
            found.append((key, value))
        return tuple(found)

    def spent(self, who: Who) -> Spend:
        """What was spent in this period."""
        with self._lock:
            self._turn()
            watched = self._spent.get(who)
            return watched.spent if watched is not None else Spend()

    def refuses(self, who: Who, running: Spend, call: str) -> BudgetExceededError | None:
        """What to raise instead of the call."""
        return self.limit.refuses(self.spent(who).plus(running), call)

    def add(self, who: Who, spend: Spend) -> list[float]:
        """Count a call; gives the thresholds (1.0 is the limit) that it crossed, each once per period."""
        with self._lock:
            self._turn()
            watched = self._spent.get(who)
            if watched is None:
                watched = self._spent[who] = Watched()
                if len(self._spent) > _MOST_VALUES:
                    self._spent.popitem(last=False)
            elif EACH in self.keys.values():
                self._spent.move_to_end(who)
            watched.spent = watched.spent.plus(spend)
            return self._crossed(watched)

    def _crossed(self, watched: Watched) -> list[float]:
        used = self.limit.used(watched.spent)
        reached = sum(used >= self.limit.most * threshold for threshold in self._thresholds)
        crossed = list(self._thresholds[watched.told : reached])
        watched.told = reached
        return crossed

    def _turn(self) -> None:
        if self.period.is_over():
            self._spent.clear()

    def shares(self) -> Iterator[tuple[Who, Spend]]:
        """For whom how much was spent; one that names everybody is there from the start."""
        with self._lock:
            self._turn()
            shares = {who: watched.spent for who, watched in self._spent.items()}
        if EACH not in self.keys.values():
            shares.setdefault(tuple(self.keys.items()), Spend())
        yield from shares.items()


def read_quotas(path: str) -> tuple[Quota, ...]:
    """The entries of a budget file (JSON, or YAML where PyYAML is installed); none for an empty path.

    Raises:
        SettingError: The file cannot be read, or an entry is not understood; names file, entry and cause.
    """
    if not path:
        return ()
    try:
        entries = _entries(path)
        return tuple(_quota(entry, index) for index, entry in enumerate(entries))
    except (ValueError, TypeError) as error:
        raise SettingError(f"{variable('budgets')}={path} cannot be used: {error}") from None


def _entries(path: str) -> list[dict[str, Any]]:
    found = read_document(path).data
    entries = found.get("budgets") if isinstance(found, dict) else found
    if not isinstance(entries, list) or not all(isinstance(each, dict) for each in entries):
        raise TypeError("it must hold a list `budgets` of entries like {team: search, usd: 100, per: month}")
    return entries


def _quota(entry: dict[str, Any], index: int) -> Quota:
    keys = {str(key).removeprefix(TAG): str(value) for key, value in entry.items() if key not in _WORDS}
    per, zone = str(entry.get("per", "process")), str(entry.get("timezone", "UTC"))
    name = str(entry.get("name") or " ".join([*(f"{key}={value}" for key, value in keys.items()), f"per {per}"]))
    try:
        _check(entry)
        amount = {unit: entry.get(unit) for unit in ("usd", "tokens")}
        limit = Limit(name, **amount, on_exceed=entry.get("on_exceed", "warn"), strict=entry.get("strict", False))
        return Quota(limit, keys, Period(per, zone), _shares(entry.get("warn_at", [])))
    except (OSError, TypeError, ValueError, LookupError) as error:
        raise ValueError(f"entry {index + 1} ({name}): {error}") from None


def _check(entry: dict[str, Any]) -> None:
    """Nothing that would make a limit which never holds, without a word."""
    for key, value in entry.items():
        if key in _WORDS:
            continue
        if key not in WHOSE and not str(key).startswith(TAG):
            near = get_close_matches(str(key), (*_WORDS, *WHOSE), 1) or (*_WORDS, *WHOSE)
            raise ValueError(f"there is no {key!r}: write {', '.join(near)}, or {TAG}{key} for a tag")
        if value is None or isinstance(value, (list, dict)) or (EACH in str(value) and value != EACH):
            raise TypeError(f"{key} must be one value, or {EACH!r} for every value, not {value!r}")
    if not isinstance(entry.get("on_exceed", ""), str) or not isinstance(entry.get("strict", False), bool):
        raise TypeError("on_exceed must be raise or warn, strict true or false")


def _shares(given: Any) -> tuple[float, ...]:
    if isinstance(given, list) and all(type(each) in (int, float) and 0 < each < _MOST_SHARE for each in given):
        return tuple(map(float, given))
    raise ValueError(f"warn_at must be shares of the limit, like [0.5, 0.8], not {given!r}")

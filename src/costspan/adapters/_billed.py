"""What was billed before of things that are asked for again and again: background answers, videos, batches."""

from __future__ import annotations

from collections import OrderedDict
from threading import RLock
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from costspan.call import Reply

_MOST = 10_000  # ids remembered, the oldest forgotten first
_ALL = 2**63  # results of a batch that is billed by its own usage


class Once:
    """Remembers ids, and how much of each was billed, for as long as they fit, to bill each thing once."""

    def __init__(self, size: int = _MOST) -> None:
        self._size = size
        self._ids: OrderedDict[str, int] = OrderedDict()
        self._lock = RLock()

    def add(self, key: str) -> bool:
        """True the first time a key is added."""
        return bool(self.more(key, 1))

    def more(self, key: str, amount: int) -> int:
        """By how much the amount of a key is more than before."""
        with self._lock:
            before = self._ids.get(key, 0)
            self._ids[key] = max(amount, before)
            self._ids.move_to_end(key)
            if len(self._ids) > self._size:
                self._ids.popitem(last=False)
            return max(0, amount - before)

    def first(self, key: str, amount: int) -> bool:
        """Whether the key was not there; it has this amount then."""
        with self._lock:
            return key not in self._ids and bool(self.more(key, amount))

    def has(self, key: str, amount: int) -> bool:
        """Whether the amount of a key is at least this."""
        return self._ids.get(key, 0) >= amount

    def take(self, key: str) -> bool:
        """True if the key was there; it is gone then."""
        with self._lock:
            return self._ids.pop(key, self) is not self


class Batch(NamedTuple):
    """The batch that a file of results is of, or the job that is polled; what was asked of it is not told again."""

    id: str
    model: str = ""
    size: str = ""


class Batches:
    """What was billed of each batch, by the number of its results, be they in the batch itself or in a file."""

    def __init__(self, size: int = _MOST) -> None:
        self._size = size
        self._billed = Once(size)
        self._files: OrderedDict[str, Batch] = OrderedDict()
        self._lock = RLock()

    def is_new(self, batch: str, result: int) -> bool:
        """Whether this result (the first is 1) was not billed before; it is now."""
        return self._billed.more(batch, result) > 0

    def is_whole(self, batch: str) -> bool:
        """Whether none of its results were billed before; all are then."""
        return self._billed.first(batch, _ALL)

    def name(self, file: str, batch: Batch) -> None:
        """A finished batch has named the file of its results."""
        with self._lock:
            self._files[file] = batch
            self._files.move_to_end(file)
            if len(self._files) > self._size:
                self._files.popitem(last=False)

    def of(self, file: str) -> Batch | None:
        """Whose results are in a file; None if no batch has named it."""
        return self._files.get(file)

    def waiting(self, file: str) -> Batch | None:
        """As `of`; None also if all of that batch was billed."""
        batch = self.of(file)
        return None if batch is None or self._billed.has(batch.id, _ALL) else batch

    def settle(self, file: str, reply: Reply) -> None:
        """Bill what a file was seen to tell; a look at results that were counted before costs nothing."""
        reply.id = file
        reply.terms = reply.terms._replace(batch=True)
        reply.already_billed = not (reply.usage or reply.unpriced or reply.untold)
        if not reply.already_billed and not reply.partial:
            self.close(file)

    def close(self, file: str) -> None:
        """All of a file was read: there is no more to bill of its batch."""
        if (batch := self.of(file)) is not None:
            self._billed.more(batch.id, _ALL)

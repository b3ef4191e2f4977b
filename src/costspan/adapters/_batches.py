"""Batches, which are asked for again and again: what each of their results used is billed once in this process."""

from __future__ import annotations

from collections import OrderedDict
from threading import RLock
from typing import NamedTuple

_MOST = 10_000  # batches remembered, and files of results; the oldest are forgotten first


class Batch(NamedTuple):
    """The batch that a file of results is of."""

    id: str
    model: str = ""


class Batches:
    """What was billed of each batch, by the number of its results, be they in the batch itself or in a file."""

    def __init__(self, size: int = _MOST) -> None:
        self._size = size
        self._results: OrderedDict[str, int] = OrderedDict()
        self._files: OrderedDict[str, Batch] = OrderedDict()
        self._lock = RLock()

    def is_new(self, batch: str, result: int) -> bool:
        """Whether this result (the first is 1) was not billed before; it is now."""
        with self._lock:
            new = not batch or result > self._results.get(batch, 0)
            if new:
                self._results[batch] = result
            self._remember(self._results, batch)
            return new

    def name(self, file: str, batch: Batch) -> None:
        """A finished batch has named the file of its results."""
        with self._lock:
            self._files[file] = batch
            self._remember(self._files, file)

    def of(self, file: str) -> Batch | None:
        """Whose results are in a file; None if no batch has named it."""
        return self._files.get(file)

    def _remember(self, known: OrderedDict[str, int] | OrderedDict[str, Batch], key: str) -> None:
        known.move_to_end(key)
        if len(known) > self._size:
            known.popitem(last=False)

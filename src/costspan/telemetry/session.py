"""The HTTP session of exporters that costspan sets up: a forked child opens connections of its own.

A worker that inherits an open connection writes into the same stream as its parent and its siblings: the other side
sees nonsense, and the first export of each is lost.
"""

from __future__ import annotations

import os
from collections import OrderedDict
from copy import copy
from typing import TYPE_CHECKING

from requests import Session

if TYPE_CHECKING:
    from requests.adapters import BaseAdapter


class ProcessSession(Session):
    """A session whose connections belong to the process that uses them."""

    def __init__(self) -> None:
        super().__init__()
        self._process = os.getpid()
        self._inherited: list[object] = []

    def get_adapter(self, url: str) -> BaseAdapter:
        """The adapter for a URL. Looked at by process, not in a fork hook: exporters' threads begin in such hooks."""
        if self._process != os.getpid():
            # never given up: to close them takes locks, which a thread of the parent may have held at the fork
            self._inherited.append(self.adapters)
            self.adapters = OrderedDict((prefix, copy(adapter)) for prefix, adapter in self.adapters.items())
            self._process = os.getpid()
        return super().get_adapter(url)

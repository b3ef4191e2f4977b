"""What must be made anew in a forked child, which has its parent's objects and none of its parent's threads."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any
from weakref import WeakMethod

if TYPE_CHECKING:
    from collections.abc import Callable


def in_children(renew: Callable[[], Any]) -> None:
    """Call this method of an object in every child that is forked from now on, as long as the object lives."""
    held = WeakMethod(renew)

    def after_fork() -> None:
        if (alive := held()) is not None:
            alive()

    if hasattr(os, "register_at_fork"):
        os.register_at_fork(after_in_child=after_fork)

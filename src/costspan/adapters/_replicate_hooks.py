"""A prediction that is made without waiting for it: what it used is told when it is asked for, and billed then, once.

Source: replicate 1.0.7 as installed, read 2026-11-23: `wait`, `reload` and `output_iterator` end in `Predictions.get`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from costspan.adapters._billed import Once
from costspan.adapters._paths import member, text_of

if TYPE_CHECKING:
    from costspan.call import Reply, Request

_PENDING = Once()  # predictions whose making told no usage


def read_made(_request: Request, last: Any, reply: Reply) -> None:
    """Of one that runs, what it used is not known yet, also if some of its answer is."""
    reply.pending = reply.usage is None and text_of(member(last, "status")) in ("starting", "processing")
    if reply.pending:
        _PENDING.add(reply.id)
        reply.unpriced = "the prediction runs on; its usage is told when it is asked for"


def read_again(_request: Request, _last: Any, reply: Reply) -> None:
    """One that is asked for was billed when it was made, unless its making could not tell the usage."""
    reply.already_billed = reply.usage is None or not _PENDING.take(reply.id)

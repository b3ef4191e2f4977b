"""What of Cohere's API needs logic: pictures, which are told by number and by tokens, and jobs, polled until done.

Source: cohere 7.3 as installed, read 2026-11-23. Whether a batch costs less, Cohere's pages do not say.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from costspan.adapters._openai_hooks import bill_once
from costspan.adapters._paths import member, path, text_of
from costspan.usage import Usage

if TYPE_CHECKING:
    from costspan.call import Reply, Request

_BATCH = path("data.batch")
_RUNNING = ("QUEUED", "IN_PROGRESS", "CANCELING", "UNSPECIFIED")
_DONE = ("complete", "cancelled", "failed")


def count_pictures_once(_request: Request, _last: Any, reply: Reply) -> None:
    """Where a picture's tokens are told, they are what is billed (embed-v4.0, in litellm 1.109.1)."""
    if reply.usage is not None and reply.usage.input_image:
        reply.usage = Usage.of({bucket: count for bucket, count in reply.usage if bucket != "images"})


def bill_batch(request: Request, last: Any, reply: Reply) -> None:
    """A finished batch tells its tokens, as text; billed once per id in this process."""
    batch = _BATCH(last)
    if not text_of(member(batch, "status")).endswith(_RUNNING):
        told = {side: text_of(member(batch, f"{side}_tokens")) for side in ("input", "output")}
        reply.usage = Usage(**{side: int(count) for side, count in told.items() if count.isdecimal()}) or None
    reply.terms = reply.terms._replace(batch=True)
    bill_once(request, last, reply)
    answered = member(batch, "num_successful_records")
    if reply.usage and type(answered) is int and answered > 0:
        reply.usage += Usage(requests=answered)


def bill_job(request: Request, last: Any, reply: Reply) -> None:
    """Vectors that were made later: billed when they are first seen done."""
    if text_of(member(member(last, "data"), "status")) not in _DONE:
        reply.usage = None
    bill_once(request, last, reply)

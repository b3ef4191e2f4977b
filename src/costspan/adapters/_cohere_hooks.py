"""What of Cohere's API needs logic: pictures, which are told by number and by tokens, and jobs, polled until done.

Source: cohere 7.3 as installed, read 2026-11-23. Whether a batch costs less, Cohere's pages do not say.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from costspan.adapters._billed import Once
from costspan.adapters._paths import member, path, text_of
from costspan.usage import Usage

if TYPE_CHECKING:
    from costspan.call import Reply, Request

_BATCH = path("data.batch")
_COMPLETE = ("BATCH_STATUS_COMPLETED", "complete")
_STOPPED = ("BATCH_STATUS_FAILED", "BATCH_STATUS_CANCELED", "failed", "cancelled")
_FINISHED = Once()


def count_pictures_once(_request: Request, _last: Any, reply: Reply) -> None:
    """Where a picture's tokens are told, they are what is billed (embed-v4.0, in litellm 1.109.1)."""
    if reply.usage is not None and reply.usage.input_image:
        reply.usage = Usage.of({bucket: count for bucket, count in reply.usage if bucket != "images"})


def bill_batch(request: Request, last: Any, reply: Reply) -> None:
    """A finished batch tells its tokens, as text."""
    batch = _BATCH(last)
    told = {side: text_of(member(batch, f"{side}_tokens")) for side in ("input", "output")}
    counts = {side: int(count) for side, count in told.items() if count.isdecimal()}
    reply.usage = Usage(**counts) if counts else None
    reply.terms = reply.terms._replace(batch=True)
    _bill_once(request, batch, reply)
    answered = member(batch, "num_successful_records")
    if reply.usage and type(answered) is int and answered > 0:
        reply.usage += Usage(requests=answered)


def bill_job(request: Request, last: Any, reply: Reply) -> None:
    """Vectors that were made later."""
    count_pictures_once(request, last, reply)
    _bill_once(request, member(last, "data"), reply)


def _bill_once(request: Request, job: Any, reply: Reply) -> None:
    """A job is billed when it is first seen done, by what it tells then; once per id in this process."""
    status = text_of(member(job, "status"))
    if status not in _COMPLETE + _STOPPED:
        reply.usage = None
    elif reply.usage is None and status in _COMPLETE:
        reply.unpriced = "the job is complete, but does not tell what it used"
        request.body = {}  # its id, which is no text to count
    reply.already_billed = not (reply.usage or reply.unpriced) or not _FINISHED.add(reply.id)

"""Alibaba Cloud's jobs: pictures and videos that are started, and billed by the call that first sees them done.

Source: dashscope 1.20 and 2.0 as installed; alibabacloud.com/help/model-studio: a video is billed by the `duration` of
its usage, at the price of its resolution (`SR`). Read 2026-11-23.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from costspan.adapters._billed import Batch, Batches
from costspan.adapters._paths import path

if TYPE_CHECKING:
    from costspan.call import Reply, Request

_LINES = path("usage.SR")
_JOBS = Batches()


def note_job(request: Request, _last: Any, reply: Reply) -> None:
    """A job that is started: what was asked of which model is not told again. One that is refused has no id."""
    if reply.id:
        _JOBS.name(reply.id, Batch(reply.id, request.model, reply.terms.size))
        reply.already_billed = True


def bill_made(_request: Request, last: Any, reply: Reply) -> None:
    """What was made while the program waited: asked for again, it costs nothing."""
    if reply.usage:
        _JOBS.is_whole(reply.id)
    _note_resolution(last, reply)


def bill_job(request: Request, last: Any, reply: Reply) -> None:
    """A job that was seen to start is billed when it is first seen done, once per id in this process."""
    job = _JOBS.of(reply.id)
    reply.already_billed = job is None or not reply.usage or not _JOBS.is_whole(reply.id)
    if job is not None:
        reply.model = job.model
        reply.terms = reply.terms._replace(size=job.size)
    if reply.usage and reply.usage.output_video_ms:
        request.operation = "video_generation"
    _note_resolution(last, reply)


def _note_resolution(last: Any, reply: Reply) -> None:
    if lines := _LINES(last):
        reply.terms = reply.terms._replace(size=f"{lines}".lower().removesuffix("p") + "p")

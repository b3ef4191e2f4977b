"""Mistral's batches: billed by the answers on the lines of their file of results, or within a finished job.

Source: mistralai 3.7.0 as installed, read 2026-11-23; docs.mistral.ai/capabilities/batch: half the price.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from costspan.adapters._billed import Batch, Batches
from costspan.adapters._mistral_hooks import USAGE
from costspan.adapters._paths import member, path, text_of
from costspan.adapters._request import open_keywords
from costspan.adapters._tally import add_usage
from costspan.adapters._usage import UsageMap

if TYPE_CHECKING:
    from collections.abc import Mapping

    from costspan.adapters._adapter import Adapter, Opened, Seat
    from costspan.call import Call, Reply, Request

_PAGES = UsageMap(pages="pages_processed")
_BODY = path("response.body")
_GOING_ON = ("QUEUED", "RUNNING", "CANCELLATION_REQUESTED")
_BATCHES = Batches()


def read_job(_request: Request, last: Any, reply: Reply) -> None:
    """A finished job that holds its answers is billed by them, once; else they are in a file."""
    reply.terms = reply.terms._replace(batch=True)
    if text_of(member(last, "status")) not in _GOING_ON:
        if results := text_of(member(last, "output_file")):
            _BATCHES.name(results, Batch(reply.id))
        answers = member(last, "outputs")
        for number, line in enumerate(answers if isinstance(answers, list) else (), 1):
            if _BATCHES.is_new(reply.id, number):
                _add(line, reply)
    reply.already_billed = not reply.usage


def open_results(
    adapter: Adapter, seat: Seat, files: Any, args: tuple[Any, ...], kwargs: Mapping[str, Any], settings: Any
) -> Opened | None:
    """The file that a job has named, and that is not billed yet; any other is no call."""
    return open_keywords(adapter, seat, files, args, kwargs, settings) if _BATCHES.waiting(_named(kwargs)) else None


def tally_line(call: Call, line: Any) -> None:
    """Each line is an answer, perhaps of several models."""
    batch = _BATCHES.of(_named(call.request.body))
    if batch is not None and _BATCHES.is_new(batch.id, call.chunks):
        _add(line, call.reply)


def read_results(request: Request, _last: Any, reply: Reply) -> None:
    """A file of results has been read, or a part of it."""
    _BATCHES.settle(_named(request.body), reply)


def _named(given: Mapping[str, Any]) -> str:
    return text_of(given.get("file_id"))


def _add(line: Any, reply: Reply) -> None:
    answer = _BODY(line)
    pages = member(answer, "usage_info")
    usage = USAGE.read((member(answer, "usage"),)).usage or _PAGES.read((pages,)).usage
    if usage is not None:
        add_usage(reply, text_of(member(answer, "model")), usage)
    if member(pages, "pages_processed_annotation"):
        reply.unpriced = "annotated pages have a price of their own, and are in this batch"

"""Gemini's batches: billed when a finished one is asked for, or when the file of its results is read.

Source: google-genai 3.4 as installed; ai.google.dev/gemini-api/docs/batch-api: half the price; both read 2026-11-23.
"""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, Any

from costspan.adapters._billed import Batch, Batches
from costspan.adapters._google import USAGE, open_model_call, read_generated, snake
from costspan.adapters._hearing import parsed
from costspan.adapters._paths import member, path, text_of
from costspan.adapters._tally import add_usage
from costspan.adapters._usage import UsageMap
from costspan.call import Reply
from costspan.guard import Guard

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from costspan.adapters._adapter import Adapter, Opened, Seat
    from costspan.call import Request

_DONE = ("JOB_STATE_SUCCEEDED", "JOB_STATE_PARTIALLY_SUCCEEDED", "JOB_STATE_CANCELLED", "JOB_STATE_EXPIRED")
_ANSWERS = path("dest.inlined_responses.*.response|dest.inlined_embed_content_responses.*.response")
_RESULTS = path("dest.file_name")
_ELSEWHERE = path("dest.gcs_uri|dest.bigquery_uri|dest.vertex_dataset")
_FILE = path("file.name|file")
_GROUNDING = path("candidates.0.groundingMetadata")
_EMBEDDED = UsageMap(input=".")
_BATCHES = Batches()
_ANSWER = Guard("read an answer of a batch")


def read_batch(request: Request, last: Any, reply: Reply) -> None:
    """A finished batch is billed at the batch price, once in this process, by the answers that it holds."""
    reply.id = text_of(member(last, "name"))
    batch = Batch(reply.id, text_of(member(last, "model")).rpartition("/")[2])
    if text_of(member(last, "state")) in _DONE:
        if results := text_of(_RESULTS(last)):
            _BATCHES.name(results, batch)
        _add(request, _ANSWERS(last) or (), batch, reply)
        if _ELSEWHERE(last) and _BATCHES.is_new(batch.id, 1):
            reply.unpriced = "the results of this batch are in your own storage, and only they tell what it used"
    reply.already_billed = reply.usage is None and not reply.unpriced


def open_results(
    adapter: Adapter, seat: Seat, files: Any, args: tuple[Any, ...], kwargs: Mapping[str, Any], settings: Any
) -> Opened | None:
    """The file that a batch has named, and that is not billed yet; any other is no call."""
    return open_model_call(adapter, seat, files, args, kwargs, settings) if _BATCHES.waiting(_named(kwargs)) else None


def read_results(request: Request, last: Any, reply: Reply) -> None:
    """Such a file has an answer on each line."""
    reply.id = _named(request.body)
    batch = _BATCHES.of(reply.id)
    if batch is None:
        return
    if isinstance(last, bytes):
        _add(request, map(_counted, io.BytesIO(last)), batch, reply)
        _BATCHES.close(reply.id)
    elif _BATCHES.is_new(reply.id, 1):
        reply.unpriced = "the results of this batch were written to a file, and not seen"
    reply.already_billed = reply.usage is None and not reply.unpriced


def _named(given: Mapping[str, Any]) -> str:
    return text_of(_FILE(given))


def _counted(line: bytes) -> Any:
    """Of the answer on a line, what tells its counts."""
    told = member(parsed(line), "response")
    counts = {name: member(told, name) for name in ("usageMetadata", "modelVersion", "tokenCount")}
    return snake({**counts, "candidates": [{"groundingMetadata": _GROUNDING(told)}]})


def _add(request: Request, answers: Iterable[Any], batch: Batch, reply: Reply) -> None:
    """Each answer is billed as if it were alone, with its searches; of embeddings, each text."""
    reply.terms = reply.terms._replace(batch=True)
    for number, answer in enumerate(answers, 1):
        with _ANSWER:
            found = [each for root in USAGE.roots if (each := root(answer)) is not None]
            one = Reply(model=text_of(member(answer, "model_version")) or batch.model, terms=reply.terms)
            one.usage = USAGE.read(found).usage or _EMBEDDED.read([member(answer, "token_count")]).usage
            if one.usage is not None and _BATCHES.is_new(batch.id, number):
                read_generated(request, answer, one)
                add_usage(reply, one.model, one.usage)

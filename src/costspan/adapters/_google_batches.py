"""Gemini's batches: billed when a finished one is asked for, or when the file of its results is read.

Source: google-genai 3.4 as installed; ai.google.dev/gemini-api/docs/batch-api: half the price; both read 2026-11-23.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from costspan.adapters._google import USAGE, open_model_call, read_generated, snake
from costspan.adapters._hearing import parsed
from costspan.adapters._openai_hooks import Once
from costspan.adapters._paths import member, path, text_of
from costspan.adapters._tally import add_usage
from costspan.call import Reply
from costspan.usage import Usage

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
_BATCHES = Once()
_FILES = Once()  # of results that nobody has read yet


def read_batch(request: Request, last: Any, reply: Reply) -> None:
    """A finished batch is billed at the batch price, once in this process, by the answers that it holds."""
    reply.id = text_of(member(last, "name"))
    reply.already_billed = text_of(member(last, "state")) not in _DONE or not _BATCHES.add(reply.id)
    if reply.already_billed:
        return
    _add(request, _ANSWERS(last) or (), text_of(member(last, "model")), reply)
    if results := text_of(_RESULTS(last)):
        _FILES.add(results)
    elif _ELSEWHERE(last):
        reply.unpriced = "the results of this batch are in your own storage, and only they tell what it used"
        return
    reply.already_billed = reply.usage is None


def open_results(
    adapter: Adapter, seat: Seat, files: Any, args: tuple[Any, ...], kwargs: Mapping[str, Any], settings: Any
) -> Opened | None:
    """The file that a batch has named, when it is read for the first time; any other is no call."""
    return open_model_call(adapter, seat, files, args, kwargs, settings) if _FILES.has(_named(kwargs)) else None


def read_results(request: Request, last: Any, reply: Reply) -> None:
    """Such a file has an answer on each line."""
    reply.id = _named(request.body)
    reply.already_billed = not _FILES.take(reply.id)
    if reply.already_billed:
        return
    if isinstance(last, bytes):
        _add(request, (snake(_counted(line)) for line in last.splitlines()), "", reply)
    else:
        reply.unpriced = "the results of this batch were written to a file, and not seen"


def _named(given: Mapping[str, Any]) -> str:
    return text_of(_FILE(given))


def _counted(line: bytes) -> dict[str, Any]:
    """Of the answer on a line, what tells its counts."""
    told = member(parsed(line), "response")
    found = [{"groundingMetadata": each} for each in (_GROUNDING(told) or ())[:1]]
    return {
        **{name: member(told, name) for name in ("usageMetadata", "modelVersion", "tokenCount")},
        "candidates": found,
    }


def _add(request: Request, answers: Iterable[Any], model: str, reply: Reply) -> None:
    """Each answer is billed as if it were alone, with its searches; of embeddings, each text."""
    reply.terms = reply.terms._replace(batch=True)
    for answer in answers:
        found = [each for root in USAGE.roots if (each := root(answer)) is not None]
        tokens = member(answer, "token_count")
        one = Reply(model=text_of(member(answer, "model_version")) or model.rpartition("/")[2])
        one.usage = Usage(input=tokens) if type(tokens) is int else USAGE.read(found).usage
        if one.usage is not None:
            read_generated(request, answer, one)
            add_usage(reply, one.model, one.usage)

"""Batches of OpenAI's API: billed by what a finished one tells, or else by the answers in the file of its results.

Source: openai 3.54, groq 1.7 and together 3.1 as installed; console.groq.com/docs/batch and
docs.together.ai/docs/inference/batch: the lines of such a file. Read 2026-11-23.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from costspan.adapters._billed import Batch, Batches
from costspan.adapters._hearing import Lines, hear_lines
from costspan.adapters._openai_fields import CHAT_USAGE, RESPONSES_USAGE, TRANSCRIPTION_USAGE
from costspan.adapters._paths import member, path, text_of
from costspan.adapters._tally import add_usage
from costspan.usage import Usage

if TYPE_CHECKING:
    from costspan.adapters._watch import Watch
    from costspan.call import Call, Reply, Request

_FINISHED = ("completed", "expired", "cancelled")
_MODEL = path("model|x_model_id|model_id")  # Together's, as the SDK has it and as it is sent
_HTTP = path("http_response|response")
_BODY = path("response.body")
_BATCHES = Batches()


def read_batch(_request: Request, last: Any, reply: Reply) -> None:
    """A finished batch is billed at the batch price, once per id in this process; by its file if it tells no usage."""
    reply.terms = reply.terms._replace(batch=True)
    told = bool(reply.usage) and text_of(member(last, "status")) in _FINISHED
    reply.already_billed = not told or not _BATCHES.is_whole(reply.id)
    answered = member(member(last, "request_counts"), "completed")
    if reply.usage and type(answered) is int and answered > 0:
        reply.usage += Usage(requests=answered)
    if not reply.usage and (file := text_of(member(last, "output_file_id"))):
        _BATCHES.name(file, Batch(reply.id, text_of(_MODEL(last))))


def has_results(file: str) -> bool:
    """Whether a batch has named the file, and is not billed yet; any other is no call."""
    return _BATCHES.waiting(file) is not None


def hear_results(content: Any, watch: Watch) -> None:
    """Hear the file as the program reads it, or now if the SDK has read it."""
    if isinstance(content, (str, bytes)):  # older SDKs give the text itself
        lines = Lines(watch)
        lines.see(content.encode() if isinstance(content, str) else content)
        lines.finish()
    else:
        hear_lines(_HTTP(content) or content, watch)


def tally_result(call: Call, line: Any) -> None:
    """Each line is an answer, perhaps of several models."""
    batch, answer = _BATCHES.of(call.request.resource), _BODY(line)
    if batch is None or answer is None or not _BATCHES.is_new(batch.id, call.chunks):
        return
    told = (member(answer, "usage"),)
    chat = CHAT_USAGE.read(told)  # tells the cost of any, which is in the same place
    usage = chat.usage or RESPONSES_USAGE.read(told).usage or TRANSCRIPTION_USAGE.read((answer, *told)).usage
    if usage:
        add_usage(call.reply, text_of(member(answer, "model")) or batch.model, usage, chat.cost)
    elif member(answer, "error") is None:
        call.reply.untold = "some answers in this batch do not tell what they used"


def read_results(request: Request, _last: Any, reply: Reply) -> None:
    """A file of results has been read, or a part of it."""
    _BATCHES.settle(request.resource, reply)

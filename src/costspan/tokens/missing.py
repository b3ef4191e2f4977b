"""Fills in the usage of a call whose provider reported none, marked as what it is: counted here, or estimated."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

from costspan.call import UsageSource
from costspan.tokens.count import CHARACTERS_PER_TOKEN
from costspan.tokens.reading import CONVERSATIONS, plain
from costspan.usage import Usage

if TYPE_CHECKING:
    from costspan.call import Call
    from costspan.tokens.count import TokenCount

COUNTED = frozenset(("chat", "text_completion", "generate_content", "embeddings"))  # operations billed by text tokens
LOOKS = 100  # entries of a list that the quick estimate looks at
DEPTH = 6  # of nested content that it looks into


def is_missing(call: Call) -> bool:
    """Whether a finished call lacks usage, all or that of its text, though its provider will bill tokens."""
    reply = call.reply
    if reply.usage is not None and not (reply.partial and reply.text and not reply.usage.total_output):
        return False  # Anthropic tells the output of a stream at its end: of one that was left before, it is missing
    if reply.free or reply.cached or reply.already_billed or not is_countable(call):
        return False
    if reply.pending or call.request.body.get("background"):
        return False  # runs on at the provider: its usage comes when it is asked for
    return not call.error or call.chunks > 0  # what failed before an answer began is not billed


def is_countable(call: Call) -> bool:
    """Whether the request of a call is text that can be read here, and the program lets us count."""
    request = call.request
    if request.operation not in COUNTED or not isinstance(request.body, dict) or not request.body:
        return False
    if any(name in request.body and not is_readable(request.body[name]) for name in CONVERSATIONS):
        return False  # a generator of messages is the SDK's; an unknown prompt is not one of 0 tokens
    return not _is_off()


def is_readable(value: Any) -> bool:
    """Whether a value can be read without using it up."""
    return value is None or plain(value) is not None


def _is_off() -> bool:
    """Whether the program has said `costspan.disable_token_counter = True`."""
    return bool(vars(sys.modules["costspan"]).get("disable_token_counter"))


def hold(call: Call) -> None:
    """Keep the lists of the request as they are now: an agent appends to its messages while we wait to count."""
    body = call.request.body
    if isinstance(body, dict):
        call.request.body = {name: list(value) if type(value) is list else value for name, value in body.items()}


def count_missing(call: Call) -> None:
    """Set `reply.usage`, or what it lacks, and `reply.source` of a finished call from its request and its text.

    Only text is counted. Where there is more than text (calls of tools, thoughts that a model does not show), the count
    is marked as the estimate that it then is.
    """
    from costspan.tokens.counting import add, ask  # noqa: PLC0415 tokenizers, only where one must count
    from costspan.tokens.tokenizers import tokenizer_of  # noqa: PLC0415 as above

    request, reply = call.request, call.reply
    model = reply.model or request.model
    asked = ask(request.body, model, request.operation).count()
    answered = tokenizer_of(model).count(reply.text)
    source = UsageSource.HEURISTIC if _wrote_more(call, model) else add(asked, answered).source
    _fill(call, asked, answered, source)


def _wrote_more(call: Call, model: str) -> bool:
    """Whether the model wrote more than the text that arrived."""
    from costspan.tokens.families import family_of  # noqa: PLC0415 as above

    reply = call.reply
    if call.request.operation == "embeddings":
        return False
    calls_tools = any("tool" in reason or "function" in reason for reason in reply.finish_reasons)
    return calls_tools or family_of(model).hides_thoughts or not (reply.text or reply.partial)


def estimate_missing(call: Call) -> None:
    """As `count_missing`, by the length of the texts alone: microseconds, marked heuristic."""
    asked = -(-_characters(call.request.body) // CHARACTERS_PER_TOKEN)
    answered = -(-len(call.reply.text) // CHARACTERS_PER_TOKEN)
    _fill(call, asked, answered, UsageSource.HEURISTIC)


def _fill(call: Call, asked: TokenCount | int, answered: TokenCount | int, source: UsageSource) -> None:
    told = call.reply.usage
    call.reply.usage = (Usage(input=int(asked)) if told is None else told) + Usage(output=int(answered))
    call.reply.source = source


def _characters(value: Any, depth: int = 0) -> int:
    """Characters of the texts in a request; of a long list, some are looked at, and the rest is taken to be alike."""
    value = plain(value)
    if isinstance(value, (str, bytes)):
        return len(value)
    if depth > DEPTH or not isinstance(value, (dict, list, tuple)):
        return 0
    entries = list(value.values()) if isinstance(value, dict) else value
    some = entries[:: 1 + len(entries) // LOOKS]
    return sum(_characters(each, depth + 1) for each in some) * len(entries) // max(1, len(some))

"""What of Anthropic's API needs logic: work that other models did, batches, and the SDK's own spans.

Source: billing rules 1 to 6 and sdk-usage 2 of 2026-11-21; anthropic 2.12's documentation of `usage.iterations`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from costspan.adapters._billed import Batches
from costspan.adapters._paths import member, path, text_of
from costspan.adapters._tally import add_usage
from costspan.adapters._usage import UsageMap
from costspan.usage import TOKENS, ModelUsage, Usage

if TYPE_CHECKING:
    from collections.abc import Mapping

    from costspan.call import Call, Reply, Request

USAGE = UsageMap(
    roots=("message.usage", "usage"),  # a stream's first event; every other message
    input="input_tokens",  # without what the cache served or was given
    cache_read="cache_read_input_tokens",
    cache_write_total="cache_creation_input_tokens",
    cache_write_5m="cache_creation.ephemeral_5m_input_tokens",
    cache_write_1h="cache_creation.ephemeral_1h_input_tokens",
    total_output="output_tokens",
    reasoning="output_tokens_details.thinking_tokens",
    web_searches="server_tool_use.web_search_requests",
    web_fetches="server_tool_use.web_fetch_requests",
)
_ITERATIONS = path("usage.iterations")
_STOPPED = path("delta.stop_reason|stop_reason")
_REFUSED = path("delta.stop_details.category|stop_details.category")
_HANDED_OVER = path("content.*.type=fallback")  # each with why a model declined, in their order
_REASON = path("trigger.category")
# The reasons for which a refusal is billed though nothing was said before it, since 2026-09-24
# (platform.claude.com/docs/en/build-with-claude/refusals-and-fallback, as of 2026-09-26)
_BILLED_REFUSALS = ("bio", "frontier_llm", "reasoning_extraction")
_BATCHED = path("result.message")
_OUTSIDE = ("compaction", "advisor_message")  # entries that the counts of the message leave out
_BEFORE_USAGE = ("message_start", "content_block")  # events that come before what the output really was


def own_tracer(client: Any, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> Any:
    """The SDK's tracer from 2.0 on, for what its own methods ask; a bare `client.post` has no span name."""
    options = kwargs["options"] if "options" in kwargs else args[1]
    return client._tracer if getattr(options, "span_name", None) else None


def read_message(_request: Request, last: Any, reply: Reply) -> None:
    """What other models did for this message, what its counts leave out, and what is told and not billed."""
    forget_placeholder(last, reply)
    entries = _ITERATIONS(last)
    if reply.usage is None:
        return
    if isinstance(entries, list):
        _read_attempts(entries, last, reply)
    if is_waived(last, reply.usage):
        reply.free = not reply.parts
        reply.usage = reply.usage if reply.free else Usage()


def is_waived(message: Any, told: Usage) -> bool:
    """Whether the model declined before it said anything, for a reason that is billed on no platform."""
    refused = text_of(_STOPPED(message)) == "refusal" and not told.total_output
    return refused and text_of(_REFUSED(message)) not in _BILLED_REFUSALS


def _read_attempts(entries: list[Any], last: Any, reply: Reply) -> None:
    own, others, declined = [], list(reply.parts), 0
    handed, hop, before = _HANDED_OVER(last) or [], -1, ""
    for entry in entries:
        usage = USAGE.read((entry,)).usage
        if usage is None:
            continue
        kind, model = text_of(member(entry, "type")), text_of(member(entry, "model")) or reply.model
        if kind not in _OUTSIDE and model != before:
            hop, before = hop + 1, model
        if kind == "message" and model != reply.model and not usage.total_output:
            declined += 1
            if hop >= len(handed):  # a stream's last event does not hold them
                reply.untold = "whether a model that declined is billed depends on why it did, which is not told here"
            if hop >= len(handed) or text_of(_REASON(handed[hop])) not in _BILLED_REFUSALS:
                continue
        if kind in _OUTSIDE or model != reply.model:
            others.append(ModelUsage(model, usage))
        else:
            own.append(usage)
    if declined or any(model != reply.model for model, _ in others):
        reply.usage = _of_this_model(reply.usage or Usage(), own)
    reply.parts = tuple(others)


def _of_this_model(told: Usage, own: list[Usage]) -> Usage:
    """The message's own counts: as told, unless they hold what a fallback or declined model did as well."""
    total = Usage()
    for each in own:
        total = total + each
    if not own or (total.total_input, total.total_output) == (told.total_input, told.total_output):
        return told
    return total + Usage(**{name: count for name, count in told if name not in TOKENS})


def forget_placeholder(last: Any, reply: Reply) -> None:
    """Of a stream that was left early: its first event says that the output is 1 or so, whatever comes."""
    if reply.partial and reply.usage is not None and text_of(member(last, "type")).startswith(_BEFORE_USAGE):
        reply.usage = Usage(**{name: count for name, count in reply.usage if name not in ("output", "reasoning")})


_BATCHES = Batches()


def tally_batch(call: Call, line: Any) -> None:
    """A batch's results are messages, perhaps of several models: each is added as it is read."""
    message = _BATCHED(line)
    if message is None or not _BATCHES.is_new(call.request.resource, call.chunks):
        return
    usage = USAGE.read((member(message, "usage"),)).usage
    if usage is not None and not is_waived(message, usage):
        add_usage(call.reply, text_of(member(message, "model")), usage)


def read_batch(request: Request, _last: Any, reply: Reply) -> None:
    """Batches cost half; a look at results that were counted before costs nothing."""
    reply.id = request.resource
    reply.terms = reply.terms._replace(batch=True)
    reply.already_billed = not reply.usage

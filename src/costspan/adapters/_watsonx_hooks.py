"""What of watsonx.ai needs logic: prompts by the list, and streams of bare text.

Source: ibm-watsonx-ai 1.3 to 1.8 as installed, read 2026-11-22.
"""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any

from costspan.adapters._paths import text_of
from costspan.adapters._request import open_keywords
from costspan.adapters._streams import named_alike, watched_generator
from costspan.adapters._usage import UsageMap
from costspan.usage import Usage

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Mapping

    from costspan.adapters._adapter import Adapter, Opened, Seat
    from costspan.adapters._watch import Watch
    from costspan.call import Call, Reply, Request

USAGE = UsageMap(  # of a stream, the first event has the input and the later ones 0; the output is a running total
    roots=("results.0",), total_input="input_token_count.?", total_output="generated_token_count"
)
_UNFINISHED = "not_finished"  # the reason that every event but a stream's last gives


def open_inference(
    adapter: Adapter, seat: Seat, instance: Any, args: tuple[Any, ...], kwargs: Mapping[str, Any], settings: Any
) -> Opened:
    """A call of a model or a deployment, which are bound to the object."""
    opened: Opened = open_keywords(adapter, seat, instance, args, kwargs, settings)
    opened.request.model = opened.request.model or text_of(getattr(instance, "model_id", ""))
    return opened


def open_text_stream(
    adapter: Adapter, seat: Seat, instance: Any, args: tuple[Any, ...], kwargs: Mapping[str, Any], settings: Any
) -> Opened:
    """A stream of text: the SDK is asked for the events, which have the counts, and the program gets its texts."""
    opened = open_inference(adapter, seat, instance, args, kwargs, settings)
    if not kwargs.get("raw_response") and len(args) < seat.arguments.index("raw_response") + 1:
        opened.kwargs = {**kwargs, "raw_response": True}
        texts = partial(_deliver_texts, instance._return_guardrails_stats)  # the SDK's own way from event to text
        opened.operation = replace(opened.operation, deliver=texts)
    return opened


def _deliver_texts(read: Callable[[Any], Any], events: Any, watch: Watch) -> Any:
    return named_alike(_texts(watched_generator(events, watch), read), events)


def _texts(events: Generator[Any, None, None], read: Callable[[Any], Any]) -> Generator[Any, None, None]:
    """What the SDK makes of its events."""
    try:
        for event in events:
            yield read(event)["generated_text"]
    finally:
        events.close()


def tally_prompt(call: Call, answer: Any) -> None:
    """One answer of several prompts, as it comes."""
    _add(call.reply, answer)


def read_answers(_request: Request, last: Any, reply: Reply) -> None:
    """The counts of a prompt, or of a list of them; and why it ended."""
    if reply.usage is None:
        for answer in last if isinstance(last, list) else (last,):
            _add(reply, answer)
    reply.finish_reasons = tuple(reason for reason in reply.finish_reasons if reason != _UNFINISHED)


def _add(reply: Reply, answer: Any) -> None:
    usage, clamped, _ = USAGE.read([each for root in USAGE.roots if (each := root(answer)) is not None])
    if usage is not None:
        reply.usage = usage + (reply.usage or Usage())
        reply.clamped = reply.clamped or clamped

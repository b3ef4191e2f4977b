"""What of xAI's SDK needs logic: the request is in the object that is asked, and the charge is in ticks.

Source: xai-sdk 1.21 as installed, read 2026-11-22.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

from costspan.adapters._adapter import Opened
from costspan.adapters._billed import Once
from costspan.adapters._openai_hooks import bill_once
from costspan.adapters._paths import member, path, text_of
from costspan.adapters._request import locate, open_keywords, read_request
from costspan.adapters._usage import of_ticks
from costspan.usage import Usage

if TYPE_CHECKING:
    from costspan.call import Reply, Request

_MODEL = path("_proto.model")
_CHARGE = "usage.cost_in_usd_ticks"
_TICKS = path(f"{_CHARGE}|0.{_CHARGE}|0.0.{_CHARGE}|response.{_CHARGE}")
_TIER = path("_proto.service_tier|0._proto.service_tier|0.0._proto.service_tier")
_PRIORITY = 2
_SECONDS = path("response.video.duration")
_OF_UNKNOWN_SIZE = ("video_url", "video_file_id", "request_id")
_BATCH_CHARGE, _PENDING, _ANSWERED = map(
    path, ("cost_breakdown.total_cost_usd_ticks", "state.num_pending", "state.num_success")
)
_BILLED_TICKS, _BILLED_REQUESTS = Once(), Once()  # of batches, to which requests can be added when they are done
_USUAL_EXTENSION_SECONDS = 6  # what is added to a video if nothing is asked


def open_chat(adapter: Any, seat: Any, chat: Any, args: Any, kwargs: Any, settings: Any) -> Opened:
    """A call of a chat's method. The SDK makes a span for it, with the tracer of its module."""
    opened = open_spanless(adapter, seat, chat, args, kwargs, settings)
    opened.request.native_tracer = _tracer(chat)
    return opened


def open_spanless(adapter: Any, seat: Any, chat: Any, args: Any, kwargs: Any, _settings: Any) -> Opened:
    """One that the SDK makes no span for; or a stream, whose span begins with a chunk, when the call has long begun."""
    request = read_request(seat.operation, adapter.provider, {"model": _MODEL(chat)})
    request.stream = seat.streams
    request.body = {}  # the prompt is in the chat's own messages: it cannot be counted here
    locate(request, adapter, chat)
    return Opened(seat.operation, request, args, kwargs)


def open_image(adapter: Any, seat: Any, client: Any, args: Any, kwargs: Any, settings: Any) -> Any:
    """A call of the image or the video client, by its arguments; the SDK makes a span for it, too."""
    opened = open_keywords(adapter, seat, client, args, kwargs, settings)
    opened.request.native_tracer = _tracer(client)
    return opened


def _tracer(client: Any) -> Any:
    return getattr(sys.modules.get(type(client).__module__), "tracer", None)


def read_chat(request: Request, last: Any, reply: Reply) -> None:
    """What xAI charges, and at which tier; asked for that, its `Response` would join all text that has come so far."""
    read_ticks(request, last, reply)
    if (tier := _TIER(last)) is not None:
        reply.terms = reply.terms._replace(tier="priority" if tier == _PRIORITY else "default")


def read_ticks(_request: Request, last: Any, reply: Reply) -> None:
    """What xAI says it charges; 0 is how its messages say nothing."""
    reply.stated_cost = of_ticks(_TICKS(last)) or None


def read_video(request: Request, last: Any, reply: Reply) -> None:
    """A new video is as large as it was asked for. One that is made from another, or polled, does not say its size."""
    read_ticks(request, last, reply)
    if any(member(request.body, each) for each in _OF_UNKNOWN_SIZE):
        reply.unpriced = "xAI told no charge for this video, and its size is not known"


def count_extension(request: Request, last: Any, reply: Reply) -> None:
    """The answer is as long as the video that was extended is now: what was added is what was asked for."""
    seconds = member(request.body, "duration")
    reply.usage = Usage(output_video_ms=(seconds if type(seconds) is int else _USUAL_EXTENSION_SECONDS) * 1000)
    read_video(request, last, reply)


def bill_video(request: Request, last: Any, reply: Reply) -> None:
    """A video that was started and is asked for until it is done: billed then, once."""
    reply.id = text_of(member(request.body, "request_id"))
    if seconds := _SECONDS(last):
        reply.usage = Usage(output_video_ms=seconds * 1000)
    read_video(request, last, reply)
    bill_once(request, last, reply)


def bill_batch(_request: Request, last: Any, reply: Reply) -> None:
    """A batch of which nothing is pending is billed as it says, less what was billed before requests were added."""
    reply.terms = reply.terms._replace(batch=True)
    ticks = 0 if _PENDING(last) else _BILLED_TICKS.more(reply.id, _BATCH_CHARGE(last) or 0)
    reply.already_billed = not ticks
    if ticks:
        reply.stated_cost = of_ticks(ticks)
        reply.usage = Usage(requests=_BILLED_REQUESTS.more(reply.id, _ANSWERED(last) or 0))

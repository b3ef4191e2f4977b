"""What LiteLLM sends in the form of Anthropic's API or of Google's as it is: its answers are heard as they come.

What it puts into another form (`gpt-4o` asked as Claude is) is a call of its own `completion` or `responses`, and seen
there. Each request is a call: LiteLLM may make several of one (it searches the web for models that cannot), and reads
streams (before 1.109: Bedrock's) to their end, whoever leaves them.

Source: litellm 1.84 to 1.109, and AWS's encoding of event streams as botocore 1.43 reads it; 2026-11-23.
"""

from __future__ import annotations

from base64 import b64decode
from struct import unpack_from
from typing import TYPE_CHECKING, Any

from costspan.adapters import _google as google
from costspan.adapters._adapter import Opened
from costspan.adapters._hearing import hear_lines, parsed
from costspan.adapters._hosts import find_host
from costspan.adapters._litellm_hooks import name_provider
from costspan.adapters._paths import member, members, path, text_of
from costspan.adapters._request import place, read_request

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from costspan.adapters._adapter import Adapter, Seat
    from costspan.adapters._watch import Watch
    from costspan.config import Settings

_PROVIDER = path("logging_obj.model_call_details.custom_llm_provider|custom_llm_provider")
_LOCATION = path("litellm_params.vertex_location|litellm_params.vertex_ai_location")
_FRAMES = "application/vnd.amazon.eventstream"
_PRELUDE, _CHECK = 12, 4  # bytes of a frame before its headers, and after what it carries
_EXCEPTION = b":exception-type\x07"  # the header that names it: text, which two bytes of length come before
_LONGEST = 16 * 2**20  # bytes of a frame, as AWS allows them


def open_message(
    adapter: Adapter,
    seat: Seat,
    _handler: Any,
    args: tuple[Any, ...],
    kwargs: Mapping[str, Any],
    _settings: Settings,
) -> Opened:
    """A request of Anthropic's form; where it goes tells the region, and LiteLLM's notes of the call who answers."""
    body = {**kwargs["request_body"], "model": kwargs["model"]}
    opened = _opened(adapter, seat, args, kwargs, body)
    request, url = opened.request, str(kwargs["request_url"])
    place(request, url)
    host = find_host(request.host, request.port, url)
    request.geo = host.geo if host is not None else ""
    return opened


def open_generate(
    adapter: Adapter,
    seat: Seat,
    _handler: Any,
    args: tuple[Any, ...],
    kwargs: Mapping[str, Any],
    _settings: Settings,
) -> Opened:
    """A request of Google's form, which has not its address yet."""
    config = kwargs["generate_content_config_dict"]  # schemas in it are the program's, with keys of any kind
    body = {
        "model": kwargs["model"],
        "contents": kwargs["contents"],
        "config": {
            **{google.snake_name(name): each for name, each in config.items()},
            "tools": kwargs.get("tools"),
            "system_instruction": kwargs.get("system_instruction"),
        },
    }
    opened = _opened(adapter, seat, args, kwargs, body)
    opened.request.geo = text_of(_LOCATION(kwargs))
    return opened


def open_interaction(
    adapter: Adapter,
    seat: Seat,
    _handler: Any,
    args: tuple[Any, ...],
    kwargs: Mapping[str, Any],
    _settings: Settings,
) -> Opened:
    """A request of Google's other form, or a look at what such a one has made in the background."""
    asked = {name: kwargs.get(name) for name in ("model", "agent", "input")}
    return _opened(adapter, seat, args, kwargs, {**kwargs.get("optional_params", {}), **asked})


def _opened(
    adapter: Adapter, seat: Seat, args: tuple[Any, ...], kwargs: Mapping[str, Any], body: Mapping[str, Any]
) -> Opened:
    request = read_request(seat.operation, adapter.provider, body)  # type: ignore[arg-type] # every seat here has one
    request.stream = kwargs.get("stream") is True
    name_provider(request, text_of(_PROVIDER(kwargs)))
    return Opened(seat.operation, request, args, kwargs)  # type: ignore[arg-type] # as above


def hear_message(response: Any, watch: Watch) -> None:
    """The HTTP response itself: read by now, or a stream, which Bedrock sends in frames of its own."""
    if not watch.call.request.stream:
        watch.complete(parsed(response.content))
    elif response.headers.get("content-type") == _FRAMES:
        hear_lines(response, watch, unframe=Frames().lines)
    else:
        hear_lines(response, watch)


def hear_generated(result: Any, watch: Watch) -> None:
    """A stream that holds the HTTP response it reads, or the answer, in Google's own words or in those of its SDK."""
    if watch.call.request.stream:
        hear_lines(result.response, watch, words=google.snake)
    else:
        watch.complete(google.snake(dict(members(result) or {})))


class Frames:
    """AWS's event stream as it comes: each frame carries JSON, with a model's own in it."""

    def __init__(self) -> None:
        self._come = bytearray()

    def lines(self, data: bytes) -> Iterator[bytes]:
        """What the models said of those that are complete now."""
        self._come += data
        while len(self._come) >= _PRELUDE:
            size, headers = unpack_from(">II", self._come)
            if not _PRELUDE + _CHECK + headers <= size <= _LONGEST:
                self._come.clear()
                return
            if len(self._come) < size:
                return
            named = bytes(self._come[_PRELUDE : _PRELUDE + headers])
            told = parsed(self._come[_PRELUDE + headers : size - _CHECK])
            del self._come[:size]
            _, failed, kind = named.partition(_EXCEPTION)
            if failed:
                yield b'{"type":"error","error":{"type":"%b"}}\n' % kind[2 : 2 + int.from_bytes(kind[:2], "big")]
            else:
                yield b64decode(text_of(member(told, "bytes"))) + b"\n"

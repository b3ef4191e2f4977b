"""What Google's SDKs share: how a call is read, and where Gemini puts its counts.

Source: sdk-usage 3, 15 and billing rules 18 to 24 of 2026-11-21; google-genai 1.10 to 3.4 and vertexai 2.7.
Empty and repeated searches are not billed, those for pictures are: Google's pages on grounding and prices, 2026-09-23.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from costspan.adapters._adapter import Adapter, Opened, Operation, Seat
from costspan.adapters._billed import Once
from costspan.adapters._paths import is_given, member, path, text_of
from costspan.adapters._request import place, read_request
from costspan.adapters._usage import UsageMap
from costspan.usage import Usage

if TYPE_CHECKING:
    from collections.abc import Mapping

    from costspan.adapters._paths import Read
    from costspan.call import Reply, Request

_OUT = "candidates_tokens_details.modality={m}.token_count|response_tokens_details.modality={m}.token_count"
USAGE = UsageMap(
    roots=("usage_metadata", "candidates.0.grounding_metadata"),
    total_input="prompt_token_count",  # with what was cached
    extra_input="tool_use_prompt_token_count",
    cache_read="cached_content_token_count",
    input_audio="prompt_tokens_details.modality=AUDIO.token_count",
    input_image="prompt_tokens_details.modality=IMAGE.token_count",
    input_video="prompt_tokens_details.modality=VIDEO.token_count",
    cache_read_audio="cache_tokens_details.modality=AUDIO.token_count",
    cache_read_image="cache_tokens_details.modality=IMAGE.token_count",
    cache_read_video="cache_tokens_details.modality=VIDEO.token_count",
    # without thoughts; older replies had them inside: the total tells. A live session calls it response
    output="candidates_token_count|response_token_count",
    reasoning="thoughts_token_count",
    output_audio=_OUT.format(m="AUDIO"),
    output_image=_OUT.format(m="IMAGE"),
    output_video=_OUT.format(m="VIDEO"),
    total="total_token_count",
    web_searches_list="web_search_queries.*.?",  # different ones, of which empty ones are not billed
    extra_web_searches_list="image_search_queries.*.?",  # searched by the same tool, at the same fee
    maps_searches_list="grounding_chunks.*.maps.?",  # the places found: `bill_maps` makes searches of them
)
PARAMETERS = {
    "temperature": "temperature",
    "top_p": "top_p",
    "top_k": "top_k",
    "max_output_tokens": "max_tokens",
    "presence_penalty": "presence_penalty",
    "frequency_penalty": "frequency_penalty",
    "stop_sequences": "stop_sequences",
    "seed": "seed",
    "candidate_count": "choice.count",
    "output_dimensionality": "embeddings.dimension.count",
}
TIER = "usage_metadata.service_tier|usage_metadata.traffic_type|sdk_http_response.headers.x-gemini-service-tier"
_PER_PROMPT = ("gemini-1", "gemini-2", "gemini-live-2")  # their search is billed by the grounded prompt, not the query
_FOUND = path(
    "usage_metadata.tool_use_prompt_token_count|usage.total_tool_use_tokens|interaction.usage.total_tool_use_tokens"
)
_SEARCH_TOOL = path("config.tools.*.google_search|config.tools.*.googleSearch")
_STATUS = path("status|interaction.status")
_RUNNING = ("in_progress", "queued")
_PENDING = Once()  # interactions whose making told no usage
_UNSPECIFIED = "_UNSPECIFIED"  # protobuf's word for nothing, as a last part of a name
_TOKEN_COUNTS = path("embeddings.*.statistics.token_count|*.statistics.token_count")
_CHARACTERS = path("metadata.billable_character_count")
_VIDEO_SECONDS, _VIDEOS = path("config.duration_seconds"), path("config.number_of_videos")
_USUAL_VIDEO_SECONDS = 8  # what Veo makes if nothing is asked
_HUMP = re.compile(r"(?<=[a-z0-9])([A-Z])")


def open_model_call(
    adapter: Adapter, seat: Seat, models: Any, args: tuple[Any, ...], kwargs: Mapping[str, Any], _settings: Any
) -> Opened | None:
    """A call of google-genai's `Models`: its client knows whether Vertex answers, and where."""
    client = models._api_client
    opened = _opened(adapter, seat, args, kwargs, member(client._http_options, "base_url"))
    if client.vertexai:
        opened.request.provider, opened.request.geo = "gcp.vertex_ai", client.location or ""
    return opened


def open_interaction(
    adapter: Adapter, seat: Seat, interactions: Any, args: tuple[Any, ...], kwargs: Mapping[str, Any], _settings: Any
) -> Opened | None:
    """A call of google-genai's second, generated client."""
    asked = kwargs.get("request")
    given = {
        **(asked if isinstance(asked, dict) else {}),
        **{key: each for key, each in kwargs.items() if is_given(each)},
    }
    address = interactions.sdk_configuration.server_url
    opened = _opened(adapter, seat, args, kwargs, address, given)
    opened.request.stream = given.get("stream") is True
    if "aiplatform" in opened.request.host:
        opened.request.provider = "gcp.vertex_ai"
    return opened


def open_vertex(
    adapter: Adapter, seat: Seat, model: Any, args: tuple[Any, ...], kwargs: Mapping[str, Any], _settings: Any
) -> Opened | None:
    """A call of a model object of the older SDK: the first argument is what it is asked."""
    name = text_of(member(model, "_model_name") or member(model, "_model_id"))
    given = {**kwargs, "model": name.partition("/models/")[2] or name}
    if args:
        given["contents"] = args[0]
    location = text_of(member(model, "_location"))
    opened = _opened(adapter, seat, args, kwargs, f"https://{location}-aiplatform.googleapis.com", given)
    opened.request.geo = location
    return opened


def _opened(
    adapter: Adapter,
    seat: Seat,
    args: tuple[Any, ...],
    kwargs: Mapping[str, Any],
    address: Any,
    given: Mapping[str, Any] | None = None,
) -> Opened:
    operation: Operation = seat.operation  # type: ignore[assignment] # every seat that opens a call here has one
    request = read_request(operation, adapter.provider, kwargs if given is None else given)
    request.stream = seat.streams
    place(request, str(address))
    return Opened(operation, request, args, kwargs)


def bill_searches(request: Request, last: Any, reply: Reply) -> None:
    """What Google's own searches found is input that is not billed; up to Gemini 2 any number in a prompt is one.

    Source: billing rule 22; litellm 1.109.1 bills so too, read 2026-11-22.
    """
    usage = reply.usage
    if usage is None or not (usage.web_searches or usage.maps_searches):
        return
    counts = dict(usage.counts)
    found = _FOUND(last)
    if type(found) is int and found <= usage.input:
        counts |= {"input": usage.input - found, "input_grounding": found}
    if (reply.model or request.model).rpartition("/")[2].startswith(_PER_PROMPT):
        counts |= {name: min(counts.get(name, 0), 1) for name in ("web_searches", "maps_searches")}
    reply.usage = Usage(**counts)


def bill_maps(request: Request, reply: Reply) -> None:
    """An answer tells the places that Google Maps found: it was searched once, or by each query if nothing else was.

    A batch does not show what its requests could search with: their queries are those of a web search.
    """
    usage = reply.usage
    if usage is not None and usage.maps_searches:
        asked = 0 if reply.terms.batch or _SEARCH_TOOL(request.body) else usage.web_searches
        told = {"web_searches": usage.web_searches - asked, "maps_searches": max(asked, 1)}
        reply.usage = Usage(**{**usage.counts, **told})


def read_generated(request: Request, last: Any, reply: Reply) -> None:
    """Words of protobuf for nothing are nothing; searches are what is billed of them."""
    reply.finish_reasons = tuple(each for each in reply.finish_reasons if not each.endswith(_UNSPECIFIED))
    if reply.terms.tier.upper().endswith(_UNSPECIFIED):
        reply.terms = reply.terms._replace(tier="")
    bill_maps(request, reply)
    bill_searches(request, last, reply)


def count_embedded(_request: Request, last: Any, reply: Reply) -> None:
    """Vertex tells the tokens of each text, or else the characters that it bills."""
    if reply.usage is not None:
        return
    counts = _TOKEN_COUNTS(last)
    tokens = [int(each) for each in counts or () if isinstance(each, (int, float)) and each >= 0]
    characters = _CHARACTERS(last)
    if tokens:
        reply.usage = Usage(input=sum(tokens))
    elif type(characters) is int and characters > 0:
        reply.usage = Usage(input_characters=characters)


def count_video(request: Request, _last: Any, reply: Reply) -> None:
    """Video is billed by the second that was asked for; the answer is an operation that tells nothing."""
    seconds, videos = _asked(_VIDEO_SECONDS, request, _USUAL_VIDEO_SECONDS), _asked(_VIDEOS, request, 1)
    reply.usage = Usage(output_video_ms=seconds * videos * 1000)
    if member(member(request.body, "config"), "generate_audio"):
        reply.terms = reply.terms._replace(quality="audio")


def _asked(read: Read, request: Request, usual: int) -> int:
    value = read(request.body)
    return value if type(value) is int and value > 0 else usual


def read_interaction(request: Request, last: Any, reply: Reply) -> None:
    """An interaction that runs in the background is billed when it is asked for."""
    if text_of(_STATUS(last)) in _RUNNING and not reply.partial:
        reply.usage, reply.unpriced = None, "the interaction runs in the background; its usage is not known yet"
    bill_searches(request, last, reply)
    if not reply.usage and reply.id and (not reply.partial or member(request.body, "background")):
        _PENDING.add(reply.id)


def read_retrieved(request: Request, last: Any, reply: Reply) -> None:
    """An interaction that is asked for was billed when it was made, unless it told no usage then."""
    running = text_of(_STATUS(last)) in _RUNNING
    reply.already_billed = running or not reply.usage or not _PENDING.take(reply.id)
    bill_searches(request, last, reply)


def snake(value: Any) -> Any:
    """What the REST API writes, by the names that the SDK has for it."""
    if isinstance(value, dict):
        return {snake_name(name): snake(each) for name, each in value.items()}
    return [snake(each) for each in value] if isinstance(value, list) else value


@lru_cache(1024)
def snake_name(name: str) -> str:
    """One such name."""
    return _HUMP.sub(r"_\1", name).lower()

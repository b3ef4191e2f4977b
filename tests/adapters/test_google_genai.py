from __future__ import annotations

import asyncio
from dataclasses import replace
from functools import partial

import pytest
from fake_providers import gemini as wire
from google import genai
from google.genai import errors, types

from adapters import PLAIN, SHAPES, STREAMS, Client, close, with_stream
from costspan.adapters._google import USAGE, read_generated
from costspan.call import Reply, Request
from costspan.usage import Usage

# the SDK's own: a subclass of aiohttp's session, methods that it retires, features that are new
pytestmark = pytest.mark.filterwarnings("ignore:Inheritance class", "ignore:.*(deprecated|experimental)")

ASK = {"model": "gemini-2.5-flash", "contents": "Tell me about cats."}


class Models:
    """The SDK's client as the shapes call it; async calls are under `aio`."""

    def __init__(self, sdk, later):
        self._owner = sdk.aio if later else sdk
        self._sdk = sdk  # closes itself when it is dropped
        self.models = self._owner.models

    async def close(self):
        await close(self._owner)


def sdk(fake, **more):
    return genai.Client(api_key="k", http_options=types.HttpOptions(base_url=fake.url), **more)


def client(fake):
    def named(shape, path):
        return "models." + with_stream(shape, path)

    return Client(lambda: Models(sdk(fake), later=False), lambda: Models(sdk(fake), later=True), named)


@pytest.mark.parametrize("shape", SHAPES)
def test_every_token_is_in_one_bucket_in_every_shape(watch, serve, shape):
    """Thoughts are beside the candidates, cached tokens inside the prompt, a tool's prompt besides; sounds apart."""
    seen, fake = watch("google_genai"), serve(wire)
    fake.play(wire.generated(usageMetadata=wire.FULL))

    client(fake).ask(shape, "generate_content", **ASK, config={"temperature": 0.5, "max_output_tokens": 99})

    assert seen.usage == Usage(
        input=250, cache_read=500, input_audio=200, cache_read_audio=100, output=100, output_image=50, reasoning=70
    )
    assert (seen.usage.total_input, seen.usage.total_output) == (1050, 220)
    assert (seen.reply.model, seen.reply.finish_reasons) == ("gemini-2.5-flash-001", ("STOP",))
    attributes = seen.attributes
    assert (attributes["gen_ai.operation.name"], attributes["gen_ai.provider.name"]) == (
        "generate_content",
        "gcp.gemini",
    )
    assert (attributes["gen_ai.request.temperature"], attributes["gen_ai.request.max_tokens"]) == (0.5, 99)
    assert attributes["server.address"] == "127.0.0.1"
    assert not seen.reply.partial


@pytest.mark.parametrize("shape", PLAIN)
def test_thoughts_that_are_inside_the_candidates_count_once(watch, serve, shape):
    """Older answers of the Gemini API: the total tells."""
    seen, fake = watch("google_genai"), serve(wire)
    fake.play(wire.generated(usageMetadata=wire.USAGE | {"thoughtsTokenCount": 4}))

    client(fake).ask(shape, "generate_content", **ASK)

    assert seen.usage == Usage(input=19, output=6, reasoning=4)


@pytest.mark.parametrize("shape", PLAIN)
def test_every_hop_of_automatic_function_calling_is_billed(watch, serve, shape):
    """The SDK gives the program the usage of the last one only."""

    def weather(city: str) -> str:
        """The weather of a city."""
        return f"sunny in {city}"

    weather.__annotations__ = {"city": str, "return": str}  # older versions do not read them as text

    seen, fake = watch("google_genai"), serve(wire)
    fake.play(wire.generated(candidates=[wire.candidate(wire.FUNCTION_CALL)]))

    client(fake).ask(shape, "generate_content", **ASK, config={"tools": [weather]})

    assert [call.reply.usage for call in seen.calls] == [Usage(input=19, output=10)] * 2


def test_a_chat_is_one_call_for_each_message(watch, serve):
    seen, fake = watch("google_genai"), serve(wire)
    made = sdk(fake)
    chat = made.chats.create(model="gemini-2.5-flash")

    chat.send_message("Cats?")
    list(chat.send_message_stream("Dogs?"))
    asyncio.run(close(made))

    assert [call.request.stream for call in seen.calls] == [False, True]


@pytest.mark.parametrize("shape", STREAMS)
def test_a_stream_left_early_keeps_the_sums_so_far(watch, serve, shape):
    seen, fake = watch("google_genai"), serve(wire)

    client(fake).leave(shape, "generate_content", **ASK)

    assert (seen.usage, seen.reply.partial) == (Usage(input=19), True)


@pytest.mark.parametrize(("model", "billed"), [("gemini-2.5-flash", 1), ("gemini-3-flash-preview", 2)])
@pytest.mark.parametrize("shape", SHAPES)
def test_searches_are_billed_by_the_prompt_or_by_the_query(watch, serve, shape, model, billed):
    """Up to Gemini 2 a grounded prompt costs the same however often it searches."""
    seen, fake = watch("google_genai"), serve(wire)
    asked = ["cats", "", "dogs", "cats"]  # empty ones and repeated ones cost nothing
    grounded = wire.candidate({"text": "It is."}, groundingMetadata={"webSearchQueries": asked})
    fake.play(wire.generated(candidates=[grounded]))

    client(fake).ask(shape, "generate_content", model=model, contents="Cats?")

    assert seen.usage == Usage(input=19, output=10, web_searches=billed)


BOTH = {"tools": [{"google_search": {}}, {"google_maps": {}}]}


@pytest.mark.parametrize("maps", [{}, {"grounding_chunks": [{"maps": {"title": "Oak"}}]}])
def test_searches_for_pictures_are_billed_as_searches(maps):
    """The answer is made here: older releases drop their queries. Not only a stream's last chunk may tell them."""
    searched = {"web_search_queries": ["cats"], "image_search_queries": ["cat", "", "cat", {"odd": 1}]} | maps
    told = USAGE.read((searched, {"prompt_token_count": 19}))
    reply = Reply(model="gemini-3.1-flash-image", usage=told.usage)

    read_generated(Request("generate_content", "gcp.gemini", body={"config": BOTH}), {}, reply)

    assert reply.usage == Usage(input=19, web_searches=3, maps_searches=len(maps))


@pytest.mark.parametrize(
    ("queries", "usage"), [(["cats"], {"input": 19, "input_grounding": 500, "web_searches": 1}), ([], {"input": 519})]
)
@pytest.mark.parametrize("shape", SHAPES)
def test_what_a_search_found_is_input_that_costs_nothing(watch, serve, shape, queries, usage):
    """Pages that the prompt names and code that ran are input; what Google searches is paid by its fee."""
    seen, fake = watch("google_genai"), serve(wire)
    grounded = wire.candidate({"text": "It is."}, groundingMetadata={"webSearchQueries": queries})
    found = wire.USAGE | {"toolUsePromptTokenCount": 500, "totalTokenCount": 529}
    fake.play(wire.generated(candidates=[grounded], usageMetadata=found))

    client(fake).ask(shape, "generate_content", **ASK)

    assert seen.usage == Usage(**usage, output=10)
    assert seen.attributes["gen_ai.usage.input_tokens"] == 519


@pytest.mark.parametrize(
    ("model", "queries", "config", "billed"),
    [
        ("gemini-2.5-flash", [], {}, {"maps_searches": 1}),
        ("gemini-2.5-flash", ["bars", "pubs"], {}, {"maps_searches": 1}),
        ("gemini-3-flash-preview", [], {}, {"maps_searches": 1}),
        ("gemini-3-flash-preview", ["bars", "pubs"], {}, {"maps_searches": 2}),
        ("gemini-3-flash-preview", ["cats", "dogs"], BOTH, {"maps_searches": 1, "web_searches": 2}),
    ],
)
def test_maps_are_billed_by_the_prompt_or_by_the_query_not_by_the_place(model, queries, config, billed):
    """The answer is made here: older releases drop the places."""
    places = {"grounding_chunks": [{"maps": {"title": "Oak"}}, {"maps": {"title": "Elm"}}, {"maps": None}]}
    told = USAGE.read(({"prompt_token_count": 19}, places | {"web_search_queries": queries}))
    reply = Reply(model=model, usage=told.usage)

    read_generated(Request("generate_content", "gcp.gemini", body={"config": config}), {}, reply)

    assert reply.usage == Usage(input=19, **billed)


@pytest.mark.parametrize("served", ["standard", "priority"])
@pytest.mark.parametrize("shape", SHAPES)
def test_the_gemini_api_tells_the_tier_that_served_in_a_header(watch, serve, shape, served):
    """Where priority is full, the standard tier serves, at its price."""
    seen, fake = watch("google_genai"), serve(wire)
    fake.play(lambda asked: replace(wire.generated()(asked), headers={"x-gemini-service-tier": served}))
    known = "service_tier" in types.GenerateContentConfig.model_fields

    client(fake).ask(shape, "generate_content", **ASK, config={"service_tier": "priority"} if known else None)

    told = "sdk_http_response" in types.GenerateContentResponse.model_fields  # older releases drop headers
    assert seen.reply.terms.tier == (served if told else "priority" if known else "")


@pytest.mark.parametrize(
    ("told", "tier"), [("PROVISIONED_THROUGHPUT", "provisioned_throughput"), ("TRAFFIC_TYPE_UNSPECIFIED", "")]
)
def test_the_tier_is_the_one_that_served(watch, serve, told, tier):
    seen, fake = watch("google_genai"), serve(wire)
    fake.play(wire.generated(usageMetadata=wire.USAGE | {"trafficType": told}))

    client(fake).ask("sync", "generate_content", **ASK)

    assert seen.reply.terms.tier == tier


@pytest.mark.parametrize("shape", SHAPES)
def test_an_error_reaches_the_program_and_costs_nothing(watch, serve, shape):
    seen, fake = watch("google_genai"), serve(wire)
    fake.play(wire.error(400))

    with pytest.raises(errors.ClientError):
        client(fake).ask(shape, "generate_content", **ASK)

    assert (seen.attributes["error.type"], seen.usage) == ("ClientError", None)


@pytest.mark.parametrize("usage", [None, {}, {"promptTokenCount": None}], ids=str)
def test_an_answer_without_usage_has_none(watch, serve, usage):
    seen, fake = watch("google_genai"), serve(wire)
    fake.play(wire.generated(usageMetadata=usage))

    client(fake).ask("sync", "generate_content", **ASK)

    assert seen.usage is None


@pytest.mark.parametrize("shape", PLAIN)
def test_embeddings_without_counts_have_no_usage(watch, serve, shape):
    seen, fake = watch("google_genai"), serve(wire)

    client(fake).ask(shape, "embed_content", model="gemini-embedding-001", contents=["a", "b"])

    assert (seen.call.request.operation, seen.usage) == ("embeddings", None)


def test_counting_tokens_is_free(watch, serve):
    seen, fake = watch("google_genai"), serve(wire)

    client(fake).ask("sync", "count_tokens", **ASK)

    assert seen.attributes["costspan.price.status"] == "free"


@pytest.mark.parametrize("shape", PLAIN)
def test_a_video_is_billed_when_it_is_asked_for_by_its_seconds(watch, serve, shape):
    seen, fake = watch("google_genai"), serve(wire)
    plain, later = (partial(Models, sdk(fake, vertexai=True), later=each) for each in (False, True))
    config = types.GenerateVideosConfig(duration_seconds=4, number_of_videos=2)

    asked = {"model": "veo-3.0-generate-001", "prompt": "Cats", "config": config}
    Client(plain, later).ask(shape, "models.generate_videos", **asked)

    assert (seen.call.request.provider, seen.usage) == ("gcp.vertex_ai", Usage(output_video_ms=8_000))
    assert seen.attributes["costspan.price.status"] == "priced"

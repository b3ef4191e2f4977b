"""What google-genai has had since 2.0: interactions, by a second client that is imported when it is first asked for."""

from __future__ import annotations

import asyncio
import inspect

import pytest
from fake_providers import gemini as wire
from google import genai
from google.genai import types

from adapters import PLAIN, SHAPES, STREAMS, Client, close
from costspan.adapters import _google
from costspan.adapters._paths import path
from costspan.call import Reply, Request
from costspan.demo.server import events, reply
from costspan.usage import Usage

# the SDK's own: a subclass of aiohttp's session, methods that it retires, features that are new
pytestmark = pytest.mark.filterwarnings("ignore:Inheritance class", "ignore:.*(deprecated|experimental)")

ASK = {"model": "gemini-2.5-flash", "input": "Tell me about cats."}
FULL = Usage(input=30, cache_read=40, input_image=30, output=30, reasoning=20, web_searches=1, input_grounding=10)


class Interactions:
    def __init__(self, fake, later):
        self._sdk = genai.Client(api_key="k", http_options=types.HttpOptions(base_url=fake.url))
        self._owner = self._sdk.aio if later else self._sdk
        self.interactions = self._owner.interactions
        self.decisions = getattr(self._owner, "decisions", None)

    async def close(self):
        await close(self._owner)


def client(fake):
    return Client(lambda: Interactions(fake, later=False), lambda: Interactions(fake, later=True))


@pytest.mark.parametrize("shape", SHAPES)
def test_an_interaction_is_billed_as_it_is_told(watch, serve, shape):
    seen, fake = watch("google_genai"), serve(wire)

    client(fake).ask(shape, "interactions.create", **ASK)

    assert seen.usage == FULL
    assert (seen.reply.model, seen.call.request.stream) == (ASK["model"], shape in STREAMS)
    assert not seen.reply.partial


@pytest.mark.parametrize("shape", SHAPES)
def test_from_gemini_3_on_an_interaction_is_billed_for_every_search(watch, serve, shape):
    seen, fake = watch("google_genai"), serve(wire)

    client(fake).ask(shape, "interactions.create", **ASK | {"model": "gemini-3.5-flash"})

    assert seen.usage.web_searches == 3


@pytest.mark.parametrize("shape", STREAMS)
def test_an_interaction_left_early_is_told_once(watch, serve, shape):
    seen, fake = watch("google_genai"), serve(wire)

    client(fake).leave(shape, "interactions.create", **ASK)

    assert (seen.reply.partial, len(seen.spans)) == (True, 1)


@pytest.mark.parametrize("shape", STREAMS)
def test_a_stream_of_an_interaction_is_told_as_it_is_closed(watch, serve, shape):
    """Not when it is collected: the program still holds it, and the generator that the SDK puts around ours."""
    seen, fake = watch("google_genai"), serve(wire)
    later = shape == "async stream"

    async def leave():
        sdk = client(fake)._later() if later else client(fake)._sync()
        stream = sdk.interactions.create(**ASK, stream=True, background=True)
        stream = await stream if later else stream
        await anext(aiter(stream)) if later else next(iter(stream))
        await close(stream)
        return stream, len(seen.calls)

    assert asyncio.run(leave())[1] == 1


@pytest.mark.skipif(not hasattr(genai.Client, "decisions"), reason="not in this version")
@pytest.mark.parametrize("shape", PLAIN)
def test_a_decision_is_billed_as_an_interaction_is(watch, serve, shape):
    seen, fake = watch("google_genai"), serve(wire)
    fake.play(reply({"answers": {}, "usage": {"total_input_tokens": 30, "total_output_tokens": 4}}))
    questions = {"q": {"type": "noul", "instructions": "A pet?"}}

    client(fake).ask(shape, "decisions.create", model="models/gemini-2.5-flash", input="Cats?", questions=questions)

    assert seen.usage == Usage(input=30, output=4)
    assert seen.attributes["costspan.price.status"] == "priced"


@pytest.mark.parametrize("shape", PLAIN)
def test_an_interaction_in_the_background_says_why_it_has_no_price(watch, serve, shape):
    seen, fake = watch("google_genai", count_tokens="missing"), serve(wire)
    fake.play(wire.interaction(status="in_progress", usage=None, steps=[]))

    client(fake).ask(shape, "interactions.create", **ASK, background=True)

    assert "background" in seen.attributes["costspan.price.reason"]
    assert seen.usage is None


RUNNING = {"status": "in_progress", "usage": None, "steps": []}


@pytest.mark.parametrize("polled", [False, True])  # as a stream
@pytest.mark.parametrize("shape", PLAIN)
def test_an_interaction_in_the_background_is_billed_by_the_poll_that_finds_it_done(watch, serve, shape, polled):
    seen, fake = watch("google_genai", count_tokens="missing"), serve(wire)
    name, ask = f"v1_{shape}_{polled}", STREAMS[PLAIN.index(shape)] if polled else shape
    done = wire.interaction(id=name, model=ASK["model"])
    partly = {"total_input_tokens": 9, "total_output_tokens": 1}
    fake.play(
        wire.interaction(id=name, **RUNNING),
        wire.interaction(id=name, **RUNNING | {"usage": partly}),
        done,
        done,
    )

    client(fake).ask(shape, "interactions.create", **ASK, background=True)
    client(fake).ask(shape, "interactions.get", name)
    for _ in range(2):
        client(fake).ask(ask, "interactions.get", id=name)

    made, told = seen.calls
    assert (made.reply.usage, told.reply.usage) == (None, FULL)
    assert (told.reply.id, told.reply.model, told.request.operation) == (name, ASK["model"], "chat")
    assert seen.spans[1].attributes["costspan.price.status"] == "priced"


@pytest.mark.parametrize("left", [False, True])
@pytest.mark.parametrize("shape", STREAMS)
def test_a_stream_in_the_background_is_billed_once(watch, serve, shape, left):
    """Taken up again by its id, where it was left."""
    seen, fake = watch("google_genai", count_tokens="missing"), serve(wire)
    name = f"v1_{shape}_{left}"
    told = wire.interaction(id=name, model=ASK["model"])
    fake.play(told, told)
    asking = client(fake)

    (asking.leave if left else asking.ask)(shape, "interactions.create", **ASK, background=True)
    asking.ask(shape, "interactions.get", id=name, last_event_id="2")

    billed = [each.reply.usage for each in seen.calls if each.reply.usage]
    assert billed == [FULL]


def test_an_interaction_that_another_process_made_is_not_billed_by_asking_for_it(watch, serve):
    seen, fake = watch("google_genai"), serve(wire)
    fake.play(wire.interaction(id="v1_elsewhere"))

    client(fake).ask("sync", "interactions.get", "v1_elsewhere")

    assert seen.calls == []


def ask_vertex(fake, shape, name, **arguments):
    options = types.HttpOptions(base_url=fake.url, api_version="v1")
    sdk = genai.Client(vertexai=True, api_key="k", http_options=options)
    return asyncio.run(_ask(sdk if shape == "sync" else sdk.aio, name, arguments))


async def _ask(owner, name, arguments):
    answer = getattr(owner.models, name)(**arguments)
    await (answer if inspect.isawaitable(answer) else asyncio.sleep(0))
    await close(owner)


@pytest.mark.parametrize("shape", PLAIN)
def test_vertex_is_told_from_the_gemini_api(watch, serve, shape):
    seen, fake = watch("google_genai"), serve(wire)

    ask_vertex(fake, shape, "generate_content", model="gemini-2.5-flash", contents="?")

    assert seen.attributes["gen_ai.provider.name"] == "gcp.vertex_ai"


@pytest.mark.parametrize("shape", PLAIN)
def test_images_are_counted(watch, serve, shape):
    seen, fake = watch("google_genai"), serve(wire)
    config = {"number_of_images": 2}

    ask_vertex(fake, shape, "generate_images", model="imagen-4.0-generate-001", prompt="a cat", config=config)

    assert seen.usage == Usage(images=2)


@pytest.mark.parametrize(
    ("answer", "usage"),
    [
        ({"embeddings": [{"statistics": {"token_count": 4.0}}, {"statistics": {"token_count": 3}}]}, Usage(input=7)),
        (
            {"embeddings": [{"statistics": None}], "metadata": {"billable_character_count": 20}},
            Usage(input_characters=20),
        ),
        ({"embeddings": None, "metadata": {"billable_character_count": "20"}}, None),
    ],
)
def test_vertex_tells_an_embedding_s_tokens_or_its_characters(answer, usage):
    reply = Reply()

    _google.count_embedded(Request("embeddings", "gcp.vertex_ai"), answer, reply)

    assert reply.usage == usage


@pytest.mark.parametrize(
    ("config", "milliseconds", "quality"),
    [(None, 8_000, ""), ({"duration_seconds": 4, "number_of_videos": 2, "generate_audio": True}, 8_000, "audio")],
)
def test_video_is_billed_by_the_second_that_was_asked_for(config, milliseconds, quality):
    reply = Reply()

    _google.count_video(Request("video_generation", "gcp.gemini", body={"config": config}), None, reply)

    assert (reply.usage, reply.terms.quality) == (Usage(output_video_ms=milliseconds), quality)


def test_a_count_of_protobuf_is_a_list_too():
    assert path("items.#")({"items": range(3)}) == 3
    assert path("items.#")({"items": "abc"}) is None


@pytest.mark.parametrize("shape", SHAPES)
def test_an_interaction_that_failed_is_an_error_and_billed(watch, serve, shape):
    seen, fake = watch("google_genai"), serve(wire)
    fake.play(wire.interaction(status="failed"))

    client(fake).ask(shape, "interactions.create", **ASK)

    assert (seen.attributes["error.type"], seen.usage) == ("failed", FULL)


@pytest.mark.parametrize("shape", STREAMS)
def test_an_error_event_of_an_interaction_is_the_calls(watch, serve, shape):
    seen, fake = watch("google_genai"), serve(wire)
    fake.play(events([{"event_type": "error", "error": {"code": "overloaded", "message": "it broke"}}]))

    client(fake).ask(shape, "interactions.create", **ASK)

    assert seen.attributes["error.type"] == "overloaded"

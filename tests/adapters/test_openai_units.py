"""What OpenAI bills besides tokens: server tools by the call, containers, pictures, characters, batches, and once."""

from __future__ import annotations

import openai
import pydantic
import pytest
from fake_providers import MISSING
from fake_providers import openai as wire

from adapters import PLAIN, SHAPES, STREAMS, Client
from costspan.adapters._billed import Once
from costspan.demo.server import events, reply
from costspan.usage import ModelUsage, Usage

ASKED = [{"role": "user", "content": "How many cats?"}]
TOKENS = {"input": 400, "cache_read": 600, "output": 150, "reasoning": 50}


def client(fake):
    where = {"base_url": fake.url + "/v1", "api_key": "k"}
    return Client(lambda: openai.OpenAI(**where), lambda: openai.AsyncOpenAI(**where))


def item(kind, **more):
    return {"id": f"{kind}_1", "type": kind, "status": "completed", **more}


def search(action="search"):
    return item("web_search_call", action={"type": action, "query": "cats"})


def code(container):
    return item("code_interpreter_call", container_id=container, code="1", outputs=None)


def shell(container):
    where = {"type": "container_reference", "container_id": container} if container else {"type": "local"}
    return item("shell_call", call_id="s1", action={"commands": ["ls"]}, environment=where)


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize(
    ("items", "units"),
    [
        ([search(), search()], {"web_searches": 2}),
        ([search("open_page"), search("find_in_page"), search()], {"web_searches": 1}),
        ([code("c1"), code("c1"), code("c2")], {"code_sessions": 2}),
        ([item("file_search_call", queries=["cats"], results=None)], {"file_searches": 1}),
        ([], {}),
    ],
)
def test_server_tools_are_billed_by_the_call(watch, serve, shape, items, units):
    """A container is billed once, however often it runs something; pages that a search opens are free."""
    seen, fake = watch("openai"), serve(wire)
    fake.play(wire.response(output=[*items, wire.output_message()], usage=wire.RESPONSE_USAGE))

    client(fake).ask(shape, "responses.create", model="gpt-5", input="cats?", tools=[{"type": "web_search"}])

    assert seen.usage == Usage(**TOKENS, **units)


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize(
    ("tool", "ran", "sessions"),
    [
        (
            {"type": "code_interpreter", "container": {"type": "auto", "memory_limit": "4g"}},
            [code("c1"), code("c1")],
            4,
        ),
        ({"type": "code_interpreter", "container": "c1"}, [code("c1")], 1),
        ({"type": "shell", "environment": {"type": "container_auto"}}, [shell("c1"), shell("c1")], 1),
        ({"type": "shell", "environment": {"type": "container_auto", "memory_limit": "64g"}}, [shell("c1")], 64),
        ({"type": "shell", "environment": {"type": "local"}}, [shell(None)], 0),
    ],
)
def test_a_container_is_billed_by_its_memory_also_if_a_shell_runs_in_it(watch, serve, shape, tool, ran, sessions):
    """0.03, 0.12, 0.48, 1.92 for 1, 4, 16, 64 GB: OpenAI's price page, quoted in simonw/llm#1592 (2026-08-04)."""
    seen, fake = watch("openai"), serve(wire)
    fake.play(wire.response(output=[*ran, wire.output_message()], usage=wire.RESPONSE_USAGE))

    client(fake).ask(shape, "responses.create", model="gpt-5.6-sol", input="cats?", tools=[tool])

    assert seen.usage.code_sessions == sessions


DRAWN = {
    "input_tokens": 50,
    "input_tokens_details": {"image_tokens": 30, "text_tokens": 20},
    "cached_tokens": 15,
    "cached_tokens_details": {"cached_image_tokens": 10, "cached_text_tokens": 5},
    "output_tokens": 1056,
    "output_tokens_details": {"image_tokens": 1056, "text_tokens": 0},
    "total_tokens": 1106,
}


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize(
    ("model", "told", "used", "status"),
    [
        (
            "gpt-image-2",
            DRAWN,
            Usage(input=15, cache_read=5, input_image=20, cache_read_image=10, output_image=1056),
            "priced",
        ),
        ("gpt-image-2", None, Usage(images=1), "partial"),
        ("", {}, Usage(images=1), "partial"),
    ],
)
def test_pictures_in_a_response_are_billed_besides_by_the_model_that_made_them(
    watch, serve, shape, *, model, told, used, status
):
    seen, fake = watch("openai", hosts={"127.0.0.1": "openai"}), serve(wire)
    drawn = item("image_generation_call", result="UklGRg==")
    counts = {} if told is None else {"tool_usage": {"image_gen": told, "web_search": {"num_requests": 0}}}
    fake.play(wire.response(output=[drawn, wire.output_message()], usage=wire.RESPONSE_USAGE, **counts))

    tools = [{"type": "image_generation", "model": model}]
    client(fake).ask(shape, "responses.create", model="gpt-5", input="A cat!", tools=tools)

    assert (seen.usage, seen.reply.parts) == (Usage(**TOKENS), (ModelUsage(model or "image_generation", used),))
    assert seen.attributes["costspan.price.status"] == status


@pytest.mark.parametrize(
    ("tool", "named"), [("web_search_preview_2025_03_11", "web_search_preview"), ("web_search", "web_search")]
)
def test_the_tool_that_searched_sets_the_fee(watch, serve, tool, named):
    seen, fake = watch("openai"), serve(wire)
    fake.play(wire.response(output=[search(), wire.output_message()], usage=wire.RESPONSE_USAGE))

    client(fake).ask("sync", "responses.create", model="gpt-4o", input="cats?", tools=[{"type": tool}])

    assert seen.reply.terms.search_tool == named


@pytest.mark.parametrize("shape", PLAIN)
def test_a_background_response_is_billed_when_it_first_tells_its_usage(watch, serve, shape):
    seen, fake = watch("openai", count_tokens="missing"), serve(wire)
    name = f"resp_of_the_background_{shape}"
    fake.play(
        wire.response(id=name, status="queued", usage=None, output=[]),
        wire.retrieved(id=name, usage=wire.RESPONSE_USAGE),
        wire.retrieved(id=name, usage=wire.RESPONSE_USAGE),
    )
    asking = client(fake)
    asking.ask(shape, "responses.create", model="gpt-5", input="cats?", background=True)
    asking.ask(shape, "responses.retrieve", name)
    asking.ask(shape, "responses.retrieve", name)

    assert len(seen.spans) == 2
    assert [call.reply.usage for call in seen.calls] == [None, Usage(**TOKENS)]


def test_a_stream_that_was_left_and_estimated_is_not_billed_again(watch, serve):
    seen, fake = watch("openai", count_tokens="missing"), serve(wire)
    name = "resp_that_was_left"
    fake.play(wire.response(id=name), wire.retrieved(id=name, usage=wire.RESPONSE_USAGE))
    sdk = openai.OpenAI(base_url=fake.url + "/v1", api_key="k", max_retries=0)
    with sdk.responses.create(model="gpt-5", input="cats?", stream=True) as stream:
        next(iter(stream))
    sdk.responses.retrieve(name)
    sdk.close()

    (span,) = seen.spans
    assert (span.attributes["gen_ai.response.id"], span.attributes["costspan.usage.partial"]) == (name, True)


def test_what_was_billed_when_it_was_made_is_not_billed_again(watch, serve):
    seen, fake = watch("openai"), serve(wire)
    client(fake).ask("sync", "responses.retrieve", "resp_of_yesterday")

    assert (seen.calls, seen.spans) == ([], ())
    assert len(fake.requests) == 1


@pytest.mark.parametrize("shape", PLAIN)
def test_pictures_of_older_models_are_billed_by_the_piece_and_speech_by_the_character(watch, serve, shape):
    seen, fake = watch("openai"), serve(wire)
    fake.play(wire.images(usage=MISSING, data=[{"b64_json": "UklGRg=="}] * 3))
    asking = client(fake)
    asking.ask(shape, "images.generate", model="dall-e-2", prompt="cats", n=3)
    asking.ask(shape, "audio.speech.create", model="tts-1", voice="alloy", input="Cats sleep.")

    assert [call.reply.usage for call in seen.calls] == [Usage(images=3), Usage(input_characters=11)]


def test_what_is_billed_once_is_remembered_for_a_bounded_while():
    once = Once(size=2)

    assert [once.add(key) for key in ("a", "a", "b", "c", "a")] == [True, False, True, True, True]
    assert [once.more(key, amount) for key, amount in (("a", 3), ("d", 1), ("a", 4))] == [2, 1, 1]
    assert (once.take("a"), once.take("a")) == (True, False)


@pytest.mark.parametrize("shape", PLAIN)
@pytest.mark.parametrize(
    ("path", "arguments"),
    [("responses.create", {"input": "Cats?"}), ("decisions.create", {"input": "Cats?", "questions": []})],
)
def test_writes_to_the_cache_are_told_apart_by_their_life(watch, serve, shape, path, arguments):
    seen, fake = watch("openai", hosts={"127.0.0.1": "openai"}), serve(wire)
    decision = {"id": "d_1", "object": "decision", "model": "gpt-5.6", "answers": [], "usage": wire.RESPONSE_WRITTEN}
    fake.play(wire.response(usage=wire.RESPONSE_WRITTEN) if "responses" in path else reply(decision))

    client(fake).ask(shape, path, model="gpt-5.6", **arguments)

    assert seen.usage == Usage(
        input=100, cache_read=600, cache_write_30m=100, cache_write_12h=200, output=150, reasoning=50
    )


@pytest.mark.parametrize("shape", SHAPES)
def test_xai_states_its_charge_in_responses_too(watch, serve, shape):
    seen, fake = watch("openai", hosts={"127.0.0.1": "x_ai"}), serve(wire)
    fake.play(wire.response(usage=wire.RESPONSE_USAGE | {"cost_in_usd_ticks": 25_000_000}))

    client(fake).ask(shape, "responses.create", model="grok-4", input="Cats?")

    assert seen.attributes["gen_ai.usage.cost.amount"] == 0.0025


def test_xai_states_its_charge_for_pictures_too(watch, serve):
    seen, fake = watch("openai", hosts={"127.0.0.1": "x_ai"}), serve(wire)
    fake.play(wire.images(usage={"cost_in_usd_ticks": 300_000_000}))

    client(fake).ask("sync", "images.generate", model="grok-imagine-image", prompt="A cat")

    assert (seen.usage, seen.attributes["gen_ai.usage.cost.amount"]) == (Usage(images=1), 0.03)


FAILING = [
    ({"code": "rate_limit_exceeded", "message": "x"}, "rate_limit_exceeded"),
    ({"code": None, "message": "x"}, "error"),
]


@pytest.mark.parametrize("shape", STREAMS)
@pytest.mark.parametrize(("told", "named"), FAILING)
def test_an_error_event_that_the_sdk_hands_on_is_the_calls(watch, serve, shape, told, named):
    """An event of its own, in place of `response.failed`: the SDK does not raise."""
    seen, fake = watch("openai"), serve(wire)
    started = {
        "type": "response.created",
        "response": {"id": "r", "object": "response", "model": "gpt-5", "output": []},
    }
    fake.play(events([started, {"type": "error", "sequence_number": 1, **told}], named=True, done=False))

    client(fake).ask(shape, "responses.create", model="gpt-5", input="Cats?")

    assert seen.attributes["error.type"] == named


class Count(pydantic.BaseModel):
    cats: int


@pytest.mark.parametrize("shape", PLAIN)
@pytest.mark.parametrize(("finish", "error"), [("stop", "ValidationError"), ("length", "LengthFinishReasonError")])
def test_an_answer_that_the_sdk_cannot_parse_was_paid_for(watch, serve, shape, finish, error):
    seen, fake = watch("openai"), serve(wire)
    message = {"role": "assistant", "content": "Cats sleep.", "refusal": None}
    choice = {"index": 0, "message": message, "finish_reason": finish, "logprobs": None}
    fake.play(wire.chat(usage=wire.CACHED, choices=[choice]))

    with pytest.raises((pydantic.ValidationError, openai.LengthFinishReasonError)):
        client(fake).ask(shape, "chat.completions.parse", model="gpt-5", messages=ASKED, response_format=Count)

    assert seen.usage == Usage(input=400, cache_read=600, output=150, reasoning=50)
    assert (seen.attributes["error.type"], seen.reply.finish_reasons) == (error, (finish,))


@pytest.mark.parametrize("shape", PLAIN)
def test_tools_of_a_response_that_the_sdk_cannot_parse_were_paid_for(watch, serve, shape):
    seen, fake = watch("openai"), serve(wire)
    text = {"type": "output_text", "text": "Cats sleep.", "annotations": []}
    message = {"type": "message", "id": "m", "role": "assistant", "status": "completed", "content": [text]}
    fake.play(wire.response(output=[search(), message]))

    with pytest.raises(pydantic.ValidationError):
        client(fake).ask(shape, "responses.parse", model="gpt-5", input="Cats?", text_format=Count)

    assert seen.usage.web_searches == 1
    assert seen.usage.total_output > 0


@pytest.mark.parametrize("shape", STREAMS)
def test_a_response_that_failed_before_it_said_anything_used_nothing(watch, serve, shape):
    """The provider's last word tells no usage: there is none to estimate."""
    seen, fake = watch("openai", hosts={"127.0.0.1": "openai"}, count_tokens="auto"), serve(wire)
    begun = {"id": "r", "object": "response", "model": "gpt-5", "output": [], "usage": None}
    failed = begun | {"status": "failed", "error": {"code": "server_error", "message": "x"}}
    told = [{"type": f"response.{each}", "response": begun} for each in ("created", "in_progress")]
    fake.play(events([*told, {"type": "response.failed", "response": failed}], named=True, done=False))

    client(fake).ask(shape, "responses.create", model="gpt-5", input="Cats?")

    assert (seen.attributes["error.type"], seen.usage) == ("server_error", None)


@pytest.mark.parametrize("shape", STREAMS)
def test_an_error_in_the_place_of_a_stream_is_no_first_chunk_of_an_answer(watch, serve, shape):
    seen, fake = watch("openai"), serve(wire)
    fake.play(events([{"type": "error", "sequence_number": 0, "code": "overloaded"}], named=True, done=False))

    client(fake).ask(shape, "responses.create", model="gpt-5", input="Cats?")

    assert "gen_ai.response.time_to_first_chunk" not in seen.attributes
    assert seen.attributes["error.type"] == "overloaded"


@pytest.mark.filterwarnings("ignore:deprecated:DeprecationWarning")  # translations, by the SDK
@pytest.mark.parametrize("shape", PLAIN)
@pytest.mark.parametrize("path", ["audio.transcriptions.create", "audio.translations.create"])
def test_the_length_of_the_sound_is_what_counts_where_no_usage_is_told(watch, serve, shape, path):
    seen, fake = watch("openai"), serve(wire)
    fake.play(reply({"text": "Cats.", "language": "english", "duration": 8.5, "segments": []}))

    client(fake).ask(shape, path, model="whisper-1", file=("a.wav", b"RIFF"), response_format="verbose_json")

    assert seen.usage == Usage(input_audio_ms=8500)


def test_a_client_of_azure_is_azure_at_an_address_of_its_own(watch, serve):
    seen, fake = watch("openai"), serve(wire)
    sdk = openai.AzureOpenAI(azure_endpoint=fake.url, api_key="k", api_version="2024-10-21")

    with sdk:
        sdk.chat.completions.create(model="my-deployment", messages=[{"role": "user", "content": "Cats?"}])

    assert seen.attributes["gen_ai.provider.name"] == "azure.ai.openai"
    assert seen.attributes["costspan.price.model"] == "azure.ai.openai/gpt-4o"


@pytest.mark.parametrize("shape", STREAMS)
def test_a_charge_of_0_in_a_stream_that_is_left_early_is_none(watch, serve, shape):
    """Perplexity says 0 in every chunk but the last."""
    seen, fake = watch("openai", hosts={"127.0.0.1": "perplexity"}), serve(wire)
    chunk = {"id": "c", "object": "chat.completion.chunk", "created": 1, "model": "sonar"}
    choice = {"index": 0, "delta": {"content": "Cats"}, "finish_reason": None}
    usage = {"prompt_tokens": 10, "completion_tokens": 1, "total_tokens": 11, "cost": {"total_cost": 0}}
    fake.play(events([chunk | {"choices": [choice], "usage": usage}] * 2))

    client(fake).leave(shape, "chat.completions.create", model="sonar", messages=[{"role": "user", "content": "?"}])

    assert (seen.usage, seen.reply.stated_cost) == (Usage(input=10, output=1), None)
    assert seen.attributes["gen_ai.usage.cost.amount"] > 0


WRITTEN = {"model": "gpt-5.4", "input_tokens": 40, "output_tokens": 90, "reasoning_tokens": 30, "total_tokens": 130}
WRITER = ModelUsage("gpt-5.4", Usage(input=40, output=60, reasoning=30))


@pytest.mark.parametrize("shape", PLAIN)
def test_a_picture_that_is_text_is_billed_besides_by_the_model_that_wrote_it(watch, serve, shape):
    seen, fake = watch("openai"), serve(wire)
    fake.play(wire.images(svg_usage=WRITTEN))

    client(fake).ask(shape, "images.generate", model="gpt-image-2", prompt="cats", output_format="svg")

    assert seen.reply.parts == (WRITER,)


@pytest.mark.parametrize("shape", SHAPES)
def test_so_is_each_in_a_response(watch, serve, shape):
    seen, fake = watch("openai"), serve(wire)
    picture = item("image_generation_call", result="PHN2Zz4=", svg_usage=WRITTEN)
    fake.play(wire.response(output=[picture, picture], tool_usage={"image_gen": DRAWN}, usage=wire.RESPONSE_USAGE))

    client(fake).ask(shape, "responses.create", model="gpt-5", input="Draw.", tools=[{"type": "image_generation"}])

    assert seen.reply.parts[1:] == (WRITER, WRITER)

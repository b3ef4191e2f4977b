from __future__ import annotations

import groq
import pytest
from fake_providers import openai as wire
from fake_providers.openai_streams import events

from adapters import PLAIN, SHAPES, STREAMS, Client
from costspan.usage import ModelUsage, Usage

MESSAGES = [{"role": "user", "content": "Tell me about cats."}]
INNER = [
    {"model": "openai/gpt-oss-120b", "usage": {"prompt_tokens": 900, "completion_tokens": 80, "total_tokens": 980}},
    {"model": "llama-3.3-70b-versatile", "usage": {"prompt_tokens": 100, "completion_tokens": 20, "total_tokens": 120}},
]
PARTS = (
    ModelUsage("openai/gpt-oss-120b", Usage(input=900, output=80)),
    ModelUsage("llama-3.3-70b-versatile", Usage(input=100, output=20)),
)
SUM = {"prompt_tokens": 1000, "completion_tokens": 100, "total_tokens": 1100}


def client(fake):
    where = {"base_url": fake.url, "api_key": "k"}
    return Client(lambda: groq.Groq(**where), lambda: groq.AsyncGroq(**where))


def streamed(asked, body):
    """Groq's last chunk: the usage is under `x_groq`."""
    head = {key: body[key] for key in ("id", "created", "model")} | {"object": "chat.completion.chunk"}
    chunk = {"index": 0, "delta": {"content": "Cats."}, "finish_reason": None}
    last = {"index": 0, "delta": {}, "finish_reason": "stop"}
    told = {"id": "req_1", "usage": body["usage"], "usage_breakdown": body.get("usage_breakdown")}
    return events([head | {"choices": [chunk]}, head | {"choices": [last], "x_groq": told}])


@pytest.mark.parametrize("shape", SHAPES)
def test_a_stream_ends_with_its_usage_unasked(watch, serve, shape):
    seen, fake = watch("groq"), serve(wire)
    fake.play(wire.operation(wire._chat, streamed)(usage=wire.CACHED))

    client(fake).ask(shape, "chat.completions.create", model="openai/gpt-oss-120b", messages=MESSAGES)

    assert seen.usage == Usage(input=400, cache_read=600, output=150, reasoning=50)
    assert "stream_options" not in fake.requests[-1].json


@pytest.mark.parametrize("shape", SHAPES)
def test_a_compound_system_is_billed_by_the_models_inside_it(watch, serve, shape):
    seen, fake = watch("groq"), serve(wire)
    play = wire.operation(wire._chat, streamed)(usage=SUM, model="groq/compound", usage_breakdown={"models": INNER})
    fake.play(play)

    client(fake).ask(shape, "chat.completions.create", model="groq/compound", messages=MESSAGES)

    assert seen.reply.parts == PARTS
    assert seen.call.bill.usage == Usage(input=1000, output=100)
    assert (seen.attributes["gen_ai.usage.input_tokens"], seen.attributes["gen_ai.usage.output_tokens"]) == (1000, 100)


REPEATED = {"models": [{"model": "llama-3.3-70b-versatile", "usage": SUM}] * 4}  # as was seen


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("told", [None, REPEATED])
def test_a_compound_system_that_does_not_tell_its_models_apart_is_not_priced(watch, serve, shape, told):
    seen, fake = watch("groq"), serve(wire)
    fake.play(wire.operation(wire._chat, streamed)(usage=SUM, model="groq/compound", usage_breakdown=told))

    client(fake).ask(shape, "chat.completions.create", model="compound-beta", messages=MESSAGES)

    assert seen.usage == Usage(input=1000, output=100)
    assert seen.attributes["costspan.price.status"] == "unpriced"
    assert "compound" in seen.attributes["costspan.price.reason"]


def test_the_caches_of_the_chip_are_no_cached_tokens(watch, serve):
    """`x_groq.usage` of a complete answer is about the hardware."""
    seen, fake = watch("groq"), serve(wire)
    fake.play(wire.chat(x_groq={"id": "r", "usage": {"dram_cached_tokens": 7, "sram_cached_tokens": 9}}))

    client(fake).ask("sync", "chat.completions.create", model="m", messages=MESSAGES)

    assert seen.usage == Usage(input=19, output=10)


@pytest.mark.parametrize("shape", PLAIN)
def test_speech_is_billed_by_the_character(watch, serve, shape):
    seen, fake = watch("groq"), serve(wire)

    client(fake).ask(shape, "audio.speech.create", model="orpheus", voice="a", input="Hello!")

    assert seen.usage == Usage(input_characters=6)


@pytest.mark.parametrize("shape", STREAMS)
def test_an_error_that_stopped_a_stream_is_the_calls(watch, serve, shape):
    seen, fake = watch("groq"), serve(wire)
    chunk = {"id": "c", "created": 1, "model": "m", "object": "chat.completion.chunk", "choices": []}
    fake.play(events([chunk | {"x_groq": {"id": "req_1"}}, chunk | {"x_groq": {"id": "req_1", "error": "it broke"}}]))

    client(fake).ask(shape, "chat.completions.create", model="m", messages=MESSAGES)

    assert seen.attributes["error.type"] == "error"

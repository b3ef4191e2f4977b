from __future__ import annotations

import openrouter
import pytest
from fake_providers import openai as wire

from adapters import PLAIN, SHAPES, STREAMS, Client, telling
from costspan.demo.server import events, reply
from costspan.usage import Usage

pytestmark = pytest.mark.real
MESSAGES = [{"role": "user", "content": "Tell me about cats."}]
CHARGED = {
    "upstream_inference_cost": 0.5,
    "upstream_inference_prompt_cost": 0.2,
    "upstream_inference_completions_cost": 0.3,
}
PAID = wire.WRITTEN | {"cost": 0.25, "is_byok": False}


def named(shape, path):
    return f"{path}_async" if shape.startswith("async") else path


def client(fake):
    return Client(lambda: Both(fake), lambda: Both(fake), named)


class Both:
    """The client has an HTTP client of each kind."""

    def __init__(self, fake):
        self._client = openrouter.OpenRouter(api_key="k", server_url=fake.url)

    def __getattr__(self, name):
        return getattr(self._client, name)

    async def close(self):
        self._client.__exit__(None, None, None)
        await self._client.__aexit__(None, None, None)


@pytest.mark.parametrize("shape", SHAPES)
def test_the_stated_cost_wins(watch, serve, shape):
    seen, fake = watch("openrouter"), serve(wire)
    fake.play(telling(wire.chat(usage=PAID, service_tier=None, system_fingerprint=None)))

    client(fake).ask(shape, "chat.send", model="openai/gpt-4o", messages=MESSAGES, stream="stream" in shape)

    assert seen.usage == Usage(input=100, cache_read=600, cache_write=300, output=150, reasoning=50)
    assert seen.attributes["gen_ai.usage.cost.amount"] == 0.25
    assert seen.attributes["gen_ai.usage.cost.source"] == "provider"


@pytest.mark.parametrize("shape", SHAPES)
def test_with_the_users_own_key_only_the_fee_is_charged(watch, serve, shape):
    seen, fake = watch("openrouter"), serve(wire)
    own = PAID | {"is_byok": True, "cost_details": CHARGED}
    fake.play(telling(wire.chat(usage=own, service_tier=None, system_fingerprint=None)))

    client(fake).ask(shape, "chat.send", model="openai/gpt-4o", messages=MESSAGES, stream="stream" in shape)

    assert seen.attributes["gen_ai.usage.cost.amount"] == 0.25


@pytest.mark.parametrize("shape", PLAIN)
def test_an_error_bills_nothing(watch, serve, shape):
    seen, fake = watch("openrouter"), serve(wire)
    fake.play(wire.error(400))

    with pytest.raises(openrouter.errors.OpenRouterError):
        client(fake).ask(shape, "chat.send", model="m", messages=MESSAGES)

    assert "gen_ai.usage.cost.amount" not in seen.attributes


@pytest.mark.parametrize("shape", STREAMS)
def test_an_error_within_a_stream_is_the_calls(watch, serve, shape):
    seen, fake = watch("openrouter"), serve(wire)
    chunk = {"id": "c", "created": 1, "model": "m", "object": "chat.completion.chunk", "choices": []}
    fake.play(events([chunk, chunk | {"error": {"code": 502, "message": "it broke"}}]))

    client(fake).ask(shape, "chat.send", model="m", messages=MESSAGES, stream=True)

    assert seen.attributes["error.type"] == "502"


@pytest.mark.parametrize("shape", PLAIN)
def test_pictures_state_their_cost_and_tokens_as_chats_do(watch, serve, shape):
    seen, fake = watch("openrouter"), serve(wire)
    made = {"created": 1, "data": [{"b64_json": "UklGRg=="}], "usage": PAID}
    fake.play(reply(made))

    client(fake).ask(shape, "images.generate", model="openai/gpt-image-1", prompt="cats")

    assert (seen.usage.total_input, seen.usage.total_output) == (1000, 200)
    assert seen.attributes["gen_ai.usage.cost.amount"] == 0.25


def test_searches_and_video_are_counted(watch, serve):
    seen, fake = watch("openrouter"), serve(wire)
    usage = {"prompt_tokens": 100, "completion_tokens": 5, "total_tokens": 105, "cost": 0.25}
    usage |= {"prompt_tokens_details": {"video_tokens": 90}, "server_tool_use_details": {"web_search_requests": 2}}
    fake.play(wire.chat(usage=usage, service_tier=None, system_fingerprint=None))

    client(fake).ask("sync", "chat.send", model="m", messages=MESSAGES)

    assert seen.usage == Usage(input=10, input_video=90, output=5, web_searches=2)


DECIDED = {
    "answers": {"q": {"type": "noul", "value": True}},
    "model": "m",
    "usage": {"input_tokens": 7, "output_tokens": 2},
}
QUESTIONS = {"state": "Cats?", "questions": {}}
SOUND = Usage(input=83, output=30, input_audio_ms=9500)
HEARD = {"text": "Cats.", "usage": {"seconds": 9.5, "total_tokens": 113, "input_tokens": 83, "output_tokens": 30}}


@pytest.mark.parametrize("shape", PLAIN)
@pytest.mark.parametrize(
    ("name", "asked"),
    [
        ("alpha.decisions.create", (DECIDED, QUESTIONS, Usage(input=7, output=2))),
        ("system_one.create", (DECIDED, QUESTIONS, Usage(input=7, output=2))),
        ("stt.create_transcription", (HEARD, {"input_audio": {"data": "UklGRg==", "format": "wav"}}, SOUND)),
        ("stt.create_transcription_multipart", (HEARD, {"source_url": "https://example.com/cats.wav"}, SOUND)),
    ],
)
def test_what_else_states_its_cost(watch, serve, shape, name, asked):
    seen, fake = watch("openrouter"), serve(wire)
    answer, arguments, usage = asked
    fake.play(reply(answer | {"usage": answer["usage"] | {"cost": 0.25}}))

    client(fake).ask(shape, name, model="m", server_url=fake.url, **arguments)

    assert (seen.usage, seen.attributes["gen_ai.usage.cost.amount"]) == (usage, 0.25)


@pytest.mark.parametrize("shape", PLAIN)
def test_speech_states_no_cost_and_tells_its_characters(watch, serve, shape):
    seen, fake = watch("openrouter"), serve(wire)

    client(fake).ask(shape, "tts.create_speech", model="m", input="Cats.", voice="alloy")

    assert (seen.call.request.operation, seen.usage) == ("text_to_speech", Usage(input_characters=5))
    assert seen.attributes["costspan.price.status"] == "unpriced"


@pytest.mark.parametrize("shape", PLAIN)
def test_a_video_is_billed_once_when_it_is_found_done(watch, serve, shape):
    seen, fake = watch("openrouter"), serve(wire)
    made = {"id": f"video-{shape}", "polling_url": "/videos/1", "status": "in_progress"}
    done = made | {"status": "completed", "usage": {"cost": 0.4}}
    fake.play(reply(made, 202), reply(made), reply(done), reply(done))

    client(fake).ask(shape, "video_generation.generate", model="m", prompt="Cats")
    for _ in range(3):
        client(fake).ask(shape, "video_generation.get_generation", job_id=made["id"])

    assert (seen.reply.id, seen.attributes["gen_ai.usage.cost.amount"]) == (made["id"], 0.4)


@pytest.mark.parametrize("shape", PLAIN)
def test_a_finished_batch_is_billed_once_as_it_states(watch, serve, shape):
    seen, fake = watch("openrouter"), serve(wire)
    counts = {"total": 2, "completed": 2, "failed": 0, "expired": 0, "cancelled": 0}
    made = {
        "id": f"batch-{shape}",
        "object": "batch",
        "endpoint": "/v1/chat/completions",
        "model": "openai/gpt-4o",
        "provider": None,
        "completion_window": "24h",
        "created_at": 1,
        "expires_at": None,
        "finalized_at": None,
        "error": None,
        "results": None,
        "request_counts": counts,
        "status": "in_progress",
        "usage": None,
    }
    done = made | {"status": "completed", "usage": PAID}
    fake.play(reply(made), reply(done), reply(done))

    for _ in range(3):
        client(fake).ask(shape, "batch.get_batches", id=made["id"])

    assert (seen.reply.terms.batch, seen.attributes["gen_ai.usage.cost.amount"]) == (True, 0.25)
    assert seen.usage.requests == 2

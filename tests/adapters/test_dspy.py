from __future__ import annotations

import asyncio
import base64
import os
import tempfile
import tracemalloc
from dataclasses import replace
from types import SimpleNamespace

import pytest
from fake_providers import anthropic, gemini, openai

from adapters import PLAIN, SHAPES, STREAMS, Client
from costspan import BudgetExceededError, budget
from costspan.adapters import _hearing
from costspan.adapters._adapter import load
from costspan.adapters._dspy_hooks import hear, open_transport
from costspan.adapters._watch import Watch
from costspan.adapters.openai import CHAT, SPEECH
from costspan.call import Call, Request
from costspan.config import Settings
from costspan.demo.server import events
from costspan.usage import Usage

os.environ.setdefault("DSPY_CACHEDIR", tempfile.mkdtemp())  # else it is below the user's home
os.environ["LITELLM_LOCAL_MODEL_COST_MAP"] = "True"  # else it is fetched at import

import anthropic as anthropic_sdk
import dspy
import openai as openai_sdk
from dspy import lm15
from dspy._vendor.lm15.transports import TransportRequest
from google import genai

pytestmark = [pytest.mark.real, pytest.mark.filterwarnings("ignore")]  # DSPy's own and its dependencies'
MESSAGES = [{"role": "user", "content": "Cats?"}]
VERTEX = "https://us-east5-aiplatform.googleapis.com/v1/projects/p/locations/us-east5/publishers/anthropic/models"
FLEX = gemini.generated(usageMetadata=gemini.FULL | {"serviceTier": "flex"})
WIRES = {  # provider, class of the engine, where its addresses begin, model, answer, the provider's own SDK
    "chat": ("openai", "OpenAIChatLM", "/v1", "gpt-4o", openai.chat(usage=openai.CACHED), "chat.completions.create"),
    "responses": ("openai", "OpenAILM", "/v1", "gpt-5", openai.response(), "responses.create"),
    "messages": (
        "anthropic",
        "AnthropicLM",
        "/v1",
        "claude-sonnet-4-5",
        anthropic.message(usage=anthropic.CACHED | {"inference_geo": "us"}),
        "messages.create",
    ),
    "gemini": (
        "gcp.gemini",
        "GeminiLM",
        "/v1beta",
        "gemini-2.5-flash",
        lambda asked: replace(FLEX(asked), headers={"x-gemini-service-tier": "flex"}),  # which its own SDK goes by
        "models.generate_content",
    ),
}
PIXEL = b"\x89PNG\r\n\x1a\n--" + bytes(24)
SIZED = {"size": "512x512", "n": 2}
NO_CHATS = {  # of OpenAI's SDK: what it is asked, the engine's method, and what that is asked at an address
    "images.generate": (
        {"model": "gpt-image-1", "prompt": "A cat", "quality": "low"},
        "image_generate",
        lambda _at: lm15.ImageGenerationRequest(model="gpt-image-1", prompt="A cat", extensions={"quality": "low"}),
    ),
    "images.edit": (
        {"model": "dall-e-2", "prompt": "A hat,\r\n--red", "image": PIXEL, **SIZED},
        "image_generate",
        lambda _at: lm15.ImageGenerationRequest(
            model="dall-e-2",
            prompt="A hat,\r\n--red",
            images=(lm15.ImagePart(data=base64.b64encode(PIXEL).decode()),),
            extensions=SIZED,
        ),
    ),
    "audio.speech.create": (
        {"model": "tts-1", "input": "Cats sleep.", "voice": "alloy"},
        "speech_generate",
        lambda _at: lm15.SpeechGenerationRequest(model="tts-1", prompt="Cats sleep.", voice="alloy"),
    ),
    "completions.create": (
        {"model": "gpt-3.5-turbo-instruct", "prompt": "Cats"},
        "transport.stream",
        lambda at: TransportRequest(
            "POST",
            f"{at}/completions",
            [("content-type", "application/json")],
            b'{"model": "gpt-3.5-turbo-instruct", "prompt": "Cats"}',
        ),
    ),
}
TOLD = b'{"usage": {"prompt_tokens": 19, "completion_tokens": 10}}'
NUMBERS = ("gen_ai.usage.", "costspan.", "gen_ai.provider", "gen_ai.response.model", "gen_ai.response.finish_reasons")


def engine(name, url, method=""):
    given = {"api_key": "k", "base_url": url}
    return Client(
        lambda: getattr(lm15, name)(**given),
        lambda: getattr(lm15, f"Async{name}")(**given),
        lambda shape, _path: method or ("stream" if "stream" in shape else "complete"),
    )


def asked(model="gpt-4o", **config):
    return lm15.Request(model=model, messages=(lm15.Message.user("Cats?"),), config=lm15.Config(**config))


class Later:
    """Pieces that are iterable, and no iterator."""

    async def __aiter__(self):
        yield TOLD


def heard(chunks, operation=CHAT, **given):
    """A call whose answer comes in these pieces, and what the program gets of them."""
    observer = SimpleNamespace(finished=lambda _call: None)
    call, response = (
        Call(Request(operation.name, "openai", **given), observer),
        SimpleNamespace(status=200, _chunks=chunks),
    )
    hear(response, Watch(call, operation, observer))
    return call, response._chunks


async def every(chunks):
    return [chunk async for chunk in chunks]


def by_its_own_sdk(provider, path, model, url):
    if provider == "openai":
        sdk = openai_sdk.OpenAI(base_url=url + "/v1", api_key="k")
    elif provider == "anthropic":
        sdk = anthropic_sdk.Anthropic(base_url=url, api_key="k")
    else:
        sdk = genai.Client(api_key="k", http_options={"base_url": url})
    given = {
        "responses.create": {"input": "Cats?"},
        "models.generate_content": {"contents": "Cats?"},
    }.get(path, {"messages": MESSAGES, "max_tokens": 9})
    Client(lambda: sdk).ask("sync", path, model=model, **given)


def numbers(span):
    return {key: value for key, value in span.attributes.items() if key.startswith(NUMBERS)}


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("wire", WIRES)
def test_an_answer_costs_what_it_does_through_the_providers_own_sdk(watch, serve, shape, wire):
    provider, name, start, model, answer, path = WIRES[wire]
    seen = watch("openai", "anthropic", "google_genai", "dspy", hosts={"127.0.0.1": provider})
    fake = serve({"openai": openai, "anthropic": anthropic, "gcp.gemini": gemini}[provider])
    fake.play(answer, answer)

    by_its_own_sdk(provider, path, model, fake.url)
    engine(name, fake.url + start).ask(shape, "", asked(model))

    own, ours = seen.spans
    assert numbers(ours) == numbers(own)
    assert ours.attributes["gen_ai.usage.cost.amount"] > 0
    assert ours.attributes["gen_ai.request.model"] == model
    assert ours.name == own.name
    assert not seen.calls[1].reply.partial


@pytest.mark.parametrize("shape", PLAIN)
@pytest.mark.parametrize("path", NO_CHATS)
def test_what_is_no_chat_costs_what_it_does_through_openais_sdk(watch, serve, shape, path):
    seen, fake = watch("openai", "dspy", hosts={"127.0.0.1": "openai"}), serve(openai)
    given, method, sent = NO_CHATS[path]
    url = fake.url + "/v1"
    taken = dict(zip(PLAIN, STREAMS, strict=True))[shape] if method == "transport.stream" else shape

    Client(lambda: openai_sdk.OpenAI(base_url=url, api_key="k")).ask("sync", path, **given)
    engine("OpenAILM", url, method).ask(taken, "", sent(url))

    own, ours = seen.spans
    assert numbers(ours) == numbers(own)
    assert ours.attributes["gen_ai.usage.cost.amount"] > 0
    assert ours.name == own.name
    assert not seen.calls[1].reply.partial


@pytest.mark.parametrize("shape", PLAIN)
def test_a_finished_batch_is_billed_once_at_the_batch_price(watch, serve, shape):
    seen, fake = watch("dspy", hosts={"127.0.0.1": "openai"}), serve(openai)

    for _ in range(2):
        engine("OpenAILM", fake.url + "/v1", "batch_status").ask(shape, "", f"batch_dspy_{shape}")

    assert len(fake.requests) == 2
    assert seen.usage.requests == 2
    assert seen.reply.terms.batch
    assert seen.attributes["gen_ai.usage.cost.amount"] > 0


@pytest.mark.parametrize("shape", PLAIN)
@pytest.mark.parametrize("chosen", ["auto", "litellm"])
def test_a_program_of_dspy_is_seen_once_and_what_its_cache_answers_is_no_call(watch, serve, shape, chosen):
    seen, fake = watch("openai", "litellm", "dspy"), serve(openai)
    where = {"api_base": fake.url + "/v1", "api_key": "k", "num_retries": 0}
    lm = dspy.LM("openai/gpt-4o", engine=chosen, **where)
    prompt = f"Cats, {chosen}, {shape}?"

    for _ in range(2):
        lm(prompt) if shape == "sync" else asyncio.run(lm.acall(prompt))

    assert len(fake.requests) == 1
    assert seen.usage == Usage(input=19, output=10)
    assert len(seen.spans) == 1


@pytest.mark.parametrize("shape", SHAPES)
def test_a_refusal_is_a_failed_call(watch, serve, shape):
    seen, fake = watch("dspy"), serve(openai)
    fake.play(openai.error(429))

    with pytest.raises(lm15.RateLimitError):
        engine("OpenAIChatLM", fake.url + "/v1").ask(shape, "", asked())

    assert seen.attributes["error.type"] == "429"
    assert seen.usage is None


@pytest.mark.parametrize("shape", SHAPES)
def test_who_cannot_be_reached_is_a_failed_call(watch, shape):
    seen = watch("dspy")

    with pytest.raises(lm15.TransportError):
        engine("OpenAIChatLM", "http://127.0.0.1:9/v1").ask(shape, "", asked())

    assert seen.attributes["error.type"] == "ConnectError"


@pytest.mark.parametrize("shape", STREAMS)
def test_an_error_within_a_stream_bills_what_was_told(watch, serve, shape):
    seen, fake = watch("dspy", hosts={"127.0.0.1": "anthropic"}), serve(anthropic)
    body = {"id": "m", "type": "message", "role": "assistant", "model": "claude-sonnet-4-5", "content": []}
    error = {"type": "error", "error": {"type": "overloaded_error", "message": "Overloaded"}}
    begun = {"type": "message_start", "message": body | {"usage": anthropic.USAGE}}
    fake.play(events([begun, error], named=True, done=False))

    engine("AnthropicLM", fake.url + "/v1").ask(shape, "", asked("claude-sonnet-4-5"))

    assert seen.usage.input == 19
    assert seen.attributes["gen_ai.usage.cost.amount"] > 0


@pytest.mark.parametrize("shape", STREAMS)
def test_a_stream_that_is_left_early_is_told_once_with_what_has_come(watch, serve, shape):
    seen, fake = watch("dspy"), serve(openai)

    engine("OpenAIChatLM", fake.url + "/v1").leave(shape, "", asked())

    assert seen.reply.partial
    assert len(seen.spans) == 1


@pytest.mark.parametrize("shape", STREAMS)
def test_a_budget_stops_a_stream_and_never_cuts_a_whole_answer(watch, serve, shape):
    seen, fake = watch("dspy", hosts={"127.0.0.1": "openai"}, count_tokens="missing"), serve(openai)
    client = engine("OpenAIChatLM", fake.url + "/v1")

    fake.play(openai.chat(), openai.chat(choices=openai.choices(openai.MESSAGE | {"content": "word " * 400})))

    with budget(tokens=60, streams=True):
        client.ask("sync", "", asked())
        with pytest.raises(BudgetExceededError):
            client.ask(shape, "", asked())
        with pytest.raises(BudgetExceededError):
            client.ask("sync", "", asked())

    assert len(fake.requests) == 2
    assert [call.reply.partial for call in seen.calls] == [False, True]


def test_results_of_a_batch_are_billed_as_they_are_read_at_the_batch_price(watch, serve):
    seen, fake = watch("dspy", hosts={"127.0.0.1": "anthropic"}), serve(anthropic)

    lines = (anthropic.result(each, anthropic.USAGE) | {"custom_id": str(each)} for each in range(2))
    fake.play(anthropic.batch, anthropic.results(*lines))

    with lm15.AnthropicLM(api_key="k", base_url=fake.url + "/v1") as lm:
        lm.batch_results("b_dspy")

    assert seen.usage == Usage(input=38, output=20, requests=2)
    assert seen.reply.terms.batch
    assert seen.call.request.model == ""


@pytest.mark.parametrize(
    ("url", "provider", "geo", "model", "stream"),
    [
        ("https://api.openai.com/v1/chat/completions", "openai", "", "m", False),
        ("https://my.openai.azure.com/openai/v1/responses", "azure.ai.openai", "", "m", False),
        ("https://my.services.ai.azure.com/anthropic/v1/messages", "anthropic", "", "m", False),
        ("https://bedrock-mantle.eu-west-2.api.aws/anthropic/v1/messages", "aws.bedrock", "eu-west-2", "m", False),
        ("https://api.deepseek.com/anthropic/messages", "deepseek", "", "m", False),
        ("https://llm.example.com/messages", "anthropic", "", "m", False),
        ("https://llm.example.com/v1beta/models/g:generateContent", "gcp.gemini", "", "g", False),
        (
            f"{VERTEX}/claude-sonnet-4-5@20250929:rawPredict",
            "gcp.vertex_ai",
            "us-east5",
            "claude-sonnet-4-5@20250929",
            False,
        ),
        (f"{VERTEX}/c:streamRawPredict", "gcp.vertex_ai", "us-east5", "c", True),
    ],
)
def test_the_address_tells_who_answers_and_googles_also_the_model(url, provider, geo, model, stream):
    body = b"{}" if ":" in url.removeprefix("https:") else b'{"model": "m"}'
    sent = SimpleNamespace(method="POST", url=url, body=body)

    request = open_transport(load("dspy"), None, None, (sent,), {}, Settings()).request

    assert (request.provider, request.geo, request.model, request.stream) == (provider, geo, model, stream)
    assert (request.biller == provider) == ("example" not in url)


def test_what_is_no_call_of_a_model_is_none(watch, serve):
    seen, fake = watch("dspy"), serve(openai)

    with lm15.OpenAIChatLM(api_key="k", base_url=fake.url + "/v1") as lm:
        lm.list_models()

    assert seen.calls == []


def test_a_long_line_in_many_pieces_is_put_together():
    line = b"data: " + TOLD.replace(b"{", b'{"picture": "' + b"A" * 100_000 + b'", ', 1) + b"\n\n"
    call, chunks = heard((line[at : at + 1000] for at in range(0, len(line), 1000)), stream=True)

    assert b"".join(chunks) == line
    assert call.reply.usage == Usage(input=19, output=10)


def test_only_lines_that_may_be_an_event_are_parsed(monkeypatch):
    parsed, parse = [], _hearing.parsed
    monkeypatch.setattr(_hearing, "parsed", lambda text: parsed.append(bytes(text)) or parse(text))
    call, chunks = heard(iter([b": ping\r\n\r\nevent: m\r\nid: 7\r\nda", b"ta: ", TOLD, b"\r\n\r\n"]), stream=True)

    list(chunks)

    assert parsed == [b" " + TOLD + b"\r"]
    assert call.reply.usage == Usage(input=19, output=10)


@pytest.mark.parametrize(("pieces", "take"), [([TOLD], list), (Later(), lambda pieces: asyncio.run(every(pieces)))])
def test_pieces_need_not_be_an_iterator(pieces, take):
    call, chunks = heard(pieces)

    assert take(chunks) == [TOLD]
    assert call.reply.usage == Usage(input=19, output=10)


def test_sound_is_not_kept_in_memory():
    call, chunks = heard((bytes(100_000) for _ in range(50)), SPEECH, body={"input": "Cats sleep."})
    tracemalloc.start()

    for _ in chunks:
        pass

    assert tracemalloc.get_traced_memory()[1] < 1_000_000
    tracemalloc.stop()
    assert call.reply.usage == Usage(input_characters=11)

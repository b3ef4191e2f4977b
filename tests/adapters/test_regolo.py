from __future__ import annotations

import os

import httpx
import pytest
from fake_providers import openai as wire

from adapters import telling
from costspan.demo.server import events, reply
from costspan.usage import Usage

os.environ.setdefault("REGOLO_URL", "http://127.0.0.1:9")  # else the SDK writes its own there, for good

import regolo
from regolo.client.regolo_client import RegoloClient

pytestmark = pytest.mark.real
MESSAGES = [{"role": "user", "content": "Tell me about cats."}]
CACHED = Usage(input=400, cache_read=600, output=150, reasoning=50)
alias = regolo.static_chat_completions


@pytest.fixture
def fake(serve, monkeypatch):
    monkeypatch.setattr(regolo, "enable_model_checks", False, raising=False)
    return serve(wire)


@pytest.fixture
def http():
    with httpx.Client() as client:
        yield client


def whole(answer, stream):
    return list(answer) if stream else answer


@pytest.mark.parametrize("full", [False, True])
@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("call", [alias, RegoloClient.static_chat_completions])
def test_usage_is_read_though_the_program_only_gets_the_text(watch, fake, http, call, stream, full):
    seen = watch("regolo")
    fake.play(telling(wire.chat(usage=wire.CACHED, choices=wire.choices(wire.MESSAGE))) if full or not stream else last)
    arguments = {"model": "Llama-3.3-70B-Instruct", "api_key": "k", "client": http, "base_url": fake.url}

    answer = whole(call(MESSAGES, stream=stream, full_output=full, **arguments), stream)

    assert answer
    assert seen.usage == CACHED
    assert seen.attributes["gen_ai.provider.name"] == "regolo"
    assert "stream_options" not in fake.requests[-1].json


def last(asked):
    """A stream whose last chunk has a choice and the usage: the SDK breaks on one without choices."""
    head = {"id": "c", "object": "chat.completion.chunk", "created": 1, "model": "Llama-3.3-70B-Instruct"}
    said = [{"index": 0, "delta": {"role": "assistant", "content": text}} for text in ("Cats ", "sleep.", "")]
    chunks = [head | {"choices": [choice]} for choice in said]
    chunks[-1]["usage"] = wire.CACHED
    return events(chunks)


@pytest.mark.parametrize("stream", [False, True])
def test_a_client_is_seen_through_its_methods(watch, fake, http, stream):
    client = RegoloClient(chat_model="m", api_key="k", alternative_url=fake.url, pre_existent_client=http)
    seen = watch("regolo")
    fake.play(last if stream else wire.chat(usage=wire.CACHED))

    whole(client.run_chat("Cats?", stream=stream), stream)

    assert seen.usage == CACHED


def test_a_stream_without_usage_keeps_its_text(watch, fake, http):
    seen = watch("regolo")

    list(RegoloClient.static_chat_completions(MESSAGES, "m", "k", stream=True, client=http, base_url=fake.url))

    assert (seen.usage, seen.reply.text) == (None, wire.TEXT)


def test_a_rerank_and_pictures_are_calls_too(watch, fake, http):
    seen = watch("regolo")
    fake.play(reply({"results": [], "usage": {"prompt_tokens": 5}}), wire.images(usage=None))

    RegoloClient.static_rerank("cats", ["a"], model="m", api_key="k", client=http, base_url=fake.url)
    RegoloClient.static_create_image("cat", "m", "k", n=2, client=http, base_url=fake.url)

    assert [call.reply.usage for call in seen.calls] == [Usage(input=5), Usage(images=2)]


def test_an_error_bills_nothing(watch, fake, http):
    seen = watch("regolo")
    fake.play(wire.error(400))

    with pytest.raises(httpx.HTTPStatusError):
        RegoloClient.static_chat_completions(MESSAGES, "m", "k", client=http, base_url=fake.url)

    assert "gen_ai.usage.cost.amount" not in seen.attributes

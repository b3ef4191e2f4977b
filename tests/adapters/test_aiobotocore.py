"""Bedrock through aiobotocore, which pins a botocore of its own."""

from __future__ import annotations

import gc
import json
import threading
import weakref
from contextlib import asynccontextmanager

import pytest
from aiobotocore.config import AioConfig
from aiobotocore.httpxsession import HttpxSession
from aiobotocore.session import get_session
from botocore.exceptions import ClientError
from fake_providers import anthropic as claude
from fake_providers import bedrock as wire

from costspan.adapters._bedrock_profiles import PROFILES
from costspan.usage import Usage

MODEL = "us.anthropic.claude-haiku-4-5-20251001-v1:0"
MESSAGES = [{"role": "user", "content": [{"text": "Tell me about cats."}]}]
FULL = Usage(input=400, cache_read=600, cache_write_5m=100, cache_write_1h=200, output=200)
CLAUDE = Usage(**{**FULL.counts, "output": 150, "reasoning": 50})
BODY = json.dumps({"messages": MESSAGES})


@pytest.fixture
def fake(serve):
    return serve(wire)


@asynccontextmanager
async def client(fake, service="bedrock-runtime", **options):
    session = get_session()
    where = {"region_name": "us-east-1", "endpoint_url": fake.url, "config": AioConfig(**options)}
    keys = {"aws_access_key_id": "a", "aws_secret_access_key": "b"}
    async with session.create_client(service, **where, **keys) as made:
        yield made


async def test_the_usage_of_a_plain_answer_is_read(watch, fake):
    seen = watch("bedrock")
    fake.play(wire.converse(wire.CACHED))

    async with client(fake) as sdk:
        await sdk.converse(modelId=MODEL, messages=MESSAGES)

    assert (seen.usage, seen.reply.finish_reasons) == (FULL, ("end_turn",))


async def test_a_stream_tells_its_usage_at_the_end(watch, fake):
    seen = watch("bedrock")
    fake.play(wire.converse_stream(wire.CACHED))

    async with client(fake) as sdk:
        answer = await sdk.converse_stream(modelId=MODEL, messages=MESSAGES)
        events = [event async for event in answer["stream"]]

    assert "metadata" in events[-1]
    assert (seen.usage, seen.reply.partial) == (FULL, False)


async def test_a_stream_that_is_left_early_is_told_once(watch, fake):
    seen = watch("bedrock")

    async with client(fake) as sdk:
        answer = await sdk.converse_stream(modelId=MODEL, messages=MESSAGES)
        async for _ in answer["stream"]:
            break
        answer["stream"].close()
    del answer
    gc.collect()

    assert (seen.reply.partial, len(seen.spans)) == (True, 1)


@pytest.mark.parametrize("size", [None, 10])
@pytest.mark.parametrize("http", [{}, {"http_session_cls": HttpxSession}])
async def test_a_body_is_looked_at_as_the_program_reads_it(watch, fake, size, http):
    seen = watch("bedrock")

    async with client(fake, **http) as sdk:
        answer = await sdk.invoke_model(modelId=MODEL, body=BODY)
        parts = [await answer["body"].read(size)]
        while parts[-1] and size:
            parts.append(await answer["body"].read(size))

    assert json.loads(b"".join(parts))["usage"] == claude.CACHED
    assert seen.usage == CLAUDE


async def test_a_response_is_looked_at_that_the_program_reads_behind_its_body(watch, fake):
    """Up to aiobotocore 3.7, `async with answer["body"]` gives it."""
    seen = watch("bedrock")

    async with client(fake) as sdk:
        answer = await sdk.invoke_model(modelId=MODEL, body=BODY)
        assert (await answer["body"].raw_stream.json(content_type=None))["usage"] == claude.CACHED

    assert seen.usage == CLAUDE


async def test_a_body_is_freed_when_the_program_lets_go_of_it(watch, fake):
    watch("bedrock")

    async with client(fake) as sdk:
        answer = await sdk.invoke_model(modelId=MODEL, body=BODY)
        await answer["body"].read()
        body = weakref.ref(answer["body"])
        gc.disable()
        try:
            del answer
            assert body() is None
        finally:
            gc.enable()


async def test_a_stream_of_a_model_s_own_json_is_merged(watch, fake):
    seen = watch("bedrock")

    async with client(fake) as sdk:
        answer = await sdk.invoke_model_with_response_stream(modelId=MODEL, body=BODY)
        chunks = [chunk async for chunk in answer["body"]]

    assert (seen.usage, all("chunk" in each for each in chunks)) == (CLAUDE, True)


async def test_an_error_reaches_the_program(watch, fake):
    seen = watch("bedrock")
    fake.play(wire.error(400))

    async with client(fake) as sdk:
        with pytest.raises(ClientError):
            await sdk.converse(modelId=MODEL, messages=MESSAGES)

    assert (seen.usage, "error.type" in seen.attributes) == (None, True)


async def test_a_profile_is_looked_up_with_the_usual_credentials(watch, fake, monkeypatch):
    """Those of the client can only be asked for in its own loop."""
    profile = "arn:aws:bedrock:us-east-1:123456789012:application-inference-profile/us-east-1-of-aio"
    for name, value in (("AWS_ENDPOINT_URL_BEDROCK", fake.url), ("AWS_ACCESS_KEY_ID", "c")):
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "d")
    watch("bedrock", bedrock_profiles="lookup")

    async with client(fake) as sdk:
        await sdk.converse(modelId=profile, messages=MESSAGES)
    for thread in threading.enumerate():
        if thread.name == "costspan-bedrock-profile":
            thread.join(10)

    assert PROFILES.model(profile) == "arn:aws:bedrock:us-east-1::foundation-model/amazon.nova-lite-v1:0"


async def test_an_agent_is_billed_by_its_traces(watch, fake):
    seen = watch("bedrock")
    used = {"inputTokens": 1000, "outputTokens": 50}
    fake.play(wire.completion(*wire.model_call("t1", used, "amazon.nova-lite-v1:0")))
    asked = {"agentId": "A123456789", "agentAliasId": "B123456789", "sessionId": "s-1", "inputText": "Cats?"}

    async with client(fake, "bedrock-agent-runtime") as sdk:
        answer = await sdk.invoke_agent(**asked, enableTrace=True)
        assert len([event async for event in answer["completion"]]) > 2

    assert seen.usage == Usage(input=1000, output=50, requests=1)

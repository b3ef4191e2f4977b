"""Rules that hold for every SDK of the family that shares one choke point, on OpenAI's payloads."""

from __future__ import annotations

import importlib
from typing import Any, NamedTuple

import openai
import pytest
from fake_providers import openai as wire
from fake_providers import writer

from adapters import PLAIN, SHAPES, STREAMS, Client, environments, telling
from costspan.adapters._stainless import place_client
from costspan.adapters.openai import ADAPTER
from costspan.call import Request
from costspan.config import Settings
from costspan.usage import Usage

MESSAGES = [{"role": "user", "content": "Tell me about cats."}]
CACHED = Usage(input=400, cache_read=600, output=150, reasoning=50)


class Sdk(NamedTuple):
    adapter: str
    module: str
    name: str  # of the sync client class
    provider: str
    chat: str = "chat.completions.create"
    base: str = "/v1"
    wire: Any = wire

    def __str__(self):
        return self.adapter

    def client(self, fake, **more):
        module, where = importlib.import_module(self.module), {"base_url": fake.url + self.base, "api_key": "k", **more}
        if self.adapter == "cerebras":
            where["warm_tcp_connection"] = False
        return Client(
            lambda: getattr(module, self.name)(**where), lambda: getattr(module, f"Async{self.name}")(**where)
        )


FAMILY = (
    Sdk("openai", "openai", "OpenAI", "openai"),
    Sdk("groq", "groq", "Groq", "groq", base=""),
    Sdk("together", "together", "Together", "together_ai", base=""),
    Sdk("writer", "writerai", "Writer", "writer", chat="chat.chat", base="", wire=writer),
)
PEERS = (
    Sdk("perplexity", "perplexity", "Perplexity", "perplexity", base=""),
    Sdk("cerebras", "cerebras.cloud.sdk", "Cerebras", "cerebras", base=""),
    Sdk("fireworks", "fireworks", "Fireworks", "fireworks_ai", base=""),
    Sdk("sambanova", "sambanova", "SambaNova", "sambanova"),
)
every_sdk = pytest.mark.parametrize("sdk", FAMILY if environments.NAME == environments.MAIN else PEERS, ids=str)


@pytest.fixture
def fake(sdk, serve):
    return serve(sdk.wire)


def usage_of(sdk):
    """Cached and reasoning tokens, as this SDK's provider names them."""
    if sdk.adapter != "writer":
        return wire.CACHED
    return wire.CACHED | {"prompt_token_details": {"cached_tokens": 600}, "prompt_tokens_details": None}


@every_sdk
@pytest.mark.parametrize("shape", SHAPES)
def test_every_token_is_in_one_bucket_in_every_shape(watch, fake, sdk, shape):
    seen = watch(sdk.adapter, hosts={"127.0.0.1": "openai"})
    fake.play(told(wire.chat(usage=usage_of(sdk)), sdk))

    sdk.client(fake).ask(shape, sdk.chat, model="m-1", messages=MESSAGES)

    assert seen.usage == CACHED
    assert (seen.reply.model, seen.reply.finish_reasons, seen.reply.partial) == ("m-1", ("stop",), False)


def told(answer, sdk):
    """The answer of a provider that ends its streams with the usage without being asked."""
    return answer if sdk.adapter in ("openai", "writer", "cerebras", "sambanova") else telling(answer)


@every_sdk
@pytest.mark.parametrize("shape", SHAPES)
def test_one_call_is_one_span_that_names_who_answered(watch, fake, sdk, shape):
    seen = watch(sdk.adapter)

    sdk.client(fake).ask(shape, sdk.chat, model="m-1", messages=MESSAGES, temperature=0.5)

    (span,) = seen.spans
    assert span.name == "chat m-1"
    assert span.attributes["gen_ai.provider.name"] == sdk.provider
    assert span.attributes["gen_ai.request.temperature"] == 0.5
    assert span.attributes["server.address"] == "127.0.0.1"


@every_sdk
@pytest.mark.parametrize("shape", SHAPES)
def test_retries_inside_the_sdk_are_one_call(watch, fake, sdk, shape):
    seen = watch(sdk.adapter)
    fake.play(wire.error(500, retry_after_ms="1"), wire.error(429, retry_after_ms="1"))

    sdk.client(fake).ask(shape, sdk.chat, model="m-1", messages=MESSAGES)

    assert len(fake.requests) == 3
    assert seen.call.error == ""


@every_sdk
@pytest.mark.parametrize("shape", SHAPES)
def test_an_error_is_the_hosts_own_and_bills_nothing(watch, fake, sdk, shape):
    seen = watch(sdk.adapter)
    fake.play(wire.error(400))

    with pytest.raises(importlib.import_module(sdk.module).BadRequestError):
        sdk.client(fake).ask(shape, sdk.chat, model="m-1", messages=MESSAGES)

    assert seen.attributes["error.type"] == "BadRequestError"
    assert "gen_ai.usage.cost.amount" not in seen.attributes


@every_sdk
@pytest.mark.parametrize("shape", SHAPES)
def test_counts_that_contradict_themselves_are_cut_and_marked(watch, fake, sdk, shape):
    seen = watch(sdk.adapter, hosts={"127.0.0.1": "openai"})
    odd = usage_of(sdk) | {"prompt_tokens": 100, "completion_tokens_details": {"reasoning_tokens": "many"}}
    fake.play(told(wire.chat(usage=odd), sdk))

    sdk.client(fake, _strict_response_validation=False).ask(shape, sdk.chat, model="m-1", messages=MESSAGES)

    assert (seen.usage, seen.reply.clamped) == (Usage(cache_read=100, output=200), True)


@every_sdk
def test_a_method_bound_before_is_seen_and_nothing_after(watch, fake, sdk):
    client = sdk.client(fake)._sync()
    bound = client
    for name in sdk.chat.split("."):
        bound = getattr(bound, name)
    seen = watch(sdk.adapter)
    bound(model="m-1", messages=MESSAGES)
    importlib.import_module("costspan.instrumentors").uninstrument()

    bound(model="m-1", messages=MESSAGES)

    client.close()
    assert len(seen.calls) == 1


@every_sdk
@pytest.mark.parametrize("how", ["with_raw_response", "with_streaming_response"])
def test_a_raw_response_is_read_as_the_host_reads_it(watch, fake, sdk, how):
    seen = watch(sdk.adapter)
    client = sdk.client(fake)._sync()
    *path, name = sdk.chat.split(".")
    owner = client
    for each in path:
        owner = getattr(owner, each)
    called = getattr(getattr(owner, how), name)(model="m-1", messages=MESSAGES)
    if how == "with_streaming_response":
        with called as response:
            response.parse()
    else:
        called.parse()
    client.close()

    assert seen.usage == Usage(input=19, output=10)


@every_sdk
@pytest.mark.parametrize("shape", STREAMS)
def test_a_stream_left_early_ends_the_call(watch, fake, sdk, shape):
    seen = watch(sdk.adapter)

    sdk.client(fake).leave(shape, sdk.chat, model="m-1", messages=MESSAGES)

    assert (seen.reply.partial, seen.call.chunks) == (True, 1)


@every_sdk
@pytest.mark.parametrize("shape", PLAIN)
def test_no_usage_is_unknown_and_not_zero(watch, fake, sdk, shape):
    seen = watch(sdk.adapter)
    fake.play(wire.chat(usage=None))

    sdk.client(fake).ask(shape, sdk.chat, model="m-1", messages=MESSAGES)

    assert seen.usage is None
    assert "gen_ai.usage.cost.amount" not in seen.attributes


@pytest.mark.parametrize(("scheme", "port"), [("https", 443), ("http", 80)])
def test_an_address_without_a_port_has_that_of_its_scheme(scheme, port):
    client, request = openai.OpenAI(api_key="k", base_url=f"{scheme}://llm.example.com/v1"), Request("chat", "openai")

    place_client(request, client, "/chat/completions", ADAPTER, Settings())

    assert (request.host, request.port) == ("llm.example.com", port)

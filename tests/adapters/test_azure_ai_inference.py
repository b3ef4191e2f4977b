from __future__ import annotations

import pytest
from azure.ai.inference import ChatCompletionsClient, EmbeddingsClient, aio
from azure.core.credentials import AzureKeyCredential
from fake_providers import openai as wire

from adapters import PLAIN, SHAPES, STREAMS, Client, telling
from costspan.usage import Usage

pytestmark = pytest.mark.real
MESSAGES = [{"role": "user", "content": "Tell me about cats."}]


def client(fake, name="ChatCompletionsClient"):
    where = {"endpoint": fake.url, "credential": AzureKeyCredential("k"), "permit_redirects": False}
    kinds = {"ChatCompletionsClient": ChatCompletionsClient, "EmbeddingsClient": EmbeddingsClient}
    return Client(lambda: kinds[name](**where), lambda: getattr(aio, name)(**where))


@pytest.mark.parametrize("shape", SHAPES)
def test_usage_is_read_in_every_shape(watch, serve, shape):
    seen, fake = watch("azure_ai_inference"), serve(wire)
    fake.play(telling(wire.chat(usage=wire.CACHED)))

    client(fake).ask(shape, "complete", model="gpt-4o", messages=MESSAGES, temperature=0.5)

    assert seen.usage == Usage(input=400, cache_read=600, output=150, reasoning=50)
    assert seen.reply.model == "gpt-4o-2024-08-06"
    assert seen.attributes["server.address"] == "127.0.0.1"


@pytest.mark.parametrize("shape", STREAMS)
def test_a_stream_left_early_ends_the_call(watch, serve, shape):
    seen, fake = watch("azure_ai_inference"), serve(wire)

    client(fake).leave(shape, "complete", model="m", messages=MESSAGES)

    assert (seen.reply.partial, seen.call.chunks) == (True, 1)


@pytest.mark.parametrize("shape", PLAIN)
def test_embeddings_are_calls_too(watch, serve, shape):
    seen, fake = watch("azure_ai_inference"), serve(wire)

    client(fake, "EmbeddingsClient").ask(shape, "embed", model="text-embedding-3-small", input=["cats"])

    assert (seen.call.request.operation, seen.usage) == ("embeddings", Usage(input=8))

from __future__ import annotations

import pytest
from cerebras.cloud import sdk
from fake_providers import openai as wire

from adapters import SHAPES, Client
from costspan.usage import Usage

pytestmark = pytest.mark.real


def client(fake):
    where = {"base_url": fake.url, "api_key": "k", "warm_tcp_connection": False}
    return Client(lambda: sdk.Cerebras(**where), lambda: sdk.AsyncCerebras(**where))


@pytest.mark.parametrize("shape", SHAPES)
def test_pictures_in_the_prompt_are_told_apart(watch, serve, shape):
    seen, fake = watch("cerebras"), serve(wire)
    usage = {"prompt_tokens": 300, "completion_tokens": 20, "total_tokens": 320}
    fake.play(wire.chat(usage=usage | {"prompt_tokens_details": {"cached_tokens": 100, "image_tokens": 150}}))

    client(fake).ask(shape, "chat.completions.create", model="m", messages=[{"role": "user", "content": "?"}])

    assert seen.usage == Usage(input=50, cache_read=100, input_image=150, output=20)


@pytest.mark.parametrize("shape", SHAPES)
def test_legacy_completions_are_priced(watch, serve, shape):
    seen, fake = watch("cerebras"), serve(wire)

    client(fake).ask(shape, "completions.create", model="m", prompt="Cats")

    assert (seen.call.request.operation, seen.usage) == ("text_completion", Usage(input=5, output=10))

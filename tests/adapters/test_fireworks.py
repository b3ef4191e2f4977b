from __future__ import annotations

import fireworks
import pytest
from fake_providers import openai as wire

from adapters import SHAPES, Client, telling
from costspan.demo.server import reply
from costspan.usage import Usage

pytestmark = pytest.mark.real


@pytest.mark.parametrize("shape", SHAPES)
def test_a_stream_is_not_asked_for_what_it_tells_anyway(watch, serve, shape):
    seen, fake = watch("fireworks"), serve(wire)
    fake.play(telling(wire.completion()))
    where = {"base_url": fake.url, "api_key": "k"}
    client = Client(lambda: fireworks.Fireworks(**where), lambda: fireworks.AsyncFireworks(**where))

    client.ask(shape, "completions.create", model="m", prompt="Cats")

    assert seen.usage == Usage(input=5, output=10)
    assert "stream_options" not in fake.requests[-1].json


@pytest.mark.parametrize("shape", ["sync", "async"])
def test_messages_in_anthropics_shape_count_cached_input_apart(watch, serve, shape):
    seen, fake = watch("fireworks"), serve(wire)
    usage = {"input_tokens": 10, "output_tokens": 20, "cache_read_input_tokens": 5}
    message = {"id": "msg", "type": "message", "role": "assistant", "model": "m", "content": [], "usage": usage}
    fake.play(reply(message))
    where = {"base_url": fake.url, "api_key": "k"}
    client = Client(lambda: fireworks.Fireworks(**where), lambda: fireworks.AsyncFireworks(**where))

    messages = [{"role": "user", "content": "?"}]
    client.ask(shape, "messages.create", model="m", max_tokens=9, messages=messages)

    assert seen.usage == Usage(input=10, cache_read=5, output=20)

from __future__ import annotations

import fireworks
import pytest
from fake_providers import openai as wire

from adapters import SHAPES, Client, telling
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

from __future__ import annotations

import pytest
import sambanova
from fake_providers import openai as wire
from fake_providers.openai_streams import events

from adapters import STREAMS, Client
from costspan.usage import Usage

pytestmark = pytest.mark.real
USAGE = {
    "prompt_tokens": 12,
    "completion_tokens": 30,
    "total_tokens": 42,
    "completion_tokens_per_sec": 431.5,
    "is_last_response": True,
    "time_to_first_token": 0.2,
}


@pytest.mark.parametrize("shape", STREAMS)
def test_the_last_chunk_of_a_stream_has_rates_besides_the_counts(watch, serve, shape):
    seen, fake = watch("sambanova"), serve(wire)
    head = {"id": "c", "created": 1, "model": "m", "object": "chat.completion.chunk"}
    said = {"index": 0, "delta": {"content": "Cats."}, "finish_reason": None}
    fake.play(events([head | {"choices": [said]}, head | {"choices": [], "usage": USAGE}]))
    where = {"base_url": fake.url + "/v1", "api_key": "k"}
    client = Client(lambda: sambanova.SambaNova(**where), lambda: sambanova.AsyncSambaNova(**where))

    client.ask(shape, "chat.completions.create", model="m", messages=[{"role": "user", "content": "?"}])

    assert seen.usage == Usage(input=12, output=30)

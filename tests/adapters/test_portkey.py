from __future__ import annotations

import portkey_ai
import pytest
from fake_providers import openai as wire

from adapters import SHAPES, Client
from costspan.usage import Usage

pytestmark = pytest.mark.real
MESSAGES = [{"role": "user", "content": "Tell me about cats."}]


@pytest.mark.parametrize("shape", SHAPES)
def test_the_copy_of_openais_sdk_is_seen_once(watch, serve, shape):
    seen, fake = watch("portkey", "openai", hosts={"127.0.0.1": "openai"}), serve(wire)
    fake.play(wire.chat(usage=wire.CACHED))
    where = {"api_key": "k", "base_url": fake.url + "/v1", "provider": "openai"}
    client = Client(lambda: portkey_ai.Portkey(**where), lambda: portkey_ai.AsyncPortkey(**where))

    client.ask(shape, "chat.completions.create", model="gpt-4o", messages=MESSAGES)

    assert seen.usage == Usage(input=400, cache_read=600, output=150, reasoning=50)
    assert seen.attributes["costspan.price.status"] == "priced"

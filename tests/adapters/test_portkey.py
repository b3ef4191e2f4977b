from __future__ import annotations

import portkey_ai
import pytest
from fake_providers import openai as wire
from portkey_ai.api_resources import exceptions

from adapters import PLAIN, SHAPES, Client, telling
from costspan.usage import Usage

pytestmark = pytest.mark.real
MESSAGES = [{"role": "user", "content": "Tell me about cats."}]


def client(fake):
    where = {"api_key": "k", "base_url": fake.url + "/v1", "provider": "openai"}
    return Client(lambda: portkey_ai.Portkey(**where), lambda: portkey_ai.AsyncPortkey(**where))


@pytest.mark.parametrize("shape", SHAPES)
def test_the_copy_of_openais_sdk_is_seen_once(watch, serve, shape):
    seen, fake = watch("portkey", "openai", hosts={"127.0.0.1": "openai"}), serve(wire)
    fake.play(wire.chat(usage=wire.CACHED))

    client(fake).ask(shape, "chat.completions.create", model="gpt-4o", messages=MESSAGES)

    assert seen.usage == Usage(input=400, cache_read=600, output=150, reasoning=50)
    assert seen.attributes["costspan.price.status"] == "priced"


@pytest.mark.parametrize("shape", SHAPES)
def test_a_prompt_that_is_stored_at_the_gateway_is_seen(watch, serve, shape):
    seen, fake = watch("portkey", "openai", hosts={"127.0.0.1": "openai"}), serve(wire)
    fake.play(telling(wire.chat(usage=wire.CACHED, model="gpt-4o-2024-08-06")))

    client(fake).ask(shape, "prompts.completions.create", prompt_id="pp-1", variables={"pet": "cats"}, temperature=0.5)

    assert seen.usage == Usage(input=400, cache_read=600, output=150, reasoning=50)
    assert (seen.reply.model, seen.attributes["costspan.price.status"]) == ("gpt-4o-2024-08-06", "priced")
    assert seen.attributes["gen_ai.request.temperature"] == 0.5
    assert not seen.reply.partial


@pytest.mark.parametrize("shape", PLAIN)
def test_a_stored_prompt_that_fails_costs_nothing(watch, serve, shape):
    seen, fake = watch("portkey", hosts={"127.0.0.1": "openai"}), serve(wire)
    fake.play(wire.error(400))

    with pytest.raises(exceptions.BadRequestError):
        client(fake).ask(shape, "prompts.completions.create", prompt_id="pp-1")

    assert seen.attributes["error.type"]
    assert "gen_ai.usage.cost.amount" not in seen.attributes

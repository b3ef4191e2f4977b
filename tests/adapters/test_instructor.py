from __future__ import annotations

import asyncio

import instructor
import openai
import pytest
from fake_providers import openai as wire
from pydantic import BaseModel

pytestmark = [pytest.mark.real, pytest.mark.filterwarnings("ignore")]  # the framework's own


class City(BaseModel):
    city: str
    degrees: int


@pytest.mark.parametrize("later", [False, True])
def test_each_attempt_is_one_priced_span(watch, serve, later):
    """Its retry after an answer that does not fit is a second call."""
    seen, fake = watch("openai", hosts={"127.0.0.1": "openai"}), serve(wire)
    bad = wire.choices(wire.MESSAGE | {"content": '{"city": 1}'})
    good = wire.choices(wire.MESSAGE | {"content": '{"city": "Bern", "degrees": 21}'})
    fake.play(wire.chat(choices=bad), wire.chat(choices=good))
    sdk = (openai.AsyncOpenAI if later else openai.OpenAI)(base_url=fake.url + "/v1", api_key="k")
    client = instructor.from_openai(sdk, mode=instructor.Mode.JSON)
    question = [{"role": "user", "content": "How warm is it in Bern?"}]

    made = client.create(model="gpt-4o", messages=question, response_model=City, max_retries=2)
    answer = asyncio.run(made) if later else made

    assert (answer.city, answer.degrees) == ("Bern", 21)
    assert len(fake.requests) == len(seen.spans) == 2
    assert all(span.attributes["gen_ai.usage.cost.amount"] for span in seen.spans)

from __future__ import annotations

import asyncio

import pytest
from fake_providers import openai as wire
from llama_index.llms.openai import OpenAI

pytestmark = [pytest.mark.real, pytest.mark.filterwarnings("ignore")]  # the framework's own


@pytest.mark.parametrize("how", ["complete", "acomplete", "stream_complete", "astream_complete"])
def test_each_request_is_one_priced_span(watch, serve, how):
    seen, fake = watch("openai", hosts={"127.0.0.1": "openai"}), serve(wire)
    model = OpenAI(model="gpt-4o", api_base=fake.url + "/v1", api_key="k", max_retries=0)

    async def later():
        answer = await getattr(model, how)("Cats?")
        return [chunk async for chunk in answer] if "stream" in how else answer

    if how.startswith("a"):
        asyncio.run(later())
    else:
        answer = getattr(model, how)("Cats?")
        assert list(answer)

    assert len(fake.requests) == 1
    assert seen.attributes["gen_ai.usage.cost.amount"] > 0

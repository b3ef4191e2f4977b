from __future__ import annotations

import asyncio

import dashscope
import pytest
from dashscope.aigc.generation import AioGeneration
from fake_providers import dashscope as wire

from adapters import SHAPES
from costspan.usage import Usage

pytestmark = [pytest.mark.real, pytest.mark.filterwarnings("ignore")]  # the SDK's own
MESSAGES = [{"role": "user", "content": "Tell me about cats."}]


def ask(shape):
    arguments = {"model": "qwen-plus", "messages": MESSAGES, "api_key": "k", "result_format": "message"}

    async def later():
        made = await AioGeneration.call(**arguments, stream="stream" in shape)
        return [chunk async for chunk in made] if "stream" in shape else made

    if shape.startswith("async"):
        return asyncio.run(later())
    made = dashscope.Generation.call(**arguments, stream="stream" in shape)
    return list(made) if "stream" in shape else made


@pytest.mark.parametrize("shape", SHAPES)
def test_cumulative_counts_are_not_added_up(watch, serve, shape, monkeypatch):
    seen, fake = watch("dashscope"), serve(wire)
    monkeypatch.setattr(dashscope, "base_http_api_url", fake.url + "/api/v1")
    ask(shape)

    assert seen.usage == Usage(input=400, cache_read=600, output=150, reasoning=50)
    assert (seen.call.request.model, seen.reply.id) == ("qwen-plus", "r-1")

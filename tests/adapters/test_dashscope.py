from __future__ import annotations

import asyncio

import dashscope
import pytest
from dashscope.aigc.generation import AioGeneration
from fake_providers import openai as wire

from adapters import SHAPES
from costspan.demo.server import events, reply
from costspan.usage import Usage

pytestmark = [pytest.mark.real, pytest.mark.filterwarnings("ignore")]  # the SDK's own
MESSAGES = [{"role": "user", "content": "Tell me about cats."}]
USAGE = {
    "input_tokens": 1000,
    "output_tokens": 200,
    "total_tokens": 1200,
    "prompt_tokens_details": {"cached_tokens": 600},
    "output_tokens_details": {"reasoning_tokens": 50},
}


def answer(usage):
    choice = {"finish_reason": "stop", "message": {"role": "assistant", "content": "Cats."}}
    return {"request_id": "r-1", "output": {"text": None, "choices": [choice]}, "usage": usage}


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
    first = USAGE | {"output_tokens": 90, "output_tokens_details": {"reasoning_tokens": 50}}
    fake.play(events([answer(first), answer(USAGE)], done=False) if "stream" in shape else reply(answer(USAGE)))

    ask(shape)

    assert seen.usage == Usage(input=400, cache_read=600, output=150, reasoning=50)
    assert (seen.call.request.model, seen.reply.id) == ("qwen-plus", "r-1")

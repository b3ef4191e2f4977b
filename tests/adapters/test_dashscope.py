from __future__ import annotations

import asyncio
import json
from dataclasses import replace

import dashscope
import pytest
from dashscope.aigc.generation import AioGeneration
from fake_providers import dashscope as wire

from adapters import SHAPES, STREAMS
from costspan.adapters._dashscope_hooks import open_call
from costspan.adapters.dashscope import ADAPTER
from costspan.config import Settings
from costspan.demo.server import events, reply
from costspan.usage import Usage

pytestmark = [pytest.mark.real, pytest.mark.filterwarnings("ignore")]  # the SDK's own
REFUSED = {"code": "DataInspectionFailed", "message": "Not this.", "request_id": "r-1"}
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


@pytest.mark.parametrize(("zone", "biller"), [("", "dashscope.aliyuncs.com"), ("-intl", "alibaba_cloud")])
def test_what_is_billed_in_yuan_is_not_priced_by_the_list_in_dollars(monkeypatch, zone, biller):
    address = f"https://dashscope{zone}.aliyuncs.com/api/v1"
    asked = {"model": "qwen-plus", "messages": MESSAGES}
    given = open_call(ADAPTER, ADAPTER.seats[0], None, (), {**asked, "base_address": address}, Settings())
    monkeypatch.setattr(dashscope, "base_http_api_url", address)

    for opened in (given, open_call(ADAPTER, ADAPTER.seats[0], None, (), asked, Settings())):
        assert (opened.request.provider, opened.request.biller) == ("alibaba_cloud", biller)


@pytest.mark.parametrize("shape", SHAPES)
def test_a_refused_call_is_an_error_and_costs_nothing(watch, serve, shape, monkeypatch):
    """The SDK raises nothing."""
    seen, fake = watch("dashscope", count_tokens="missing"), serve(wire)
    monkeypatch.setattr(dashscope, "base_http_api_url", fake.url + "/api/v1")
    fake.play(reply(REFUSED, 429))
    ask(shape)

    assert seen.attributes["error.type"] == "DataInspectionFailed"
    assert "gen_ai.usage.cost.amount" not in seen.attributes


@pytest.mark.parametrize("shape", STREAMS)
def test_an_error_within_a_stream_is_told_beside_what_was_used(watch, serve, shape, monkeypatch):
    seen, fake = watch("dashscope"), serve(wire)
    monkeypatch.setattr(dashscope, "base_http_api_url", fake.url + "/api/v1")
    told = events([wire._answer(wire.FIRST)], done=False)
    failed = f"event:error\nstatus:400\ndata:{json.dumps(REFUSED)}\n\n".encode()
    fake.play(replace(told, parts=(*told.parts, failed)))
    assert len(ask(shape)) == 2

    assert (seen.call.error, seen.usage.total_output) == ("DataInspectionFailed", 90)

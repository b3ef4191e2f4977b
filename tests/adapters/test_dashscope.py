from __future__ import annotations

import asyncio
import json
from dataclasses import replace

import dashscope
import httpx
import pytest
from dashscope.aigc.generation import AioGeneration
from fake_providers import dashscope as wire

from adapters import PLAIN, SHAPES, STREAMS, Client, close
from costspan.adapters._dashscope_hooks import open_call
from costspan.adapters.dashscope import ADAPTER
from costspan.config import Settings
from costspan.costs import cost_of
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


def client(fake, **more):
    def made(kind):
        return kind(api_key="k", base_url=fake.url + "/api/v1", **more)

    return Client(lambda: made(dashscope.Client), lambda: made(dashscope.AsyncClient))


@pytest.mark.parametrize("resource", ["chat.completions", "multimodal.chat"])
@pytest.mark.parametrize("shape", SHAPES)
def test_the_newer_clients_are_seen(watch, serve, shape, resource):
    seen, fake = watch("dashscope"), serve(wire)

    client(fake).ask(shape, f"{resource}.create", model="qwen-plus", messages=MESSAGES, max_tokens=9)

    assert seen.usage == Usage(input=400, cache_read=600, output=150, reasoning=50)
    assert (seen.call.request.model, seen.reply.id, seen.reply.partial) == ("qwen-plus", "r-1", False)
    assert seen.attributes["gen_ai.request.max_tokens"] == 9
    assert seen.call.request.stream == (shape in STREAMS)


@pytest.mark.parametrize(("protocol", "usage"), [("openai", (19, 10)), ("anthropic", (19, 10))])
@pytest.mark.parametrize("shape", SHAPES)
def test_the_newer_clients_are_seen_in_each_api(watch, serve, shape, protocol, usage):
    seen, fake = watch("dashscope"), serve(wire)

    client(fake, protocol=protocol).ask(shape, "chat.completions.create", model="qwen-plus", messages=MESSAGES)

    assert (seen.usage.total_input, seen.usage.total_output) == usage


@pytest.mark.parametrize("shape", PLAIN)
@pytest.mark.parametrize(
    ("name", "operation", "arguments"),
    [
        ("embeddings.create", "embeddings", {"input": "Cats"}),
        ("rerank.create", "rerank", {"query": "Cats", "documents": ["Dogs"]}),
    ],
)
def test_the_newer_clients_vectors_and_rankings_are_billed_by_their_tokens(
    watch, serve, shape, name, operation, arguments
):
    seen, fake = watch("dashscope"), serve(wire)

    client(fake).ask(shape, name, model="m", **arguments)

    assert (seen.call.request.operation, seen.usage) == (operation, Usage(input=12))


@pytest.mark.parametrize("protocol", ["native", "openai", "anthropic"])
@pytest.mark.parametrize("closed", ["iterator", "stream"])
@pytest.mark.parametrize("shape", STREAMS)
def test_a_stream_of_the_newer_clients_left_early_is_told_at_once(watch, serve, shape, closed, protocol):
    seen, fake = watch("dashscope"), serve(wire)

    async def leave():
        later = shape != "stream"
        sdk = (dashscope.AsyncClient if later else dashscope.Client)(api_key="k", base_url=fake.url, protocol=protocol)
        stream = sdk.chat.completions.create(model="qwen-plus", messages=MESSAGES, stream=True, max_tokens=9)
        stream = await stream if later else stream
        given = aiter(stream) if later else iter(stream)
        await anext(given) if later else next(given)
        await close({"iterator": given, "stream": stream}[closed])
        await close(sdk)
        return stream, given

    held = asyncio.run(leave())

    assert held
    assert seen.reply.partial
    assert protocol != "native" or seen.usage.total_output == 90


@pytest.mark.parametrize("shape", STREAMS)
def test_a_stream_that_a_hook_of_the_program_has_read_is_seen(watch, serve, shape):
    seen, fake = watch("dashscope"), serve(wire)

    async def read_later(response):
        await response.aread()

    def hooked(kind, hook):
        return kind(event_hooks={"response": [hook]})

    Client(
        lambda: dashscope.Client(api_key="k", base_url=fake.url, http_client=hooked(httpx.Client, httpx.Response.read)),
        lambda: dashscope.AsyncClient(
            api_key="k", base_url=fake.url, http_client=hooked(httpx.AsyncClient, read_later)
        ),
    ).ask(shape, "chat.completions.create", model="qwen-plus", messages=MESSAGES)

    assert seen.usage == Usage(input=400, cache_read=600, output=150, reasoning=50)


class Own(httpx.SyncByteStream, httpx.AsyncByteStream):
    """A stream of the program's own, which may be an iterator, around another or of made-up pieces."""

    def __init__(self, stream):
        self._stream = stream
        self.closed = 0

    def __iter__(self):
        yield from self._stream

    async def __aiter__(self):
        for piece in self._stream if isinstance(self._stream, list) else [each async for each in self._stream]:
            yield piece

    def close(self):
        self.closed += 1

    async def aclose(self):
        self.closed += 1


@pytest.mark.parametrize("shape", STREAMS)
def test_the_connection_of_a_newer_client_is_closed_with_its_stream(watch, shape):
    watch("dashscope")
    kind = httpx.Client if shape == "stream" else httpx.AsyncClient
    sent = Own([b'data: {"choices": [], "model": "qwen-plus"}\n\n'] * 2)
    events = {"content-type": "text/event-stream"}
    http = kind(transport=httpx.MockTransport(lambda _asked: httpx.Response(200, headers=events, stream=sent)))

    async def leave():
        later = shape != "stream"
        sdk = (dashscope.AsyncClient if later else dashscope.Client)(api_key="k", protocol="openai", http_client=http)
        stream = sdk.chat.completions.create(model="qwen-plus", messages=MESSAGES, stream=True)
        stream = await stream if later else stream
        await anext(aiter(stream)) if later else next(iter(stream))
        await close(stream)
        return sent.closed

    assert asyncio.run(leave()) == 1


@pytest.mark.parametrize("shape", STREAMS)
def test_a_stream_of_the_programs_own_is_let_be_and_its_call_unpriced(watch, serve, shape):
    seen, fake = watch("dashscope", count_tokens="missing"), serve(wire)

    def put(response):
        response.stream = Own(response.stream)

    async def put_later(response):
        put(response)

    def made(kind, http, hook):
        return lambda: kind(api_key="k", base_url=fake.url, http_client=http(event_hooks={"response": [hook]}))

    answers = Client(
        made(dashscope.Client, httpx.Client, put), made(dashscope.AsyncClient, httpx.AsyncClient, put_later)
    ).ask(shape, "chat.completions.create", model="qwen-plus", messages=MESSAGES)

    assert answers
    assert "program's own" in seen.attributes["costspan.price.reason"]


@pytest.mark.parametrize("answer", [reply(REFUSED, 400), replace(reply("no JSON", 502), parts=(b"<html>",))])
@pytest.mark.parametrize("shape", SHAPES)
def test_an_error_reaches_the_program_of_a_newer_client_and_costs_nothing(watch, serve, shape, answer):
    seen, fake = watch("dashscope", count_tokens="missing"), serve(wire)
    fake.play(answer)

    with pytest.raises(dashscope.v2.errors.DashScopeError):
        client(fake, max_retries=0).ask(shape, "chat.completions.create", model="qwen-plus", messages=MESSAGES)

    assert seen.attributes["error.type"]
    assert "gen_ai.usage.cost.amount" not in seen.attributes


def test_a_job_that_only_starts_is_no_call(watch, serve):
    seen, fake = watch("dashscope"), serve(wire)
    fake.play(reply({"request_id": "r-1", "output": {"task_id": "t-1", "task_status": "PENDING"}}))

    client(fake).ask("sync", "embeddings.jobs.create", model="m", file_url="https://example.com/texts")

    assert seen.calls == []


def test_a_ranking_that_is_awaited_is_seen(watch, serve, monkeypatch):
    seen, fake = watch("dashscope"), serve(wire)
    monkeypatch.setattr(dashscope, "base_http_api_url", fake.url + "/api/v1")

    asyncio.run(dashscope.AioTextReRank.call(model="m", query="Cats", documents=["Dogs"], api_key="k"))

    assert seen.usage == Usage(input=12)


@pytest.mark.parametrize("protocol", ["native", "openai", "anthropic"])
@pytest.mark.parametrize("shape", SHAPES)
def test_the_answers_of_the_newer_clients_have_their_bill(watch, serve, shape, protocol):
    """What the program holds is made after the transport that is seen: the id tells whose it is."""
    seen, fake = watch("dashscope"), serve(wire)

    answer = client(fake, protocol=protocol).ask(shape, "chat.completions.create", model="qwen-plus", messages=MESSAGES)

    bill = cost_of(answer[0] if shape in STREAMS else answer)
    assert bill is not None
    assert bill.usage == seen.usage

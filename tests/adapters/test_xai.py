"""xAI's SDK against its own service definition, over real gRPC on loopback."""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from inspect import isawaitable

import grpc
import pytest
import xai_sdk
from opentelemetry import trace
from xai_sdk.batch import batch_pb2, batch_pb2_grpc
from xai_sdk.chat import chat_pb2, chat_pb2_grpc, usage_pb2, user
from xai_sdk.image import image_pb2, image_pb2_grpc
from xai_sdk.sync.video import deferred_pb2
from xai_sdk.video import video_pb2, video_pb2_grpc

from adapters import PLAIN, SHAPES, STREAMS
from costspan.usage import Usage

pytestmark = pytest.mark.real
USAGE = {
    "prompt_tokens": 100,
    "cached_prompt_text_tokens": 40,
    "completion_tokens": 20,
    "reasoning_tokens": 300,
    "total_tokens": 420,
}


class Service(chat_pb2_grpc.ChatServicer):
    def __init__(self, ticks):
        self.usage = usage_pb2.SamplingUsage(**USAGE, cost_in_usd_ticks=ticks)

    def CompactContext(self, request, context):  # noqa: N802 gRPC's
        return chat_pb2.CompactContextResponse(id="k-1", encrypted_content="x", usage=self.usage)

    def GetCompletion(self, request, context):  # noqa: N802 gRPC's
        message = chat_pb2.CompletionMessage(content="Cats.")
        output = chat_pb2.CompletionOutput(index=0, message=message)
        return chat_pb2.GetChatCompletionResponse(
            id="c-1", outputs=[output], usage=self.usage, model="grok-4-0709", service_tier=2
        )

    def GetCompletionChunk(self, request, context):  # noqa: N802 gRPC's
        for text in ("Ca", "ts."):
            output = chat_pb2.CompletionOutputChunk(index=0, delta=chat_pb2.Delta(content=text))
            yield chat_pb2.GetChatCompletionChunk(
                id="c-1", outputs=[output], usage=self.usage, model="grok-4-0709", service_tier=2
            )


class Images(image_pb2_grpc.ImageServicer):
    def __init__(self, ticks):
        self.usage = usage_pb2.SamplingUsage(cost_in_usd_ticks=ticks or None)

    def GenerateImage(self, request, context):  # noqa: N802 gRPC's
        images = [image_pb2.GeneratedImage(url="https://x.test/1.png", respect_moderation=True)] * (request.n or 1)
        return image_pb2.ImageResponse(images=images, model=request.model, usage=self.usage)


class Videos(video_pb2_grpc.VideoServicer):
    """Done when it is asked for the second time."""

    def __init__(self, ticks):
        self.usage = usage_pb2.SamplingUsage(cost_in_usd_ticks=ticks or None)
        self.asked = {}

    def GenerateVideo(self, request, context):  # noqa: N802 gRPC's
        self.asked[request.prompt] = request
        return deferred_pb2.StartDeferredResponse(request_id=request.prompt)

    ExtendVideo = GenerateVideo

    def GetDeferredVideo(self, request, context):  # noqa: N802 gRPC's
        asked = self.asked[request.request_id]
        if not isinstance(asked, str):
            self.asked[request.request_id] = asked.model
            return video_pb2.GetDeferredVideoResponse(status=deferred_pb2.PENDING)
        video = video_pb2.GeneratedVideo(url="https://x.test/1.mp4", duration=8, respect_moderation=True)
        told = video_pb2.VideoResponse(video=video, model=asked, usage=self.usage)
        return video_pb2.GetDeferredVideoResponse(status=deferred_pb2.DONE, response=told)


class Batches(batch_pb2_grpc.BatchMgmtServicer):
    """Done when it is asked for the second time; then requests are added, which are done two questions later."""

    def __init__(self, ticks):
        self.states = iter([(1, 1, ticks // 2), *[(0, 2, ticks)] * 2, (3, 4, 2 * ticks), *[(0, 5, 3 * ticks)] * 2])

    def GetBatch(self, request, context):  # noqa: N802 gRPC's
        pending, answered, ticks = next(self.states)
        state = batch_pb2.BatchState(num_pending=pending, num_success=answered, num_error=1)
        costs = batch_pb2.BatchCostBreakdown(total_cost_usd_ticks=ticks)
        return batch_pb2.Batch(batch_id=request.batch_id, state=state, cost_breakdown=costs)


@pytest.fixture
def start():
    servers = []

    def run(ticks=0):
        server = grpc.server(ThreadPoolExecutor(2))
        chat_pb2_grpc.add_ChatServicer_to_server(Service(ticks), server)
        image_pb2_grpc.add_ImageServicer_to_server(Images(ticks), server)
        video_pb2_grpc.add_VideoServicer_to_server(Videos(ticks), server)
        batch_pb2_grpc.add_BatchMgmtServicer_to_server(Batches(ticks), server)
        port = server.add_insecure_port("127.0.0.1:0")
        server.start()
        servers.append(server)
        return {"api_key": "k", "api_host": f"localhost:{port}"}

    yield run
    for server in servers:
        server.stop(None)


def ask(where, shape):
    async def later():
        client = xai_sdk.AsyncClient(**where)
        chat = client.chat.create("grok-4", messages=[user("Cats?")])
        answer = [pair async for pair in chat.stream()] if "stream" in shape else await chat.sample()
        await client.close()
        return answer

    if shape.startswith("async"):
        return asyncio.run(later())
    client = xai_sdk.Client(**where)
    chat = client.chat.create("grok-4", messages=[user("Cats?")])
    answer = list(chat.stream()) if "stream" in shape else chat.sample()
    client.close()
    return answer


@pytest.mark.parametrize("shape", SHAPES)
def test_reasoning_stands_beside_the_output(watch, start, shape):
    seen = watch("xai")

    ask(start(), shape)

    assert seen.usage == Usage(input=60, cache_read=40, output=20, reasoning=300)
    assert seen.call.request.model == "grok-4"
    assert seen.reply.stated_cost is None


@pytest.mark.parametrize("shape", SHAPES)
def test_the_stated_charge_is_in_ticks(watch, start, shape):
    seen = watch("xai")

    ask(start(ticks=25_000_000), shape)

    assert float(seen.reply.stated_cost) == 0.0025


@pytest.mark.filterwarnings("ignore:chat.stream_batch")  # the SDK's own
@pytest.mark.parametrize("shape", STREAMS)
def test_several_answers_in_one_stream_are_billed_as_the_call_that_they_are(watch, start, shape):
    seen, where = watch("xai"), start(ticks=25_000_000)

    async def later():
        client = xai_sdk.AsyncClient(**where)
        pairs = [pair async for pair in client.chat.create("grok-4", messages=[user("Cats?")]).stream_batch(2)]
        await client.close()
        return pairs

    if shape.startswith("async"):
        pairs = asyncio.run(later())
    else:
        client = xai_sdk.Client(**where)
        pairs = list(client.chat.create("grok-4", messages=[user("Cats?")]).stream_batch(2))
        client.close()

    assert len(pairs[-1][0]) == 2
    assert seen.usage == Usage(input=60, cache_read=40, output=20, reasoning=300)
    assert float(seen.reply.stated_cost) == 0.0025
    assert (seen.reply.model, seen.reply.id, seen.reply.terms.tier) == ("grok-4-0709", "c-1", "priority")


@pytest.mark.parametrize("shape", SHAPES)
def test_an_answer_without_usage_is_not_one_of_0_tokens(watch, start, shape, monkeypatch):
    """Its usage is there all the same, as gRPC has it."""
    seen = watch("xai", count_tokens="missing")
    monkeypatch.setitem(globals(), "USAGE", {})

    ask(start(), shape)

    assert seen.usage is None
    assert seen.attributes["costspan.price.status"] == "unpriced"


def test_the_answer_of_a_stream_is_not_made_to_join_its_text(watch, start):
    """The SDK puts that off until the program asks for it: with every chunk it would take longer."""
    watch("xai")
    client = xai_sdk.Client(**start())

    for response, _chunk in client.chat.create("grok-4", messages=[user("Cats?")]).stream():
        assert not response._proto.outputs[0].message.content
    client.close()

    assert response.proto.outputs[0].message.content == "Cats."


def draw(where, shape, **several):
    name = "sample_batch" if several else "sample"

    async def later():
        client = xai_sdk.AsyncClient(**where)
        answer = await getattr(client.image, name)("A cat", "grok-imagine-image", **several)
        await client.close()
        return answer

    if shape == "async":
        return asyncio.run(later())
    client = xai_sdk.Client(**where)
    answer = getattr(client.image, name)(prompt="A cat", model="grok-imagine-image", **several)
    client.close()
    return answer


@pytest.mark.parametrize("shape", PLAIN)
@pytest.mark.parametrize(("several", "count"), [({}, 1), ({"n": 3}, 3)])
def test_images_are_billed_by_the_piece(watch, start, shape, several, count):
    seen = watch("xai")

    draw(start(), shape, **several)

    assert seen.usage == Usage(images=count)
    assert seen.attributes["gen_ai.operation.name"] == "image_generation"
    assert seen.attributes["gen_ai.usage.cost.amount"] == pytest.approx(0.02 * count)


@pytest.mark.parametrize("shape", PLAIN)
def test_the_stated_charge_of_several_images_counts_once(watch, start, shape):
    seen = watch("xai")

    draw(start(ticks=700_000_000), shape, n=3)

    assert seen.attributes["gen_ai.usage.cost.amount"] == 0.07


@pytest.mark.parametrize("shape", ["sync", "async"])
def test_the_sdks_own_span_gets_the_cost_and_no_second_one_is_made(watch, start, shape, monkeypatch):
    seen = watch("xai")
    for module in ("sync", "aio"):
        tracer = seen.tracer_provider.get_tracer(f"xai_sdk.{module}.chat")
        monkeypatch.setattr(f"xai_sdk.{module}.chat.tracer", tracer)

    ask(start(ticks=25_000_000), shape)

    assert trace.get_tracer_provider() is not seen.tracer_provider
    (span,) = seen.spans
    assert span.name == "chat.sample grok-4"
    assert span.attributes["gen_ai.usage.cost.amount"] == 0.0025


@pytest.mark.parametrize("shape", PLAIN)
def test_the_sdks_own_span_of_an_image_gets_the_cost(watch, start, shape, monkeypatch):
    seen = watch("xai")
    for module in ("sync", "aio"):
        monkeypatch.setattr(f"xai_sdk.{module}.image.tracer", seen.tracer_provider.get_tracer("xai_sdk"))

    draw(start(ticks=700_000_000), shape)

    (span,) = seen.spans
    assert span.name == "image.sample grok-imagine-image"
    assert span.attributes["gen_ai.usage.cost.amount"] == 0.07


@pytest.mark.parametrize("shape", SHAPES)
def test_the_model_that_answered_and_the_tier_that_served_are_told(watch, start, shape):
    seen = watch("xai")

    ask(start(), shape)

    assert (seen.reply.model, seen.reply.terms.tier) == ("grok-4-0709", "priority")


def compact(where, shape):
    async def later():
        client = xai_sdk.AsyncClient(**where)
        await client.chat.create("grok-4", messages=[user("Cats?")]).compact()
        await client.close()

    if shape == "async":
        return asyncio.run(later())
    client = xai_sdk.Client(**where)
    client.chat.create("grok-4", messages=[user("Cats?")]).compact()
    return client.close()


@pytest.mark.parametrize("shape", PLAIN)
def test_compacting_a_chat_is_billed_by_its_tokens(watch, start, shape):
    seen = watch("xai")

    compact(start(), shape)

    assert (seen.usage.total_input, seen.usage.total_output, seen.reply.id) == (100, 320, "k-1")
    assert seen.attributes["gen_ai.request.model"] == "grok-4"


def film(where, shape, *calls):
    """What each call of the video client gives: (method, arguments)."""

    async def later(client):
        try:
            answers = [getattr(client.video, name)(**asked) for name, asked in calls]
            return [await answer if isawaitable(answer) else answer for answer in answers]
        finally:
            closing = client.close()
            await closing if isawaitable(closing) else closing

    async def run():
        return await later(xai_sdk.AsyncClient(**where) if shape == "async" else xai_sdk.Client(**where))

    return asyncio.run(run())


FILM = {"model": "grok-imagine-video-1.5", "interval": timedelta(milliseconds=1)}


@pytest.mark.parametrize("shape", PLAIN)
@pytest.mark.parametrize(("size", "cents"), [({"resolution": "720p"}, 14), ({"resolution": "1080p"}, 25), ({}, 8)])
def test_a_video_is_billed_by_the_second_and_the_size(watch, start, shape, size, cents):
    """480p is what is made if nothing is asked."""
    seen = watch("xai")

    film(start(), shape, ("generate", {"prompt": "A cat", **FILM, **size}))

    assert seen.usage == Usage(output_video_ms=8000)
    assert seen.call.bill.price.total_femto == 8 * cents * 10**13
    assert [span.attributes["gen_ai.operation.name"] for span in seen.spans] == ["video_generation"]


MADE_OF_ANOTHER = [
    ("generate", {}, 8),
    ("extend", {"duration": 3}, 3),  # the answer is longer than what was made
    ("extend", {}, 6),
]


@pytest.mark.parametrize("shape", PLAIN)
@pytest.mark.parametrize("made", MADE_OF_ANOTHER)
@pytest.mark.parametrize(("ticks", "femto"), [(7_000_000_000, 7 * 10**14), (0, None)])
def test_a_video_that_is_made_of_another_costs_what_is_stated(watch, start, shape, made, ticks, femto):
    seen, (name, asked, seconds) = watch("xai"), made

    film(start(ticks), shape, (name, {"prompt": "A cat", "video_url": "https://x.test/0.mp4", **FILM, **asked}))

    assert (seen.usage, seen.call.bill.price.total_femto) == (Usage(output_video_ms=seconds * 1000), femto)


@pytest.mark.parametrize("shape", PLAIN)
@pytest.mark.parametrize(("ticks", "status"), [(7_000_000_000, "priced"), (0, "unpriced")])
def test_a_video_that_is_polled_is_billed_once_when_it_is_done(watch, start, shape, ticks, status):
    seen, prompt = watch("xai"), f"{shape}-{ticks}"  # which is also the id
    again = ("get", {"request_id": prompt})

    film(start(ticks), shape, ("start", {"prompt": prompt, "model": "grok-imagine-video"}), again, again, again)

    assert (seen.reply.model, seen.usage) == ("grok-imagine-video", Usage(output_video_ms=8000))
    assert seen.call.bill.price.status == status


@pytest.mark.parametrize("shape", PLAIN)
@pytest.mark.parametrize("ticks", [25_000_000, 0])
def test_a_batch_is_billed_when_nothing_is_pending_and_then_what_is_added_to_it(watch, start, shape, ticks):
    seen = watch("xai")

    async def ask():
        client = (xai_sdk.AsyncClient if shape == "async" else xai_sdk.Client)(**start(ticks))
        for _ in range(6):
            answer = client.batch.get(f"batch-{shape}-{ticks}")
            await (answer if isawaitable(answer) else asyncio.sleep(0))
        closing = client.close()
        await (closing if isawaitable(closing) else asyncio.sleep(0))

    asyncio.run(ask())

    told = [(call.reply.id, float(call.reply.stated_cost), call.reply.usage) for call in seen.calls]
    name = f"batch-{shape}-{ticks}"
    assert told == ([(name, 0.0025, Usage(requests=2)), (name, 0.005, Usage(requests=3))] if ticks else [])

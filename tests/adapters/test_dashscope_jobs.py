"""Jobs: pictures and videos that Alibaba Cloud makes later; and vectors of them."""

from __future__ import annotations

import asyncio
from importlib import import_module

import dashscope
import pytest
from dashscope.embeddings.multimodal_embedding import AioMultiModalEmbedding
from fake_providers import dashscope as wire

import costspan
from adapters import PLAIN, Client
from costspan.demo.server import reply
from costspan.usage import Usage

pytestmark = [pytest.mark.real, pytest.mark.filterwarnings("ignore")]  # the SDK's own


def client(fake):
    where = {"api_key": "k", "base_url": fake.url + "/api/v1"}
    return Client(lambda: dashscope.Client(**where), lambda: dashscope.AsyncClient(**where))


def job(fake, kind, shape, *steps, **arguments):
    """A job by the older functions: each step takes what the one before gave."""
    owner = getattr(import_module(f"dashscope.aigc.{kind}_synthesis"), f"{kind.title()}Synthesis")
    if shape == "async":
        owner = getattr(import_module(f"dashscope.aigc.{kind}_synthesis"), f"Aio{kind.title()}Synthesis")

    async def run():
        given = {"prompt": "A cat.", **arguments}
        for step in steps:
            made = getattr(owner, step)(**given, api_key="k")
            made = await made if shape == "async" else made
            given = {"task": made if step == "async_call" else made.output.task_id}
        return made

    return asyncio.run(run())


@pytest.mark.parametrize("steps", [("call", "fetch"), ("async_call", "fetch", "wait", "fetch"), ("async_call", "wait")])
@pytest.mark.parametrize("shape", PLAIN)
def test_a_video_is_billed_once_by_the_call_that_sees_it_done(watch, serve, shape, steps, monkeypatch):
    seen, fake = watch("dashscope", hosts={"127.0.0.1": "alibaba_cloud"}), serve(wire)
    monkeypatch.setattr(dashscope, "base_http_api_url", fake.url + "/api/v1")
    task = f"v-{shape}-{'-'.join(steps)}"
    usage = {"SR": 720, "duration": 5, "input_video_duration": 0, "output_video_duration": 5, "video_count": 1}
    done = wire.polled(task, usage, video_url="https://example.org/v.mp4")
    running = [wire.polled(task, status="RUNNING")] if steps[1] == "fetch" and steps[0] == "async_call" else []
    fake.play(wire.started(task), *running, done, done, done)

    told = job(fake, "video", shape, *steps, model="wan2.7-t2v", resolution="720P")

    assert told.output.video_url
    assert (seen.usage, seen.call.request.operation) == (Usage(output_video_ms=5000), "video_generation")
    assert seen.attributes["gen_ai.usage.cost.amount"] == pytest.approx(5 * 309.6432 / 3600)
    assert (seen.reply.id, seen.call.error) == (task, "")


@pytest.mark.parametrize("steps", [("call", "fetch"), ("sync_call",), ("async_call", "wait", "fetch")])
@pytest.mark.parametrize("shape", PLAIN)
def test_pictures_are_counted_once(watch, serve, shape, steps, monkeypatch):
    seen, fake = watch("dashscope"), serve(wire)
    monkeypatch.setattr(dashscope, "base_http_api_url", fake.url + "/api/v1")
    task = f"i-{shape}-{'-'.join(steps)}"
    done = wire.polled(task, {"image_count": 3}, results=[{"url": "u"}] * 3)
    fake.play(*([] if "sync_call" in steps else [wire.started(task)]), done, done)

    job(fake, "image", shape, *steps, model="qwen-image", n=3)

    assert (seen.usage, seen.call.request.operation) == (Usage(images=3), "image_generation")
    assert seen.attributes["costspan.price.status"] == "unpriced"
    assert "qwen-image" in seen.attributes["costspan.price.reason"]


@pytest.mark.parametrize("kind", ["videos", "images"])
@pytest.mark.parametrize("shape", PLAIN)
def test_jobs_of_the_newer_clients_are_billed_once_when_they_are_seen_done(watch, serve, shape, kind):
    seen, fake = watch("dashscope", hosts={"127.0.0.1": "alibaba_cloud"}), serve(wire)
    task = f"n-{shape}-{kind}"
    usage = {"videos": {"SR": 1080, "duration": 5, "video_count": 1}, "images": {"image_count": 2}}[kind]
    done = wire.polled(task, usage, video_url="https://example.org/v.mp4")
    fake.play(wire.started(task), wire.polled(task, status="RUNNING"), done, done)
    model = {"videos": "wan2.7-t2v", "images": "wanx2.1-t2i-turbo"}[kind]

    client(fake).ask(shape, f"{kind}.generate", model=model, prompt="A cat.", poll_interval=0.01)
    client(fake).ask(shape, f"{kind}.jobs.fetch", task)

    expected = {
        "videos": ("video_generation", Usage(output_video_ms=5000)),
        "images": ("image_generation", Usage(images=2)),
    }
    assert (seen.call.request.operation, seen.usage) == expected[kind]
    assert (seen.reply.model, seen.reply.id) == (model, task)
    if kind == "videos":
        assert seen.attributes["gen_ai.usage.cost.amount"] == pytest.approx(5 * 516.0708 / 3600)


def test_other_jobs_are_no_calls(watch, serve):
    """A transcription's `duration` is how long the sound was."""
    seen, fake = watch("dashscope"), serve(wire)
    fake.play(wire.polled("sound", {"duration": 9}))

    client(fake).ask("sync", "images.jobs.fetch", "sound")

    assert seen.calls == []


def test_a_job_that_was_started_elsewhere_is_billed_there(watch, serve, monkeypatch):
    seen, fake = watch("dashscope"), serve(wire)
    monkeypatch.setattr(dashscope, "base_http_api_url", fake.url + "/api/v1")
    fake.play(wire.polled("elsewhere", {"SR": 720, "duration": 5}))

    dashscope.VideoSynthesis.fetch("elsewhere", api_key="k")

    assert seen.calls == []


@pytest.mark.parametrize("told", [{}, {"SR": "720P"}])
@pytest.mark.parametrize("newer", [False, True])
def test_a_video_costs_what_its_resolution_does_told_or_asked_for(watch, serve, newer, told, monkeypatch):
    seen, fake = watch("dashscope", hosts={"127.0.0.1": "alibaba_cloud"}), serve(wire)
    monkeypatch.setattr(dashscope, "base_http_api_url", fake.url + "/api/v1")
    task = f"r-{newer}-{told}"
    fake.play(wire.started(task), wire.polled(task, {"duration": 5} | told, video_url="https://example.org/v.mp4"))
    asked = {"model": "wan2.7-t2v", "prompt": "A cat.", "resolution": "720P"}

    if newer:
        client(fake).ask("sync", "videos.generate", **asked)
    else:
        job(fake, "video", "sync", "async_call", "wait", **asked)

    assert seen.attributes["gen_ai.usage.cost.amount"] == pytest.approx(5 * 309.6432 / 3600)


@pytest.mark.parametrize("shape", [*PLAIN, "client", "async client"])
def test_a_job_that_is_refused_is_a_call_that_failed(watch, serve, shape, monkeypatch):
    seen, fake = watch("dashscope", count_tokens="missing"), serve(wire)
    monkeypatch.setattr(dashscope, "base_http_api_url", fake.url + "/api/v1")
    fake.play(reply({"code": "InvalidParameter", "message": "No.", "request_id": "r-1"}, 400))
    asked = {"model": "wan2.7-t2v", "prompt": "A cat."}

    if "client" in shape:
        with pytest.raises(dashscope.v2.errors.DashScopeError):
            client(fake).ask(shape.replace("client", "").strip() or "sync", "videos.generate", **asked)
    else:
        job(fake, "video", shape, "async_call", **asked)

    assert (seen.attributes["error.type"], seen.call.request.operation) == ("InvalidParameter", "video_generation")
    assert seen.attributes["gen_ai.request.model"] == "wan2.7-t2v"
    assert "gen_ai.usage.cost.amount" not in seen.attributes


def test_a_job_that_cannot_be_started_is_a_call_that_failed_and_a_look_at_one_is_none(watch):
    seen = watch("dashscope")
    nowhere = dashscope.Client(api_key="k", base_url="http://127.0.0.1:1", max_retries=0)

    with pytest.raises(dashscope.v2.errors.DashScopeError):
        nowhere.videos.generate(model="wan2.7-t2v", prompt="A cat.")
    with pytest.raises(dashscope.v2.errors.DashScopeError):
        nowhere.videos.jobs.fetch("t")

    assert seen.call.request.model == "wan2.7-t2v"


@pytest.mark.parametrize("shape", PLAIN)
def test_a_spent_budget_refuses_a_job(watch, serve, shape, monkeypatch):
    seen, fake = watch("dashscope"), serve(wire)
    monkeypatch.setattr(dashscope, "base_http_api_url", fake.url + "/api/v1")

    with costspan.budget(usd=0), pytest.raises(costspan.BudgetExceededError):
        job(fake, "video", shape, "async_call", model="wan2.7-t2v")

    assert fake.requests == []
    assert seen.calls == []


@pytest.mark.parametrize("shape", PLAIN)
def test_a_job_that_failed_is_an_error_and_costs_nothing(watch, serve, shape, monkeypatch):
    seen, fake = watch("dashscope", count_tokens="missing"), serve(wire)
    monkeypatch.setattr(dashscope, "base_http_api_url", fake.url + "/api/v1")
    failed = wire.polled("f", status="FAILED", code="DataInspectionFailed", message="Not this.")
    fake.play(wire.started("f"), failed, failed)

    job(fake, "image", shape, "call", "fetch", model="qwen-image")

    assert seen.attributes["error.type"] == "DataInspectionFailed"
    assert "gen_ai.usage.cost.amount" not in seen.attributes


TOLD = (
    {"input_tokens": 10, "image_tokens": 896},
    {"input_tokens": 906, "input_tokens_details": {"image_tokens": 896, "text_tokens": 10}},
)


@pytest.mark.parametrize("usage", TOLD)
@pytest.mark.parametrize("shape", [*PLAIN, "client", "async client"])
def test_vectors_of_pictures_are_counted(watch, serve, shape, usage, monkeypatch):
    seen, fake = watch("dashscope"), serve(wire)
    monkeypatch.setattr(dashscope, "base_http_api_url", fake.url + "/api/v1")
    fake.play(
        reply({"request_id": "r-1", "output": {"embeddings": [{"index": 0, "embedding": [0.5]}]}, "usage": usage})
    )
    asked = {"model": "qwen3-vl-embedding", "input": [{"text": "Cats"}, {"image": "https://example.org/cat.png"}]}

    if "client" in shape:
        client(fake).ask(shape.replace("client", "").strip() or "sync", "multimodal.embeddings.create", **asked)
    elif shape == "async":
        asyncio.run(AioMultiModalEmbedding.call(**asked, api_key="k"))
    else:
        dashscope.MultiModalEmbedding.call(**asked, api_key="k")

    assert (seen.call.request.operation, seen.usage) == ("embeddings", Usage(input=10, input_image=896))
    assert seen.call.request.model == "qwen3-vl-embedding"

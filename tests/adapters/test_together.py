from __future__ import annotations

import pytest
import together
from fake_providers import openai as wire

from adapters import PLAIN, Client
from costspan.demo.server import reply
from costspan.usage import Usage


def client(fake):
    where = {"base_url": fake.url, "api_key": "k"}
    return Client(lambda: together.Together(**where), lambda: together.AsyncTogether(**where))


@pytest.mark.parametrize("shape", PLAIN)
def test_a_rerank_is_billed_by_its_tokens(watch, serve, shape):
    seen, fake = watch("together"), serve(wire)
    usage = {"prompt_tokens": 70, "completion_tokens": 0, "total_tokens": 70}
    fake.play(reply({"object": "rerank", "model": "m-r", "results": [], "usage": usage}))

    client(fake).ask(shape, "rerank.create", model="m-r", query="cats", documents=["a", "b"])

    assert (seen.call.request.operation, seen.usage) == ("rerank", Usage(input=70))


@pytest.mark.parametrize("shape", PLAIN)
def test_a_video_is_billed_once_at_the_cost_it_tells_when_it_is_done(watch, serve, shape):
    seen, fake = watch("together"), serve(wire)
    job = {"id": f"video-{shape}", "object": "video", "model": "m-v", "status": "in_progress", "created_at": 1}
    done = job | {"status": "completed", "outputs": {"cost": 2, "video_url": "https://example.org/v"}}
    fake.play(reply(job), reply(done), reply(done))

    for _ in range(3):
        client(fake).ask(shape, "videos.retrieve", job["id"])

    assert seen.call.request.operation == "video_generation"
    assert (seen.attributes["gen_ai.usage.cost.amount"], seen.attributes["gen_ai.usage.cost.source"]) == (2, "provider")


@pytest.mark.parametrize("shape", PLAIN)
def test_pictures_without_usage_are_counted(watch, serve, shape):
    seen, fake = watch("together"), serve(wire)
    fake.play(reply({"id": "i", "object": "list", "model": "flux", "data": [{"index": 0, "url": "u"}] * 3}))

    client(fake).ask(shape, "images.generate", model="flux", prompt="cat", n=3)

    assert seen.usage == Usage(images=3)

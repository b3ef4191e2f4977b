from __future__ import annotations

import asyncio

import pytest
import replicate
from fake_providers import replicate as wire

from costspan.usage import Usage

pytestmark = [pytest.mark.real, pytest.mark.filterwarnings("ignore")]  # the SDK's own


@pytest.mark.parametrize("later", [False, True])
@pytest.mark.parametrize("how", ["run", "create"])
def test_time_and_tokens_of_a_finished_prediction_are_counted(watch, serve, how, later):
    seen, fake = watch("replicate"), serve(wire)
    client = replicate.Client(api_token="k", base_url=fake.url)

    if how == "run":
        made = (client.async_run if later else client.run)("meta/llama-4", {"prompt": "Cats?"})
    else:
        models = client.models.predictions
        made = (models.async_create if later else models.create)(model="meta/llama-4", input={"prompt": "Cats?"})
    if later:
        asyncio.run(made)

    assert seen.usage == Usage(input=9, output=4, compute_ms=1500)
    assert seen.reply.model == "meta/llama-4"


@pytest.mark.parametrize("so_far", [{}, {"status": "processing", "output": ["Cats "], "metrics": {}}])
@pytest.mark.parametrize("later", [False, True])
def test_a_prediction_that_is_not_waited_for_is_billed_once_when_it_is_done(watch, serve, monkeypatch, later, so_far):
    monkeypatch.setenv("REPLICATE_POLL_INTERVAL", "0.01")
    seen, fake = watch("replicate", count_tokens="missing"), serve(wire)
    client = replicate.Client(api_token="k", base_url=fake.url)
    fake.play(*[wire.done(**wire.RUNNING | so_far)] * 2)

    async def ask_later():
        prediction = await client.models.predictions.async_create(model="meta/llama-4", input={"prompt": "Cats?"})
        await prediction.async_wait()
        await prediction.async_reload()

    if later:
        asyncio.run(ask_later())
    else:
        prediction = client.models.predictions.create(model="meta/llama-4", input={"prompt": "Cats?"})
        prediction.wait()
        prediction.reload()

    made, done = (span.attributes for span in seen.spans)
    assert len(fake.requests) == 4
    assert (made["costspan.price.status"], "gen_ai.usage.input_tokens" in made) == ("unpriced", False)
    assert made["costspan.price.reason"].startswith("the prediction runs on")
    assert (done["gen_ai.usage.input_tokens"], done["gen_ai.usage.output_tokens"]) == (9, 4)
    assert [call.reply.usage for call in seen.calls] == [None, Usage(input=9, output=4, compute_ms=1500)]


def test_a_prediction_that_was_canceled_before_it_ran_is_not_said_to_run_nor_estimated(watch, serve):
    seen, fake = watch("replicate", count_tokens="missing"), serve(wire)
    fake.play(wire.done(**wire.RUNNING | {"status": "canceled"}))
    replicate.Client(api_token="k", base_url=fake.url).predictions.create(version="v", input={"prompt": "Cats?"})

    assert seen.attributes["error.type"] == "canceled"
    assert (seen.usage, seen.reply.unpriced) == (None, "")


def test_a_prediction_that_is_asked_for_and_was_made_elsewhere_is_not_billed_here(watch, serve):
    seen, fake = watch("replicate"), serve(wire)
    client = replicate.Client(api_token="k", base_url=fake.url)
    client.predictions.get("p-1").cancel()

    assert (len(fake.requests), seen.calls) == (2, [])

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

from __future__ import annotations

import asyncio
from types import SimpleNamespace

import pytest
from aleph_alpha_client import AsyncClient, Client, CompletionRequest, Prompt
from fake_providers import Route

from costspan.demo.server import reply
from costspan.usage import Usage

pytestmark = pytest.mark.real
DONE = {
    "model_version": "2026-01",
    "completions": [{"completion": "Cats.", "finish_reason": "end_of_text"}],
    "num_tokens_prompt_total": 9,
    "num_tokens_generated": 4,
}
WIRE = SimpleNamespace(
    ROUTES=(
        Route("POST", "/complete", lambda asked: reply(DONE)),
        Route("GET", "/version", lambda asked: reply({})),
    )
)


@pytest.mark.parametrize("later", [False, True])
def test_a_completion_tells_its_counts(watch, serve, later):
    seen, fake = watch("aleph_alpha"), serve(WIRE)
    request = CompletionRequest(prompt=Prompt.from_text("Cats?"))

    async def ask():
        async with AsyncClient(token="t", host=fake.url) as client:
            return await client.complete(request, model="luminous")

    answer = asyncio.run(ask()) if later else Client(token="t", host=fake.url).complete(request, "luminous")

    assert answer.num_tokens_generated == 4
    assert (seen.call.request.model, seen.usage) == ("luminous", Usage(input=9, output=4))
    assert seen.reply.finish_reasons == ("end_of_text",)

from __future__ import annotations

import pytest
import voyageai
from fake_providers import openai as wire

from adapters import PLAIN, Client
from costspan.demo.server import reply
from costspan.usage import Usage

pytestmark = [pytest.mark.real, pytest.mark.filterwarnings("ignore")]  # the SDK's own


def client(fake):
    where = {"api_key": "k", "base_url": fake.url + "/v1"}
    return Client(lambda: voyageai.Client(**where), lambda: voyageai.AsyncClient(**where))


@pytest.mark.parametrize("shape", PLAIN)
def test_embeddings_are_billed_by_their_total(watch, serve, shape):
    seen, fake = watch("voyageai"), serve(wire)

    client(fake).ask(shape, "embed", ["cats"], "voyage-3.5")

    assert (seen.call.request.model, seen.usage) == ("voyage-3.5", Usage(input=8))
    assert seen.attributes["gen_ai.provider.name"] == "voyage_ai"


@pytest.mark.parametrize("shape", PLAIN)
def test_a_rerank_is_billed_by_its_total(watch, serve, shape):
    seen, fake = watch("voyageai"), serve(wire)
    found = [{"index": 0, "relevance_score": 0.9}]
    fake.play(reply({"object": "list", "data": found, "model": "rerank-2.5", "usage": {"total_tokens": 26}}))

    client(fake).ask(shape, "rerank", "cats", ["a"], "rerank-2.5")

    assert (seen.call.request.operation, seen.usage) == ("rerank", Usage(input=26))

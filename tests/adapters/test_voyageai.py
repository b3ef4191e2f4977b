from __future__ import annotations

import pytest
import voyageai
from fake_providers import openai as wire

from adapters import PLAIN, Client
from costspan.adapters._voyage_hooks import add_videos
from costspan.call import Reply, Request
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


@pytest.mark.parametrize("shape", PLAIN)
@pytest.mark.parametrize(("videos", "cost"), [({"video_pixels": 0}, 0.00132), ({"video_pixels": 500_000_000}, 0.30132)])
def test_pictures_and_videos_are_billed_by_the_pixel(watch, serve, shape, videos, cost):
    """As the price page has it: 1,000 tokens of text and a picture of 2 million pixels; not the tokens of the sum."""
    seen, fake = watch("voyageai"), serve(wire)
    told = {"text_tokens": 1000, "image_pixels": 2_000_000, "total_tokens": 4571} | videos
    fake.play(reply({"data": [{"embedding": [0.5], "index": 0}], "model": "voyage-multimodal-3.5", "usage": told}))

    client(fake).ask(shape, "multimodal_embed", [["cats"]], "voyage-multimodal-3.5")

    assert seen.usage == Usage(input=1000, input_pixels=2_000_000 + videos["video_pixels"])
    assert seen.attributes["gen_ai.usage.cost.amount"] == cost


@pytest.mark.parametrize("told", [None, {"total_tokens": 8}])
def test_what_tells_of_no_videos_is_let_be(told):
    """As of versions before videos."""
    given = Reply(usage=Usage(input=8))
    add_videos(Request("embeddings", "voyage_ai"), told, given)

    assert given.usage == Usage(input=8)

"""What LiteLLM bills otherwise than by tokens: searches by the request, videos by the second."""

from __future__ import annotations

import asyncio
import os

import pytest
from fake_providers import FakeProvider, Route, gemini

os.environ["LITELLM_LOCAL_MODEL_COST_MAP"] = "True"  # else it is fetched at import

import litellm

from adapters import PLAIN
from costspan.adapters._litellm_hooks import read_video
from costspan.call import Reply, Request
from costspan.demo.server import reply
from costspan.usage import Usage

pytestmark = [pytest.mark.real, pytest.mark.filterwarnings("ignore")]  # LiteLLM's own and its dependencies'
FOUND = {"results": [{"title": "Cats", "url": "https://cats.example", "content": "They sleep.", "snippet": "Sleep."}]}
VEO = "gemini/veo-3.1-generate-preview"


@pytest.fixture
def finder():
    fake = FakeProvider((Route("POST", ".*", lambda _asked: reply(FOUND)),))
    yield fake
    fake.close()


def ask(shape, name, **arguments):
    async def later():
        return await getattr(litellm, "a" + name)(**arguments)

    return asyncio.run(later()) if shape == "async" else getattr(litellm, name)(**arguments)


@pytest.mark.parametrize("shape", PLAIN)
@pytest.mark.parametrize(
    ("provider", "depth", "usd"),
    [
        ("perplexity", {}, 0.005),
        ("tavily", {}, 0.008),
        ("tavily", {"search_depth": "advanced"}, 0.016),
        ("exa_ai", {}, 0.005),  # by how many results are asked for, which only LiteLLM's own price knows
    ],
)
def test_a_search_is_billed_by_the_request(watch, finder, shape, provider, depth, usd):
    seen = watch("litellm")

    ask(shape, "search", query="cats", search_provider=provider, api_key="k", api_base=finder.url, **depth)

    told = seen.attributes
    assert seen.usage == Usage(requests=1)
    assert (told["gen_ai.operation.name"], told["gen_ai.provider.name"]) == ("search", provider)
    assert (told["gen_ai.usage.cost.amount"], told["gen_ai.usage.cost.source"]) == (usd, "local")


@pytest.mark.parametrize("shape", PLAIN)
@pytest.mark.parametrize(("size", "usd"), [({}, 2.4), ({"resolution": "4k"}, 3.6)])
def test_a_video_is_billed_by_the_second_of_its_size(watch, serve, shape, size, usd):
    seen, fake = watch("litellm"), serve(gemini)

    ask(shape, "video_generation", prompt="A cat.", model=VEO, seconds="6", api_key="k", api_base=fake.url, **size)

    assert seen.usage == Usage(output_video_ms=6000)
    assert seen.attributes["gen_ai.usage.cost.amount"] == usd


def test_of_several_videos_each_is_billed(watch, serve):
    seen, fake = watch("litellm"), serve(gemini)

    ask("sync", "video_generation", prompt="A cat.", model=VEO, sampleCount=2, api_key="k", api_base=fake.url)

    assert seen.usage == Usage(output_video_ms=16_000)


def test_a_video_of_unknown_length_has_no_price_and_says_why():
    told = Reply()

    read_video(Request("video_generation", "runwayml", body={}), {"usage": {}}, told)

    assert (told.usage, told.unpriced) == (None, "LiteLLM does not tell how long the video is")

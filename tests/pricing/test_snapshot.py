"""The bundled price list: large enough, small enough, and every entry says where it is from."""

import re
from importlib.resources import files

from costspan.pricing.catalog import Catalog
from costspan.pricing.store import bundled

PROVIDERS = {
    "openai",
    "anthropic",
    "gcp.gemini",
    "gcp.vertex_ai",
    "aws.bedrock",
    "azure.ai.openai",
    "azure.ai.inference",
    "mistral_ai",
    "x_ai",
    "cohere",
    "groq",
    "deepseek",
    "perplexity",
    "together_ai",
    "fireworks_ai",
    "openrouter",
    "moonshot_ai",
    "ibm.watsonx.ai",
    "writer",
    "ollama",
}


def test_it_knows_at_least_47_providers_and_3500_models():
    counts = bundled().index["providers"]

    assert len(counts) >= 47
    assert sum(counts.values()) >= 3_500
    assert set(counts) >= PROVIDERS


def test_it_takes_at_most_600_kb():
    assert len(files("costspan.pricing").joinpath("data/prices.zip").read_bytes()) <= 600_000


def test_its_index_says_what_is_there_and_from_which_version_of_which_list():
    snapshot = bundled()

    assert re.fullmatch(r"20\d\d-\d\d-\d\d", snapshot.index["built"])
    assert [source.split(" ")[0] for source in sorted(snapshot.index["sources"])] == [
        "costspan",
        "genai-prices",
        "litellm",
    ]
    assert all(len(snapshot.section(name)) == count for name, count in snapshot.index["providers"].items())
    assert snapshot.section("nobody") == {}


def test_every_addition_of_our_own_says_where_its_price_is_from():
    catalog = Catalog(bundled())
    own = [model for name in catalog.snapshot.providers for model in catalog.models(name) if model.source == "costspan"]

    assert {"palmyra-x5", "palmyra-x4", "dall-e-3", "deepseek-v4-flash"} <= {model.id for model in own}
    assert [model.id for model in own if not model.url.startswith("https://")] == []


def test_only_the_providers_that_are_asked_for_are_unpacked():
    snapshot = bundled()
    Catalog(snapshot).find("groq", "llama-3.1-8b-instant")

    assert set(snapshot._sections) == {"groq"}

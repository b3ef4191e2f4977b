"""A name finds the model that it exactly stands for, or none."""

import pytest

from costspan.pricing.ids import candidates
from costspan.pricing.providers import canonical_provider, is_local
from costspan.pricing.resolver import Resolver
from costspan.pricing.store import bundled
from costspan.usage import STANDARD


@pytest.fixture(scope="module")
def find():
    resolver = Resolver(bundled())

    def find_id(provider, *names):
        found = resolver.find(provider, names, STANDARD)
        return found and f"{found.provider} {found.id}"

    return find_id


@pytest.mark.parametrize(
    ("provider", "name", "found"),
    [
        ("openai", "gpt-4o", "openai gpt-4o"),
        ("openai", "GPT-4o", "openai gpt-4o"),  # case
        ("openai", "gpt-4o-2024-08-06", "openai gpt-4o"),  # a dated snapshot
        ("openai", "gpt-4o-2024-05-13", "openai gpt-4o-2024-05-13"),  # with a price of its own
        ("openai", "gpt-4o-2029-01-01", "openai gpt-4o"),  # a snapshot that is newer than the list
        ("openai", "gpt-5.2-20251211", "openai gpt-5.2"),  # another way to write the date
        ("openrouter", "qwen/qwen3.5-plus-2026-04-20", "openrouter qwen/qwen3.5-plus-20260420"),
        ("azure.ai.openai", "o3-20250416", "azure.ai.openai o3-2025-04-16"),
        ("openai", "ft:gpt-4o-mini-2024-07-18:org::id", "openai ft:gpt-4o-mini"),
        ("openai", "ft:gpt-4.1-2025-04-14:org::id", "openai ft:gpt-4.1-2025-04-14"),
        ("openai", "openai/gpt-4o", "openai gpt-4o"),  # a gateway's prefix
        ("anthropic", "claude-sonnet-4-5-20250929", "anthropic claude-sonnet-4-5"),
        ("anthropic", "claude-opus-5-latest", "anthropic claude-opus-5"),
        ("gcp.vertex_ai", "claude-opus-5@default", "gcp.vertex_ai claude-opus-5"),
        ("aws.bedrock", "bedrock/amazon.nova-lite-v1:0", "aws.bedrock amazon.nova-lite-v1:0"),
        ("aws.bedrock", "bedrock/converse/us.amazon.nova-lite-v1:0", "aws.bedrock amazon.nova-lite-v1:0"),  # LiteLLM's
        ("aws.bedrock", "invoke/amazon.nova-lite-v1:0", "aws.bedrock amazon.nova-lite-v1:0"),
        ("aws.bedrock", "us.amazon.nova-micro-v1:0", "aws.bedrock amazon.nova-micro-v1:0"),
        ("gcp.vertex_ai", "publishers/anthropic/models/claude-opus-5", "gcp.vertex_ai claude-opus-5"),
        ("gcp.gemini", "models/gemini-2.5-flash", "gcp.gemini gemini-2.5-flash"),
        ("gcp.gemini", "google/gemini-2.5-flash", "gcp.gemini gemini-2.5-flash"),
        ("gcp.vertex_ai", "google/gemini-2.5-flash", "gcp.vertex_ai gemini-2.5-flash"),
        ("gcp.vertex_ai", "mistralai/mistral-medium-3", "gcp.vertex_ai mistral-medium-3"),
        ("azure.ai.openai", "azure/gpt-4o", "azure.ai.openai gpt-4o"),
        ("azure.ai.inference", "claude-opus-5", "azure.ai.inference claude-opus-5"),
        ("hugging_face", "deepseek-ai/DeepSeek-R1:together", "huggingface_together deepseek-ai/DeepSeek-R1"),
        ("huggingface_together", "deepseek-ai/DeepSeek-R1", "huggingface_together deepseek-ai/DeepSeek-R1"),
        ("writer", "palmyra-x5", "writer palmyra-x5"),
    ],
)
def test_a_name_finds_its_model(find, provider, name, found):
    assert find(provider, name) == found


PUBLISHERS = {
    "ai21": "jamba",
    "anthropic": "claude",
    "google": "gemini",
    "mistral-ai": "mistral",
    "mistralai": ("codestral", "mistral"),
}


@pytest.mark.parametrize("form", ["{}/{}", "publishers/{}/models/{}", "projects/p/locations/l/publishers/{}/models/{}"])
def test_google_names_a_model_by_its_publisher(find, form):
    listed = bundled().section("gcp.vertex_ai")
    published = [
        (publisher, "/", name) for publisher, start in PUBLISHERS.items() for name in listed if name.startswith(start)
    ]
    published += [name.partition("/") for name in listed if "/" in name]

    found = {name: find("gcp.vertex_ai", form.format(publisher, name)) for publisher, _, name in published}

    assert [name for publisher, _, name in published if name not in str(found[name])] == []


@pytest.mark.parametrize(
    ("provider", "name"),
    [
        ("openai", "gpt-4"[:3]),
        ("openai", "gpt-4oo"),
        ("openai", "gpt-4o-my-own"),
        ("openai", "claude-opus-5"),
        ("openai", "acme/gpt-4o"),
        ("gcp.gemini", "acme/gemini-2.5-flash"),
        ("gcp.vertex_ai", "acme/claude-opus-5"),
        ("openai", "ft:gpt-9:org::id"),
        ("openai", ""),
        ("azure.ai.openai", "chat-prod"),
        ("hugging_face", "deepseek-ai/DeepSeek-R1"),
        ("some-host.example.com", "gpt-4o"),
        ("aws.bedrock", "arn:aws:bedrock:us-east-1:1:application-inference-profile/anthropic.claude-v2"),
        ("aws.bedrock", "arn:aws:bedrock:us-east-1:1:custom-model/amazon.nova-lite-v1:0/x"),
    ],
)
def test_a_name_that_is_only_like_a_model_finds_none(find, provider, name):
    assert find(provider, name) is None


def test_the_first_name_that_is_known_counts(find):
    assert find("openai", "what-is-this", "gpt-4o-mini") == "openai gpt-4o-mini"


def test_a_region_of_the_call_is_looked_up_first():
    resolver = Resolver(bundled())

    found = resolver.find("aws.bedrock", ("minimax.minimax-m2.5",), STANDARD._replace(geo="ap-northeast-1"))

    assert found.id == "ap-northeast-1/minimax.minimax-m2.5"


def test_a_profile_of_govcloud_has_the_price_of_the_region_that_it_was_asked_in():
    terms = STANDARD._replace(geo="us-gov-west-1")
    model = "anthropic.claude-haiku-4-5-20251001-v1:0"

    for name in (model, f"us-gov.{model}", f"arn:aws-us-gov:bedrock:us-gov-west-1:1:inference-profile/us-gov.{model}"):
        assert Resolver(bundled()).find("aws.bedrock", (name,), terms).id == f"us-gov-west-1/{model}"


def test_what_no_list_has_for_govcloud_has_no_price_there():
    gov = STANDARD._replace(geo="us-gov-west-1")
    model = "anthropic.claude-3-7-sonnet-20250219-v1:0"
    resolver = Resolver(bundled())

    assert resolver.find("aws.bedrock", (model,), STANDARD) is not None
    for name in (model, f"us-gov.{model}", f"bedrock/us-gov.{model}"):
        assert resolver.find("aws.bedrock", (name,), gov) is None


def test_a_fine_tuned_model_is_never_its_base():
    assert "gpt-4o-mini" not in list(candidates("openai", "ft:gpt-4o-mini-2024-07-18:org::id"))


@pytest.mark.parametrize(
    ("name", "canonical"),
    [
        ("bedrock", "aws.bedrock"),
        ("Azure", "azure.ai.openai"),
        ("gemini", "gcp.gemini"),
        ("groq", "groq"),
        ("XAI", "x_ai"),
    ],
)
def test_providers_have_one_name(name, canonical):
    assert canonical_provider(name) == canonical


@pytest.mark.parametrize("host", ["ollama", "local", "localhost:1234", "127.0.0.1:8000", "gpu.local:8000", "[::1]:80"])
def test_own_servers_are_local(host):
    assert is_local(host)


@pytest.mark.parametrize("host", ["openai", "api.example.com", "local.example.com"])
def test_other_hosts_are_not(host):
    assert not is_local(host)

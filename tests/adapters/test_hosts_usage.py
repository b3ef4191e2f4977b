"""The counts and charges of every host that speaks OpenAI's API, each with words of its own (sdk-usage 19)."""

from __future__ import annotations

import openai
import pytest
from fake_providers import MISSING
from fake_providers import openai as wire

from adapters import PLAIN, SHAPES, Client, telling
from costspan.demo.server import reply
from costspan.usage import Usage

MESSAGES = [{"role": "user", "content": "Tell me about cats."}]
CACHED = Usage(input=400, cache_read=600, output=150, reasoning=50)
WRITTEN = Usage(input=100, cache_read=600, cache_write=300, output=150, reasoning=50)
SUMS = {"prompt_tokens": 1000, "completion_tokens": 200, "total_tokens": 1200}
THOUGHTS = {"completion_tokens_details": {"reasoning_tokens": 50}}
BESIDE = SUMS | THOUGHTS | {"completion_tokens": 150, "prompt_tokens_details": {"cached_tokens": 600}}
COUNTS = {
    "openai": (wire.WRITTEN, WRITTEN),
    "azure.ai.openai": (wire.CACHED, CACHED),
    "openrouter": (wire.WRITTEN, WRITTEN),
    "groq": (wire.CACHED, CACHED),
    "mistral_ai": (wire.CACHED, CACHED),
    "together_ai": (SUMS | THOUGHTS | {"cached_tokens": 600}, CACHED),
    "deepseek": (SUMS | THOUGHTS | {"prompt_cache_hit_tokens": 600, "prompt_cache_miss_tokens": 400}, CACHED),
    "moonshot_ai": (SUMS | THOUGHTS | {"cached_tokens": 600}, CACHED),
    "x_ai": (BESIDE, CACHED),  # its thoughts are beside the completion: the total tells
    "perplexity": (
        {"prompt_tokens": 1000, "completion_tokens": 100, "total_tokens": 1200, "reasoning_tokens": 40}
        | {"citation_tokens": 60},
        Usage(input=1000, output=100, reasoning=40, citation=60),
    ),
}
CHARGES = {
    "openrouter": ({"cost": 0.0042, "is_byok": False, "cost_details": {"upstream_inference_cost": 0.004}}, 0.0042),
    "x_ai": ({"cost_in_usd_ticks": 25_000_000}, 0.0025),
    "perplexity": ({"cost": {"input_tokens_cost": 0.001, "total_cost": 0.0065}}, 0.0065),
    "deepinfra": ({"estimated_cost": 0.0011}, 0.0011),
}


def client(fake):
    where = {"base_url": fake.url + "/v1", "api_key": "k"}
    return Client(lambda: openai.OpenAI(**where), lambda: openai.AsyncOpenAI(**where))


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("provider", COUNTS)
def test_every_token_is_in_one_bucket_by_any_hosts_words(watch, serve, shape, provider):
    (told, usage), fake = COUNTS[provider], serve(wire)
    seen = watch("openai", hosts={"127.0.0.1": provider})
    fake.play(telling(wire.chat(usage=told)))

    client(fake).ask(shape, "chat.completions.create", model="m-1", messages=MESSAGES)

    assert (seen.usage, seen.reply.clamped) == (usage, False)
    attributes = seen.attributes
    assert (attributes["gen_ai.usage.input_tokens"], attributes["gen_ai.usage.output_tokens"]) == (1000, 200)


@pytest.mark.parametrize("shape", SHAPES)
def test_what_perplexity_quotes_and_thinks_is_beside_the_completion_also_if_its_total_leaves_it_out(
    watch, serve, shape
):
    seen, fake = watch("openai", hosts={"127.0.0.1": "perplexity"}), serve(wire)
    told = {"prompt_tokens": 30, "completion_tokens": 7000, "total_tokens": 7030}
    fake.play(telling(wire.chat(usage=told | {"reasoning_tokens": 70_000, "citation_tokens": 20_000})))

    client(fake).ask(shape, "chat.completions.create", model="sonar-deep-research", messages=MESSAGES)

    usage = Usage(input=30, output=7000, reasoning=70_000, citation=20_000)
    assert (seen.usage, seen.reply.clamped) == (usage, False)


ASKED = {
    "chat.completions.create": {"messages": MESSAGES},
    "completions.create": {"prompt": "Cats"},
    "embeddings.create": {"input": "Cats", "encoding_format": "float"},
    "images.generate": {"prompt": "Cats"},
}


@pytest.mark.parametrize("shape", PLAIN)
@pytest.mark.parametrize("asked", ASKED)
@pytest.mark.parametrize(
    ("error", "told"),
    [({"code": 502, "message": "it broke"}, "502"), ({"message": "it broke", "type": "overloaded"}, "overloaded")],
)
def test_an_answer_that_is_an_error_bills_nothing_though_it_came_with_200(watch, serve, shape, asked, error, told):
    seen, fake = watch("openai", hosts={"127.0.0.1": "openrouter"}), serve(wire)
    fake.play(reply({"error": error, "user_id": "u-1"}))

    client(fake).ask(shape, asked, model="openai/gpt-4o", **ASKED[asked])

    assert (seen.attributes["error.type"], seen.reply.usage) == (told, None)
    assert "gen_ai.usage.cost.amount" not in seen.attributes


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("provider", CHARGES)
def test_what_a_host_says_it_charges_is_the_cost(watch, serve, shape, provider):
    (told, cost), fake = CHARGES[provider], serve(wire)
    seen = watch("openai", hosts={"127.0.0.1": provider})
    fake.play(telling(wire.chat(usage=SUMS | told)))

    client(fake).ask(shape, "chat.completions.create", model="m-1", messages=MESSAGES)

    assert seen.attributes["gen_ai.usage.cost.amount"] == cost
    assert seen.attributes["gen_ai.usage.cost.source"] == "provider"


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("fee", [0.0002, 0])
def test_with_the_users_own_key_openrouter_charges_only_its_fee(watch, serve, shape, fee):
    told = {"cost": fee, "is_byok": True, "cost_details": {"upstream_inference_cost": 0.004}}
    seen, fake = watch("openai", hosts={"127.0.0.1": "openrouter"}), serve(wire)
    fake.play(telling(wire.chat(usage=SUMS | told)))

    client(fake).ask(shape, "chat.completions.create", model="openai/gpt-4o", messages=MESSAGES)

    assert seen.attributes["gen_ai.usage.cost.amount"] == fee


@pytest.mark.parametrize("shape", PLAIN)
def test_a_batch_is_billed_at_half_the_price_once_however_often_it_is_asked_for(watch, serve, shape):
    seen, fake = watch("openai", hosts={"127.0.0.1": "openai"}), serve(wire)
    done = wire.batch(usage={"input_tokens": 1000, "output_tokens": 200, "total_tokens": 1200})
    fake.play(wire.batch(status="in_progress", usage=MISSING), done, done)
    asking = client(fake)

    for _ in range(3):
        asking.ask(shape, "batches.retrieve", f"batch_of_{shape}")

    assert (seen.usage, seen.reply.terms.batch) == (Usage(input=1000, output=200, requests=2), True)
    assert seen.attributes["gen_ai.usage.cost.amount"] == 0.00225  # of 0.0045 for gpt-4o


@pytest.mark.parametrize("shape", PLAIN)
def test_many_short_requests_of_a_batch_are_no_long_one(watch, serve, shape):
    seen, fake = watch("openai", hosts={"127.0.0.1": "openai"}), serve(wire)
    told = {"input_tokens": 1_000_000, "output_tokens": 0, "total_tokens": 1_000_000}
    counts = {"completed": 100, "failed": 2, "total": 102}
    fake.play(wire.batch(usage=told, request_counts=counts, model="gpt-5.4"))

    client(fake).ask(shape, "batches.retrieve", f"batch_many_{shape}")

    assert seen.attributes["gen_ai.usage.cost.amount"] == 1.25

from __future__ import annotations

import perplexity
import pytest
from fake_providers import MISSING
from fake_providers import openai as wire

from adapters import PLAIN, SHAPES, Client, telling
from costspan.demo.server import reply
from costspan.usage import Usage

pytestmark = pytest.mark.real
MESSAGES = [{"role": "user", "content": "Tell me about cats."}]
COST = {"input_tokens_cost": 0.001, "output_tokens_cost": 0.0005, "request_cost": 0.005, "total_cost": 0.0065}
USAGE = {
    "prompt_tokens": 1000,
    "completion_tokens": 500,
    "total_tokens": 1500,
    "reasoning_tokens": 40,
    "citation_tokens": 60,
    "num_search_queries": 2,
    "search_context_size": "low",
    "cost": COST,
}


def client(fake):
    where = {"base_url": fake.url, "api_key": "k"}
    return Client(lambda: perplexity.Perplexity(**where), lambda: perplexity.AsyncPerplexity(**where))


@pytest.mark.parametrize("shape", SHAPES)
def test_reasoning_and_citations_stand_beside_the_output_and_the_stated_cost_wins(watch, serve, shape):
    seen, fake = watch("perplexity"), serve(wire)
    fake.play(telling(wire.chat(usage=USAGE | {"total_tokens": 1600})))

    client(fake).ask(shape, "chat.completions.create", model="sonar", messages=MESSAGES)

    assert seen.usage == Usage(input=1000, output=500, reasoning=40, citation=60, web_searches=2)
    assert seen.attributes["gen_ai.usage.cost.amount"] == 0.0065
    assert seen.reply.terms.search_context == "low"


@pytest.mark.parametrize("shape", PLAIN)
def test_an_answer_fetched_later_is_billed_once(watch, serve, shape):
    seen, fake = watch("perplexity"), serve(wire)
    made = {"id": f"later-{shape}", "model": "sonar", "created_at": 1, "status": "IN_PROGRESS"}
    answer = {"id": "a", "model": "sonar-pro", "created": 1, "object": "chat.completion", "usage": USAGE, "choices": []}
    done = made | {"status": "COMPLETED", "response": answer}
    fake.play(reply(made), reply(made), reply(done), reply(done))

    client(fake).ask(shape, "async_.chat.completions.create", request={"model": "sonar", "messages": MESSAGES})
    for _ in range(3):
        client(fake).ask(shape, "async_.chat.completions.get", made["id"])

    assert (seen.reply.model, seen.attributes["gen_ai.usage.cost.amount"]) == ("sonar-pro", 0.0065)


@pytest.mark.parametrize("shape", PLAIN)
def test_a_search_is_billed_by_the_request(watch, serve, shape):
    seen, fake = watch("perplexity"), serve(wire)
    fake.play(reply({"id": "s", "results": []}))

    client(fake).ask(shape, "search.create", query="cats")

    assert seen.usage == Usage(requests=1)
    assert seen.attributes["gen_ai.usage.cost.amount"] == 0.005


@pytest.mark.parametrize("shape", PLAIN)
def test_a_response_states_its_cost(watch, serve, shape):
    seen, fake = watch("perplexity"), serve(wire)
    usage = wire.RESPONSE_USAGE | {"cost": {"currency": "USD", "total_cost": 0.25}}
    cached = {"cache_read_input_tokens": 600, "cache_creation_input_tokens": 300}
    fake.play(wire.response(usage=usage | {"input_tokens_details": cached}))

    client(fake).ask(shape, "responses.create", model="sonar", input="Cats?")

    assert seen.usage == Usage(input=100, cache_read=600, cache_write=300, output=150, reasoning=50)
    assert seen.attributes["gen_ai.usage.cost.amount"] == 0.25


@pytest.mark.parametrize("shape", PLAIN)
def test_a_finished_batch_is_told_once_and_names_no_model_that_has_a_price(watch, serve, shape):
    seen, fake = watch("perplexity"), serve(wire)
    done = wire.batch(status="completed", usage=wire.RESPONSE_USAGE, model=MISSING)
    fake.play(done, done)

    for _ in range(2):
        client(fake).ask(shape, "batches.retrieve", f"told-{shape}")

    assert (seen.usage.total_input, seen.usage.total_output) == (1000, 200)
    assert seen.attributes["costspan.price.status"] == "unpriced"

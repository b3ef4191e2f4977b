"""LiteLLM asked for a response of a provider that has none: it asks for a chat, and makes a response of the answer."""

from __future__ import annotations

import asyncio
import os
from dataclasses import replace

import pytest
from fake_providers import anthropic, gemini

os.environ["LITELLM_LOCAL_MODEL_COST_MAP"] = "True"  # else it is fetched at import

import litellm
from litellm.responses.litellm_completion_transformation import transformation

import costspan
from adapters import PLAIN, SHAPES
from costspan import instrumentors
from costspan.adapters._litellm_hooks import note_chat

pytestmark = [pytest.mark.real, pytest.mark.filterwarnings("ignore")]  # LiteLLM's own and its dependencies'
TRANSLATION = transformation.LiteLLMCompletionResponsesConfig
MAKES = "transform_chat_completion_response_to_responses_api_response"
CLAUDE = "anthropic/claude-sonnet-4-5-20250929"
CACHED = anthropic.message(usage=anthropic.CACHED)
CACHED_USD = 0.025955  # as the same answer costs in the form of Anthropic's own API
IN_US = anthropic.message(usage=anthropic.CACHED | {"inference_geo": "us"}, model="claude-opus-5")
MIXED = gemini.generated(usageMetadata=gemini.FULL)


def flex(asked):
    return replace(MIXED(asked), headers={"x-gemini-service-tier": "flex"})


@pytest.fixture
def fake(serve):
    litellm.cache = None
    litellm.in_memory_llm_clients_cache.flush_cache()

    def play(wire, *answers):
        served = serve(wire)
        served.play(*answers)
        return served

    return play


def ask(fake, shape, function="responses", model=CLAUDE, **more):
    asked = {"model": model, "api_base": fake.url, "api_key": "k", "num_retries": 0, "max_retries": 0, **more}
    asked["input" if function == "responses" else "messages"] = [{"role": "user", "content": "Cats?"}]
    if "stream" in shape:
        asked["stream"] = True

    async def later():
        answer = await getattr(litellm, "a" + function)(**asked)
        return [part async for part in answer] if "stream" in shape else answer

    if shape.startswith("async"):
        return asyncio.run(later())
    answer = getattr(litellm, function)(**asked)
    return list(answer) if "stream" in shape else answer


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize(
    ("wire", "model", "answer"),
    [
        (anthropic, CLAUDE, CACHED),
        (anthropic, "anthropic/claude-opus-5", IN_US),
        (gemini, "gemini/gemini-2.5-flash", MIXED),
        (gemini, "gemini/gemini-2.5-flash", flex),
    ],
    ids=["writes of an hour and searches", "region", "sound and pictures", "tier"],
)
def test_an_answer_costs_the_same_as_a_chat_and_as_a_response(watch, fake, shape, wire, model, answer):
    seen, served = watch("litellm"), fake(wire, answer, answer)

    for function in ("completion", "responses"):
        ask(served, shape, function, model)

    chat, response = (
        {name: each for name, each in span.attributes.items() if name.startswith(("gen_ai.usage", "costspan.price"))}
        for span in seen.spans
    )
    assert chat == response
    assert chat["costspan.price.status"] == "priced"


@pytest.mark.parametrize("shape", SHAPES)
def test_claudes_searches_and_writes_of_an_hour_are_in_the_price(watch, fake, shape):
    seen = watch("litellm")

    ask(fake(anthropic, CACHED), shape)

    assert seen.attributes["gen_ai.usage.cost.amount"] == CACHED_USD
    assert seen.attributes["gen_ai.usage.cost.source"] == "local"
    assert seen.attributes["gen_ai.provider.name"] == "anthropic"


@pytest.mark.parametrize("shape", PLAIN)
def test_the_program_finds_the_bill_by_its_response(watch, fake, shape):
    watch("litellm")

    answer = ask(fake(anthropic, CACHED), shape)

    assert float(costspan.cost_of(answer)) == CACHED_USD


@pytest.mark.parametrize("shape", PLAIN)
def test_what_an_answer_cost_that_cannot_be_made_a_response_is_told(watch, fake, shape, monkeypatch):
    seen = watch("litellm")
    monkeypatch.setattr(TRANSLATION, "_transform_chat_completion_choices_to_responses_output", None)

    with pytest.raises(Exception, match="not callable"):
        ask(fake(anthropic, CACHED), shape)

    assert seen.attributes["gen_ai.usage.cost.amount"] == CACHED_USD
    assert seen.attributes["error.type"]


def test_a_response_from_litellms_cache_costs_nothing(watch, fake, monkeypatch):
    seen, served = watch("litellm"), fake(anthropic, CACHED)
    monkeypatch.setattr(litellm, "cache", litellm.Cache(type="local"))

    for _ in range(2):
        ask(served, "async", caching=True)

    assert len(served.requests) == 1
    assert [span.attributes["gen_ai.usage.cost.amount"] for span in seen.spans] == [CACHED_USD, 0]


def test_a_refused_call_is_not_billed_what_the_one_before_was(watch, fake):
    seen, served = watch("litellm"), fake(anthropic, CACHED)
    ask(served, "sync")
    served.play(anthropic.error(400))

    with pytest.raises(litellm.BadRequestError):
        ask(served, "sync")

    assert "gen_ai.usage.cost.amount" not in seen.spans[-1].attributes


def test_a_budget_refuses_before_anything_is_sent(watch, fake):
    watch("litellm")
    served = fake(anthropic, CACHED)

    with costspan.budget(usd=0.02):
        ask(served, "sync")
        with pytest.raises(costspan.BudgetExceededError):
            ask(served, "sync")

    assert len(served.requests) == 1


def test_an_answer_that_no_call_waits_for_is_let_go():
    assert note_chat(dict, None, (), {"chat_completion_response": 1}) == {"chat_completion_response": 1}


def test_what_makes_responses_is_put_back(watch):
    before = TRANSLATION.__dict__[MAKES]
    watch("litellm")
    assert TRANSLATION.__dict__[MAKES] is not before

    instrumentors.uninstrument()

    assert TRANSLATION.__dict__[MAKES] is before

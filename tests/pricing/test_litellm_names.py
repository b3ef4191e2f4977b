"""The examples of LiteLLM's page on token usage and cost, with our import: same names, arguments and results."""

import json
import re
from decimal import Decimal
from http.server import BaseHTTPRequestHandler, HTTPServer
from threading import Thread
from types import SimpleNamespace
from typing import Any

import pydantic
import pytest

import costspan
from costspan import (
    PriceListError,
    UnknownModelError,
    Usage,
    completion_cost,
    cost_per_token,
    get_max_tokens,
    model_cost,
    model_list,
    register_model,
)

GPT_4 = {"max_tokens": 8192, "input_cost_per_token": 0.00002, "output_cost_per_token": 0.00006}
CHAT = {
    "model": "gpt-4o-2024-08-06",
    "choices": [],
    "usage": {"prompt_tokens": 1000, "completion_tokens": 100, "prompt_tokens_details": {"cached_tokens": 400}},
}


def as_object(value):
    """As the SDKs give it: REST's `usageMetadata` is their `usage_metadata`."""

    def make(fields):
        return SimpleNamespace(**{re.sub(r"(?<=[a-z])([A-Z])", r"_\1", name).lower(): fields[name] for name in fields})

    return json.loads(json.dumps(value), object_hook=make)


@pytest.fixture
def served():
    """Serves a text on loopback; gives its address."""
    texts = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            self.send_response(200)
            self.end_headers()
            self.wfile.write(texts[0])

        def log_message(self, *_):
            pass

    server = HTTPServer(("127.0.0.1", 0), Handler)
    thread = Thread(target=server.serve_forever, daemon=True)
    thread.start()

    def serve(text):
        texts[:] = [text.encode()]
        return f"http://127.0.0.1:{server.server_port}/prices.json"

    yield serve
    server.shutdown()
    server.server_close()
    thread.join()


def test_cost_per_token_is_dollars_for_the_prompt_and_for_the_completion():
    prompt_tokens = 5
    completion_tokens = 10

    prompt_tokens_cost_usd_dollar, completion_tokens_cost_usd_dollar = cost_per_token(
        model="gpt-3.5-turbo", prompt_tokens=prompt_tokens, completion_tokens=completion_tokens
    )

    assert (prompt_tokens_cost_usd_dollar, completion_tokens_cost_usd_dollar) == (2.5e-06, 1.5e-05)


def test_completion_cost_of_a_response():
    cost = completion_cost(completion_response=CHAT)

    assert f"${float(cost):.10f}" == "$0.0030000000"


def test_completion_cost_of_prompt_and_completion():
    cost = completion_cost(model="bedrock/anthropic.claude-v2", prompt="Hey!", completion="How's it going?")

    assert 0 < cost < 0.001
    assert f"${float(cost):.10f}".startswith("$0.000")


def test_get_max_tokens_is_the_longest_answer_of_a_model():
    assert get_max_tokens("gpt-3.5-turbo") == 4096
    assert get_max_tokens("text-embedding-3-small") == costspan.model_cost["text-embedding-3-small"]["max_tokens"] > 0


def test_model_cost_has_every_model_with_litellms_fields():
    entry = model_cost["gpt-3.5-turbo"]

    assert (entry["input_cost_per_token"], entry["output_cost_per_token"]) == (5e-07, 1.5e-06)
    assert (entry["max_tokens"], entry["litellm_provider"], entry["mode"]) == (4096, "openai", "chat")
    assert "gpt-4o" in model_cost
    assert len(model_cost) == len(list(model_cost)) > 3_500


def test_model_list_names_what_model_cost_has():
    assert {"gpt-4o", "gemini/gemini-2.5-flash", "azure/gpt-4o", "mistral/mistral-large"} <= set(model_list)
    assert model_list[0] == next(iter(model_cost))
    assert model_list[:2] == list(model_cost)[:2]
    assert len(model_list) == len(model_cost)
    assert "gpt-4o-2024-08-06" in model_list
    assert repr(model_list).startswith("['")
    assert repr(model_cost).startswith("{'")


def test_register_model_with_a_dictionary():
    updated = register_model({"gpt-4": GPT_4 | {"litellm_provider": "openai", "mode": "chat"}})

    assert updated["gpt-4"]["input_cost_per_token"] == 0.00002
    assert cost_per_token("gpt-4", 1000, 1000) == (0.02, 0.06)


def test_a_registered_model_may_be_of_a_provider_that_no_list_knows():
    register_model({"acme/large": {"litellm_provider": "acme", "input_cost_per_token": 1e-6}})

    assert cost_per_token("acme/large", 1_000_000, 0) == cost_per_token("large", 1_000_000, 0) == (1.0, 0.0)
    assert dict(model_cost)["acme/large"]["litellm_provider"] == "acme"


@pytest.mark.parametrize(
    "name", ["ibm/granite-3-8b-instruct", "perplexity/glm-5.3", "vercel/v0-1.0-md", "groq/llama-3.3-70b-versatile"]
)
def test_a_model_that_is_registered_as_model_cost_names_it_is_that_model_in_calls_too(name):
    listed = costspan.pricing.lookup.find_model(name)

    register_model({name: model_cost[name] | {"input_cost_per_token": 1e-3}})

    assert float(costspan.price(Usage(input=1), provider=listed.provider, model=listed.id)) == 1e-3
    assert model_cost[name]["input_cost_per_token"] == 1e-3


@pytest.mark.parametrize(
    "name",
    [
        *("gpt-5", "claude-opus-5", "amazon.nova-lite-v1:0", "gemini-2.5-pro", "command-a"),
        *("azure/gpt-4o", "azure_ai/mistral-large", "vertex_ai/mistral-medium-3", "watsonx/mistralai/mistral-large"),
        *("mistral/mistral-large", "moonshot/kimi-k2.6", "voyage/voyage-3.5", "xai/grok-4.3", "dashscope/qwen-max"),
    ],
)
def test_an_entry_of_model_cost_is_read_back_as_what_it_was_made_of(name):
    listed, entry = costspan.pricing.lookup.find_model(name), dict(model_cost[name])

    register_model({name: entry})

    registered = costspan.pricing.registry.REGISTERED.find(listed.provider, listed.id.lower())
    assert registered is not None
    assert model_cost[name] | {"source": entry["source"]} == entry


def test_tiers_and_long_prompts_have_litellms_field_names():
    gpt, grok = model_cost["gpt-5"], model_cost["xai/grok-4.3"]

    assert (gpt["input_cost_per_token_flex"], gpt["input_cost_per_token_batches"]) == (6.25e-07, 6.25e-07)
    assert (
        grok["input_cost_per_token_above_200k_tokens"] == 2.5e-06
    )  # xAI bills so from 200,000 on, the list: over 199,999


def test_register_model_with_an_address(served):
    address = served(json.dumps({"new-model": {"litellm_provider": "openai", "input_cost_per_token": 1e-6}}))

    register_model(model_cost=address)

    assert cost_per_token("new-model", 1_000_000, 0, custom_llm_provider="openai") == (1.0, 0.0)


def test_register_model_with_a_file(price_file):
    register_model(str(price_file({"new-model": {"litellm_provider": "openai", "input_cost_per_token": 1e-6}})))

    assert "openai/new-model" in model_cost


def test_a_registered_model_reaches_prices_that_were_asked_before():
    pricer = costspan.pricing.Pricer()
    assert pricer.price(Usage(input=1000), provider="openai", model="gpt-4").total_femto == 30 * 10**12

    register_model({"gpt-4": GPT_4 | {"litellm_provider": "openai"}})

    assert pricer.price(Usage(input=1000), provider="openai", model="gpt-4").total_femto == 20 * 10**12


@pytest.mark.parametrize(
    "bad", [{"gpt-4": {"input_cost_per_token": -1}}, {"gpt-4": 3}, {"ok": GPT_4, "gpt-4": {"max_tokens": "x"}}]
)
def test_a_bad_registration_changes_nothing(bad):
    with pytest.raises(PriceListError, match="register_model: "):
        register_model(bad)

    assert cost_per_token("gpt-4", 1000, 0)[0] == 0.03
    assert "ok" not in model_cost


@pytest.mark.parametrize("text", ["nonsense", "[]", '{"a": 1}', '{"a": {"input_cost_per_token": "x"}}'])
def test_a_bad_list_at_an_address_is_said(served, text):
    with pytest.raises(PriceListError, match="http://127"):
        register_model(served(text))


def test_an_address_that_does_not_answer_is_said():
    with pytest.raises(PriceListError, match=r"http://127\.0\.0\.1:9/x: "):
        register_model("http://127.0.0.1:9/x")


def test_an_unknown_model_names_the_closest():
    with pytest.raises(UnknownModelError, match="gpt-5-mini") as caught:
        cost_per_token("gpt-5-minni", 1, 1)

    assert isinstance(caught.value, LookupError)
    with pytest.raises(UnknownModelError):
        completion_cost(model="gpt-5-minni", prompt="a")
    with pytest.raises(UnknownModelError):
        cost_per_token("palmyra-x9", 1, 1, custom_llm_provider="writer")
    with pytest.raises(UnknownModelError):
        get_max_tokens("openai/gpt-5-minni")
    with pytest.raises(KeyError):
        model_cost["gpt-5-minni"]


@pytest.mark.parametrize(
    ("answer", "cost"),
    [
        (CHAT, 0.003),
        (CHAT | {"service_tier": "priority"}, 0.0051),
        ({"model": "gpt-5", "output": [], "usage": {"input_tokens": 1000, "output_tokens": 1000}}, 0.01125),
        (
            {
                "type": "message",
                "model": "claude-sonnet-4-6",
                "usage": {
                    "input_tokens": 100,
                    "cache_read_input_tokens": 50_000,
                    "cache_creation_input_tokens": 10_000,
                    "cache_creation": {"ephemeral_5m_input_tokens": 6_000, "ephemeral_1h_input_tokens": 4_000},
                    "output_tokens": 500,
                },
            },
            0.0693,
        ),
        (
            {
                "modelVersion": "gemini-2.5-flash",
                "usageMetadata": {
                    "promptTokenCount": 10_000,
                    "cachedContentTokenCount": 6_000,
                    "toolUsePromptTokenCount": 500,
                    "candidatesTokenCount": 300,
                    "thoughtsTokenCount": 700,
                },
            },
            0.00403,
        ),
        (
            {
                "model": "claude-sonnet-4-6",
                "usage": {
                    "input_tokens": 100,
                    "output_tokens": 50,
                    "iterations": [
                        {"type": "message", "input_tokens": 100, "output_tokens": 50},
                        {
                            "type": "advisor_message",
                            "model": "claude-opus-4-8",
                            "input_tokens": 1000,
                            "output_tokens": 200,
                        },
                    ],
                },
            },
            0.01105,
        ),
        ({"model": "anthropic/claude-opus-5", "choices": [], "usage": {"prompt_tokens": 9, "cost": 0.00042}}, 0.00042),
        (
            {"model": "llama3", "usage": {"prompt_tokens": 9}, "_hidden_params": {"custom_llm_provider": "ollama"}},
            0.0,
        ),
    ],
)
def test_an_answer_of_any_sdk_is_priced_as_an_object_and_as_a_dict(answer, cost):
    assert completion_cost(answer) == pytest.approx(cost, rel=1e-12)
    assert completion_cost(as_object(answer)) == pytest.approx(cost, rel=1e-12)


def test_cohere_s_and_ollama_s_answers_are_read_too():
    billed = {"meta": {"billed_units": {"search_units": 2}}}
    local = {"model": "llama3", "prompt_eval_count": 5, "eval_count": 7}

    assert completion_cost(billed, model="rerank-v3.5") == 0.004
    assert completion_cost(local) == 0.0


PICTURE = {"created": 1, "data": [{"b64_json": "eA==", "url": None}]}
PICTURE_USAGE = {
    "input_tokens": 50,
    "output_tokens": 1000,
    "input_tokens_details": {"text_tokens": 10, "image_tokens": 40},
}
NO_TOKENS = {"input_tokens": 0, "output_tokens": 0, "total_tokens": 0}  # as LiteLLM's ImageResponse says by itself
HEARD = {"input_tokens": 14, "output_tokens": 45, "input_token_details": {"text_tokens": 0, "audio_tokens": 14}}


@pytest.mark.parametrize(
    ("answer", "model", "cost"),
    [
        (PICTURE | {"usage": PICTURE_USAGE}, "gpt-image-1", 0.04045),
        (PICTURE | {"size": "1024x1024", "quality": "hd"}, "dall-e-3", 0.08),
        (PICTURE | {"size": "1024x1024", "quality": "hd", "usage": NO_TOKENS}, "dall-e-3", 0.08),
        ({"text": "Cats.", "usage": HEARD}, "gpt-4o-transcribe", 0.000534),
        ({"text": "Cats.", "usage": {"type": "duration", "seconds": 60}}, "whisper-1", 0.006),
    ],
)
def test_pictures_and_transcripts_need_their_model_and_are_billed_by_what_they_tell(answer, model, cost):
    assert completion_cost(answer, model=model) == pytest.approx(cost, rel=1e-12)
    assert completion_cost(as_object(answer), model=model) == pytest.approx(cost, rel=1e-12)
    assert completion_cost(answer, model=model, n=1) == pytest.approx(cost, rel=1e-12)  # the answer has it already


def test_a_converse_answer_needs_its_model():
    answer = {"output": {}, "usage": {"inputTokens": 22, "cacheReadInputTokens": 2_492, "outputTokens": 13}}

    assert completion_cost(answer, model="us.amazon.nova-lite-v1:0") == pytest.approx(0.00004182, rel=1e-12)


def test_the_arguments_of_the_terms_are_taken():
    assert cost_per_token("gpt-5", 1000, 0, service_tier="flex")[0] == 0.000625
    for region in ("data_residency", "vertex_location", "region_name"):
        assert cost_per_token("gpt-5.4", 1000, 0, **{region: "eu"})[0] == 0.00275
    for term in ({"data_residency": "eu"}, {"vertex_location": "eu"}, {"region_name": "eu"}, {"service_tier": "flex"}):
        assert completion_cost(model="gpt-5.4", prompt="hi", **term) == cost_per_token("gpt-5.4", 1, **term)[0]
    assert completion_cost(model="dall-e-3", size="1024x1024", quality="hd", n=2, prompt="") == 0.16
    assert completion_cost(model="dall-e-3", size="1024x1024", prompt="a cat") == 0.04  # one, where n= says nothing
    assert completion_cost(model="imagen-3.0-generate-001", call_type="image_generation") == 0.04
    assert completion_cost(model="gpt-4o", messages=[{"role": "user", "content": "hi"}], completion="ho") > 0
    assert cost_per_token("rerank-v3.5", number_of_queries=2, custom_llm_provider="cohere")[0] == 0.004


def test_all_that_litellm_documents_is_taken():
    told = {"prompt_tokens": 1000, "completion_tokens": 0, "prompt_tokens_details": {"cached_tokens": 600}}
    region = {"vertex_location": "europe-west4", "custom_llm_provider": "vertex_ai"}

    assert cost_per_token("gpt-4o", usage_object=told)[0] == pytest.approx(0.00175)
    assert cost_per_token("gpt-4o", 1000, usage_object={})[0] == 0.0025
    assert cost_per_token("gemini-3.5-flash", 1_000_000, **region)[0] == pytest.approx(1.65)
    assert cost_per_token("whisper-1", call_type="transcription", audio_transcription_file_duration=60)[0] == 0.006
    assert cost_per_token("rerank-v3.5", rerank_billed_units={"search_units": 2}, call_type="rerank")[0] == 0.004
    assert completion_cost({"model": "gpt-5", "usage": told}, optional_params={"service_tier": "flex"}) == 0.0002875
    assert completion_cost(CHAT, model="azure/mine", base_model="azure/gpt-4o-mini") < completion_cost(CHAT)
    with pytest.raises(UnknownModelError):
        cost_per_token(None)


def test_a_server_of_one_s_own_bills_nothing_by_its_prefix_too():
    for prefix in ("ollama", "hosted_vllm", "lm_studio"):
        assert cost_per_token(f"{prefix}/gpt-4o", 1000, 1000) == (0.0, 0.0)


def test_an_answer_object_of_litellm_tells_who_gave_it_where_pydantic_hides_it():
    class Answer(pydantic.BaseModel):
        model: str = "gemini-2.0-flash"
        usage: dict[str, Any] = {"prompt_tokens": 1_000_000, "server_tool_use": {"web_search_requests": 0}}
        _hidden_params: dict[str, Any] = pydantic.PrivateAttr({"custom_llm_provider": "vertex_ai"})

    assert completion_cost(Answer()) == 0.15
    searched = {"prompt_tokens": 0, "completion_tokens": 1, "server_tool_use": {"web_search_requests": 2}}
    assert completion_cost(Answer(model="claude-sonnet-4-6", usage=searched)) == pytest.approx(0.020015)


def test_litellm_s_other_answers_have_the_form_of_who_gave_them():
    class Ranked(pydantic.BaseModel):
        meta: dict[str, Any] = {"billed_units": {"search_units": 2}}
        _hidden_params: dict[str, Any] = pydantic.PrivateAttr({"custom_llm_provider": "cohere"})

    assert completion_cost(Ranked(), model="cohere/rerank-v3.5") == 0.004


def test_a_transcription_that_tells_its_length_is_billed_by_it():
    assert completion_cost({"text": "Cats.", "duration": 60.0}, model="whisper-1") == 0.006


def test_the_model_that_answered_is_priced_at_the_provider_that_was_asked():
    answer = {"model": "gpt-4o-2024-08-06", "usage": {"prompt_tokens": 1_000_000, "completion_tokens": 0}}
    claude = {"model": "claude-haiku-4-5-20251001", "usage": {"input_tokens": 1_000_000, "output_tokens": 0}}
    profile = "bedrock/eu.anthropic.claude-haiku-4-5-20251001-v1:0"

    assert completion_cost(answer, model="gpt-4o-mini") == 2.5
    assert completion_cost(answer, model="azure/my-deployment") == 2.5
    assert completion_cost(answer, model="my-deployment") == 2.5
    assert completion_cost(claude, model=profile, custom_llm_provider="bedrock") == pytest.approx(1.1)


def test_the_cached_part_is_taken_out_of_the_prompt():
    prompt, _ = cost_per_token(
        "claude-sonnet-4-6", 1000, 0, cache_read_input_tokens=600, cache_creation_input_tokens=100
    )

    assert prompt == pytest.approx((300 * 3 + 600 * 0.3 + 100 * 3.75) / 1e6, rel=1e-12)
    assert cost_per_token("claude-sonnet-4-6", 100, 0, cache_read_input_tokens=600)[0] == 0.00018


def test_what_is_not_said_costs_nothing():
    untold = {"cache_read_input_tokens": None, "cache_creation_input_tokens": None, "response_time_ms": None}

    for model in ("gpt-4o", "whisper-1", "claude-sonnet-4-6"):
        assert cost_per_token(model) == cost_per_token(model, **untold) == (0.0, 0.0)
    assert cost_per_token("mine", custom_cost_per_second=1.0) == (0.0, 0.0)
    assert completion_cost(CHAT, custom_cost_per_second=1.0) == 0.0


def test_characters_are_billed_on_their_own_side():
    rates = {"input_cost_per_character": 1e-6, "output_cost_per_character": 2e-6}
    register_model({"acme/voice": {"litellm_provider": "acme", **rates}})

    assert cost_per_token("acme/voice", prompt_characters=1000, completion_characters=1000) == (0.001, 0.002)


def test_custom_costs_need_no_model():
    rates = {"input_cost_per_token": 1e-6, "output_cost_per_token": 2e-6}

    assert cost_per_token("mine", 1000, 1000, custom_cost_per_token=rates) == (0.001, 0.002)
    assert cost_per_token("mine", response_time_ms=2500.4, custom_cost_per_second=0.01) == (0.0, 0.025)
    assert completion_cost(CHAT, custom_cost_per_token=rates) == pytest.approx(0.0012)
    assert completion_cost(CHAT, total_time=2500.4, custom_cost_per_second=0.01) == 0.025
    assert completion_cost(CHAT, total_time=None) == completion_cost(CHAT)


def test_custom_costs_of_the_cache_are_those_of_its_tokens_alone():
    """As LiteLLM takes them; it billed such tokens twice (BerriAI/litellm#40006, 2026-09)."""
    own = {"input_cost_per_token": 3e-6, "output_cost_per_token": 15e-6, "cache_read_input_token_cost": 3e-7}
    rates = own | {"cache_creation_input_token_cost": 4e-6}
    cached = {"cache_read_input_tokens": 800, "cache_creation_input_tokens": 100}
    answer = {"type": "message", "role": "assistant", "model": "mine"}
    answer |= {"content": [], "usage": {"input_tokens": 100, "output_tokens": 10} | cached}

    assert cost_per_token("mine", 1000, 10, custom_cost_per_token=rates, **cached) == (0.00094, 0.00015)
    assert cost_per_token("mine", 1000, 10, custom_cost_per_token=own, **cached) == (0.00084, 0.00015)
    assert completion_cost(answer, custom_cost_per_token=rates) == pytest.approx(0.00109)


def test_an_answer_that_is_not_billed_costs_nothing():
    usage = {"input_tokens": 400, "output_tokens": 0}
    answer = {"type": "message", "model": "claude-opus-5", "content": [], "usage": usage, "stop_reason": "refusal"}

    assert completion_cost(answer | {"stop_details": {"category": "cyber"}}) == 0
    assert completion_cost(answer | {"stop_details": {"category": "bio"}}) == 0.002


def test_price_takes_a_usage_and_terms():
    price = costspan.price(Usage(input=1000, output=1000), model="gpt-5", tier="flex")

    assert float(price) == 0.005625
    assert costspan.price(Usage(input=9), model="gpt-5", tier=None, geo=None).status == "priced"  # as answers tell it
    assert costspan.price(Usage(input=1), provider="groq", model="no-such").total is None
    assert costspan.price(Usage(), model="gpt-5", stated_cost=0.1).total == Decimal("0.1")
    with pytest.raises(ValueError, match="number of dollars"):
        costspan.price(Usage(), model="gpt-5", stated_cost="much")
    with pytest.raises(TypeError):
        costspan.price(Usage(), model="gpt-5", mood="good")


def test_an_answer_of_no_known_form_has_no_price():
    with pytest.raises(UnknownModelError):
        completion_cost({"what": "is this"})


def test_an_answer_that_tells_no_usage_is_not_free_and_texts_can_be_counted_for_it():
    answer = {"model": "gpt-4o", "choices": [{"message": {"content": "ho"}}]}
    asked = [{"role": "user", "content": "hi"}]

    rates = {"input_cost_per_token": 1e-6, "output_cost_per_token": 2e-6}
    untold = [
        {"completion_response": answer},
        {"completion_response": answer, "custom_cost_per_token": rates},
        {"completion_response": {"model": "whisper-1", "text": "ho"}},
        {"completion_response": {"results": []}, "model": "rerank-v3.5"},
        {"completion_response": {"model": "acme/half-free"}},
    ]
    register_model(
        {"acme/half-free": {"litellm_provider": "acme", "input_cost_per_token": 0, "output_cost_per_token": 1}}
    )

    untold.append({"completion_response": answer, "total_time": 500})
    for arguments in untold:
        with pytest.raises(ValueError, match="tells no usage"):
            completion_cost(**arguments)
    counted = completion_cost(answer, messages=asked, completion="ho")
    assert counted == completion_cost(model="gpt-4o", messages=asked, completion="ho") > 0
    assert completion_cost(CHAT, messages=asked, completion="ho") == completion_cost(CHAT)  # it tells its usage
    assert 0 < completion_cost(answer, messages=asked) < counted
    assert completion_cost(answer, prompt="hi") == cost_per_token("gpt-4o", 1)[0]
    assert completion_cost(answer, completion="ho there") == cost_per_token("gpt-4o", 0, 2)[1]
    assert completion_cost({"model": "omni-moderation-latest", "results": []}) == 0.0
    assert completion_cost({"model": "mine", "results": []}, model="omni-moderation-latest") == 0.0


@pytest.mark.parametrize("answer", [{}, "text", {"model": None, "usage": {"prompt_tokens": 1}}])
def test_an_answer_without_a_model_says_so(answer):
    with pytest.raises(costspan.UnknownModelError, match=r"^no model is named, by the answer or by model=$"):
        completion_cost(answer)


def test_prices_of_the_environment_s_file_hold(price_file, monkeypatch):
    models = [{"provider": "openai", "model": "gpt-4o", "input": 1}, {"provider": "acme", "model": "big", "input": 2}]
    monkeypatch.setenv("COSTSPAN_PRICES", str(price_file({"models": models})))

    assert cost_per_token("gpt-4o", 1_000_000)[0] == 1.0
    assert [name for name in costspan.model_list if "acme" in name] == ["acme/big"]


@pytest.mark.parametrize(
    ("provider", "model", "named"),
    [
        ("amazon_nova", "nova-micro-v1", "amazon-nova/nova-micro-v1"),
        ("inception", "mercury-edit-2", "text-completion-inception/mercury-edit-2"),
    ],
)
def test_a_provider_whose_models_the_list_names_after_another_spelling_is_priced(provider, model, named):
    """As its own API calls the model, and as LiteLLM's list does."""
    own = costspan.price(Usage(input=1000, output=500), provider=provider, model=model)

    assert own.status == "priced"
    assert sum(cost_per_token(named, 1000, 500)) == pytest.approx(float(own))

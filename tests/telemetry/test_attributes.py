"""What is asked and told stands under the names of OpenTelemetry's GenAI conventions, where these have one."""

from __future__ import annotations

import json
from decimal import Decimal

import pytest

from costspan.adapters import anthropic, google_genai, openai
from costspan.adapters._request import read_request
from costspan.call import Call, Request
from costspan.pricing import Pricer
from costspan.telemetry.attributes import reply_attributes, request_attributes
from costspan.telemetry.till import Till
from costspan.usage import Terms, Usage


@pytest.mark.parametrize(
    ("operation", "asked", "attributes"),
    [
        (
            openai.EMBEDDINGS,
            {"dimensions": 256, "encoding_format": "float"},
            {"gen_ai.embeddings.dimension.count": 256, "gen_ai.request.encoding_formats": ["float"]},
        ),
        (openai.CHAT, {"stop": "END"}, {"gen_ai.request.stop_sequences": ["END"]}),
        (openai.CHAT, {"stop": ["END", "."]}, {"gen_ai.request.stop_sequences": ["END", "."]}),
        (openai.CHAT, {"response_format": {"type": "json_schema"}}, {"gen_ai.output.type": "json"}),
        (openai.CHAT, {"response_format": {"type": "a_new_one"}}, {}),
        (openai.RESPONSE, {"text": {"format": {"type": "text"}}}, {"gen_ai.output.type": "text"}),
        (openai.RESPONSE, {"conversation": "conv_1"}, {"gen_ai.conversation.id": "conv_1"}),
        (openai.RESPONSE, {"conversation": {"id": "conv_1"}}, {"gen_ai.conversation.id": "conv_1"}),
        (
            google_genai.GENERATE,
            {"config": {"response_mime_type": "application/json"}},
            {"gen_ai.output.type": "json"},
        ),
        (anthropic.MESSAGE, {"output_config": {"format": {"type": "json_schema"}}}, {"gen_ai.output.type": "json"}),
    ],
)
def test_what_is_asked_has_the_conventions_names_and_types(operation, asked, attributes):
    request = read_request(operation, "p", asked)

    told = request_attributes(request)

    assert {name: told[name] for name in told.keys() - {"gen_ai.operation.name", "gen_ai.provider.name"}} == attributes


def test_a_span_begins_with_where_its_call_goes_and_whether_it_streams():
    request = Request("chat", "openai", "gpt-4o", host="gw.example.com", port=8443, stream=True)

    assert request_attributes(request) == {
        "gen_ai.operation.name": "chat",
        "gen_ai.provider.name": "openai",
        "gen_ai.request.model": "gpt-4o",
        "gen_ai.request.stream": True,
        "server.address": "gw.example.com",
        "server.port": 8443,
    }
    assert request_attributes(Request("chat", "openai")).keys() == {"gen_ai.operation.name", "gen_ai.provider.name"}


@pytest.mark.parametrize(("biller", "told"), [("", {}), ("openai", {}), ("azure", {"costspan.terms.biller": "azure"})])
def test_whose_prices_hold_is_told_only_where_they_are_another_s(biller, told):
    call = Call(Request("chat", "openai", "m-1", biller=biller), observer=None)

    assert reply_attributes(call, None) == told


def ended(provider="openai", **reply):
    call = Call(Request("chat", provider, "m-1"), observer=None)
    for name, value in reply.items():
        setattr(call.reply, name, value)
    return call


def test_the_tier_of_openais_answer_has_openais_name_too():
    terms = Terms(tier="flex")

    assert reply_attributes(ended(terms=terms), None)["openai.response.service_tier"] == "flex"
    assert "openai.response.service_tier" not in reply_attributes(ended("groq", terms=terms), None)


def test_a_stream_tells_how_long_its_first_chunk_took():
    call = ended()
    call.first_chunk = call.begun + 0.25

    assert reply_attributes(call, None)["gen_ai.response.time_to_first_chunk"] == pytest.approx(0.25)
    assert "gen_ai.response.time_to_first_chunk" not in reply_attributes(ended(), None)


def test_a_bucket_that_the_conventions_name_is_told_by_their_name_alone():
    usage = Usage(input=1, cache_read=2, cache_write=3, cache_write_1h=4, output=5, reasoning=6)

    assert reply_attributes(ended(usage=usage), None) == {
        "gen_ai.usage.input_tokens": 10,
        "gen_ai.usage.cache_read.input_tokens": 2,
        "gen_ai.usage.cache_write.input_tokens": 7,
        "gen_ai.usage.output_tokens": 11,
        "gen_ai.usage.reasoning.output_tokens": 6,
        "costspan.usage.cache_write_1h": 4,
        "costspan.usage.source": "provider",
    }


def test_a_modality_has_its_total_and_what_of_it_was_cached():
    usage = Usage(input=10, input_audio=40, cache_read_audio=60, output_audio=20, input_image=5, output=1)

    told = reply_attributes(ended(usage=usage), None)

    assert {name: told[name] for name in told if name.startswith(("gen_ai.usage.audio", "gen_ai.usage.image"))} == {
        "gen_ai.usage.audio.input_tokens": 100,
        "gen_ai.usage.audio.cache_read.input_tokens": 60,
        "gen_ai.usage.audio.output_tokens": 20,
        "gen_ai.usage.image.input_tokens": 5,
    }
    assert (told["gen_ai.usage.input_tokens"], told["gen_ai.usage.output_tokens"]) == (115, 21)


@pytest.mark.parametrize(
    ("model", "told", "cost"),
    [
        ("gpt-4o", {"unpriced": "a mixture"}, None),
        ("gpt-4o", {"unpriced": "a mixture", "stated_cost": Decimal("0.25")}, Decimal("0.25")),
        ("gpt-4o", {"gateway_cost": Decimal("0.25")}, Decimal("0.0025")),
        ("own", {"gateway_cost": Decimal("0.25")}, Decimal("0.25")),
    ],
)
def test_what_a_provider_states_goes_before_all_and_what_a_gateway_says_after_the_list(model, told, cost):
    call = Call(Request("chat", "openai", model), None)
    call.reply.usage = Usage(input=1000)
    for name, value in told.items():
        setattr(call.reply, name, value)

    assert Till(Pricer()).price(call).total == cost


def test_a_server_by_the_hour_is_priced_by_how_long_the_call_took(tmp_path):
    (tmp_path / "own.json").write_text(json.dumps({"models": [{"provider": "vllm", "model": "own", "gpu_hour": 3.6}]}))
    call = Call(Request("chat", "vllm", "own"), None)
    call.reply.usage, call.ended = Usage(input=1000), call.begun + 2

    assert Till(Pricer(str(tmp_path / "own.json"))).price(call).total == Decimal("0.002")

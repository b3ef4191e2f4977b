"""Spans of any tool become calls, priced here where they have no cost; what only looks like a call does not."""

from __future__ import annotations

import json
from contextlib import nullcontext
from decimal import Decimal

import pytest
from ledger_spans import CHAT, span, traces
from opentelemetry import trace
from opentelemetry.exporter.otlp.proto.common.trace_encoder import encode_spans

from costspan.ledger import calls

PRICE = Decimal("0.00055")  # 100 input and 30 output tokens on gpt-4o
TOOLS = {
    "conventions": {
        "gen_ai.provider.name": "openai",
        "gen_ai.request.model": "gpt-4o",
        "gen_ai.usage.input_tokens": 100,
        "gen_ai.usage.output_tokens": 30,
    },
    "openllmetry": {
        "gen_ai.system": "OpenAI",
        "llm.request.type": "chat",
        "gen_ai.request.model": "gpt-4o",
        "gen_ai.usage.prompt_tokens": 100,
        "gen_ai.usage.completion_tokens": 30,
    },
    "openinference": {
        "openinference.span.kind": "LLM",
        "llm.provider": "openai",
        "llm.model_name": "gpt-4o",
        "llm.token_count.prompt": 100,
        "llm.token_count.completion": 30,
    },
    "openlit": {"gen_ai.system": "openai", "gen_ai.request.model": "gpt-4o", "gen_ai.usage.cost": 0.00055},
    "logfire": {"gen_ai.system": "openai", "gen_ai.request.model": "gpt-4o", "operation.cost": 0.00055},
    "langfuse": {
        "langfuse.observation.type": "generation",
        "langfuse.observation.model.name": "gpt-4o",
        "langfuse.observation.cost_details": '{"total": 0.00055}',
    },
    "vercel": {
        "ai.operationId": "ai.streamText.doStream",
        "ai.model.id": "gpt-4o",
        "ai.model.provider": "openai.responses",
        "ai.usage.inputTokens": 100,
        "ai.usage.outputTokens": 30,
    },
    "langsmith": {
        "langsmith.span.kind": "llm",
        "gen_ai.operation.name": "chat",
        "gen_ai.system": "openai",
        "gen_ai.request.model": "gpt-4o",
        "gen_ai.usage.input_tokens": 100,
        "gen_ai.usage.output_tokens": 30,
    },
    "litellm": {"gen_ai.system": "openai", "gen_ai.request.model": "gpt-4o", "gen_ai.cost.total_cost": 0.00055},
}
OTHERS = {
    "agent": CHAT | {"gen_ai.operation.name": "invoke_agent"},
    "chain": {"openinference.span.kind": "CHAIN", "llm.model_name": "gpt-4o", "llm.token_count.prompt": 9},
    "langsmith's chain": {
        "langsmith.span.kind": "chain",
        "gen_ai.operation.name": "chain",
        "gen_ai.system": "langchain",
        "gen_ai.usage.input_tokens": 100,
        "gen_ai.usage.output_tokens": 30,
    },
    "workflow": {"traceloop.span.kind": "workflow", "gen_ai.request.model": "gpt-4o"},
    "outer": {"ai.operationId": "ai.streamText", "ai.model.id": "gpt-4o", "ai.usage.inputTokens": 9},
    "tool observation": {"langfuse.observation.type": "tool", "langfuse.observation.model.name": "gpt-4o"},
    "repeat": CHAT | {"costspan.kind": "repeat", "openinference.span.kind": "LLM"},
    "http": {"http.request.method": "POST", "server.address": "api.openai.com"},
}


@pytest.mark.parametrize("tool", TOOLS)
def test_a_call_costs_the_same_whoever_tells_of_it(ledger, tool):
    ledger.send(traces(span(TOOLS[tool])))
    [row] = ledger.report("model,status")

    assert (row.model, row.status, row.cost) == ("gpt-4o", "priced", PRICE)


@pytest.mark.parametrize(
    ("attribute", "said", "name"),
    [
        ("gen_ai.system", "Moonshot", "moonshot_ai"),
        ("gen_ai.system", "vertex_ai-anthropic_models", "gcp.vertex_ai"),
        ("llm.provider", "fireworks", "fireworks_ai"),
        ("ai.model.provider", "amazon-bedrock", "aws.bedrock"),
        ("ai.model.provider", "google.vertex.chat", "gcp.vertex_ai"),
        ("ai.model.provider", "openai.image", "openai"),
        ("gen_ai.system", "hosted_vllm", "hosted_vllm"),
        ("gen_ai.system", "Acme", "acme"),
    ],
)
def test_a_provider_is_one_by_whatever_name_a_tool_calls_it(ledger, attribute, said, name):
    ledger.send(traces(span({attribute: said, "gen_ai.request.model": "m", "gen_ai.usage.input_tokens": 1})))
    [row] = ledger.report("provider").rows

    assert row.provider == name


def test_a_tool_that_names_itself_for_the_provider_is_none_where_the_plugin_says_who_is(ledger):
    said = TOOLS["conventions"] | {"gen_ai.provider.name": "strands-agents"}
    ledger.send(traces(span(said | {"costspan.terms.biller": "openai"}), span(said)))

    assert {row.provider: row.cost for row in ledger.report("provider")} == {"openai": PRICE, "strands-agents": 0}


def test_an_empty_text_says_nothing_and_hides_nothing(ledger):
    empty = {"gen_ai.provider.name": "", "gen_ai.system": "openai", "costspan.team": "", "error.type": ""}
    said = {name: value for name, value in TOOLS["conventions"].items() if "usage" not in name}
    ledger.send(traces(span(said | empty | {"traceloop.association.properties.team": "search"})))
    [row] = ledger.report("provider,team,status,error")

    assert (row.provider, row.team, row.status, row.error) == ("openai", "search", "unpriced", "")


def test_a_model_that_no_list_knows_is_priced_as_the_one_that_was_asked_for(ledger):
    """As the plugin prices it: some answer with a build of the model."""
    ledger.send(traces(span(TOOLS["conventions"] | {"gen_ai.response.model": "gpt-4o-0709"})))
    [row] = ledger.report("model,status")

    assert (row.model, row.status, row.cost) == ("gpt-4o-0709", "priced", PRICE)


def test_a_call_that_failed_without_usage_is_free_also_where_only_the_status_says_so(ledger):
    asked = {name: said for name, said in TOOLS["conventions"].items() if "usage" not in name}
    ledger.send(traces(span(asked, status={"code": 2})))
    [row] = ledger.report("status,error")

    assert (row.status, row.error, row.unpriced_calls) == ("free", "error", 0)


def test_a_span_that_ends_with_an_error_does_not_make_free_what_the_plugin_says_is_unpriced(ledger):
    """The program may set the status of a span whose answer came and told no usage."""
    asked = {name: said for name, said in TOOLS["conventions"].items() if "usage" not in name}
    ledger.send(traces(span(asked | {"costspan.price.status": "unpriced"}, status={"code": 2})))
    [row] = ledger.report("status,error")

    assert (row.status, row.error, row.unpriced_calls) == ("unpriced", "error", 1)


@pytest.mark.parametrize("kind", OTHERS)
def test_what_only_looks_like_a_call_is_none(ledger, kind):
    ledger.send(traces(span(OTHERS[kind])))

    assert ledger.report().total.calls == 0


@pytest.mark.parametrize("scope", ["langsmith", "a tool that lost its context", "a layer around"])
def test_what_the_plugin_counts_once_is_one_call_here_too(ledger, telling, scope):
    program = telling()
    tracer = program.tracer_provider.get_tracer(scope)
    around = trace.use_span(tracer.start_span("layer"), end_on_exit=True)
    with around if scope == "a layer around" else nullcontext():
        answer = program.ask()
        told = TOOLS["conventions"] | ({} if scope == "langsmith" else {"gen_ai.response.id": answer.id})
        trace.get_current_span().set_attributes(told)
    if scope != "a layer around":
        tracer.start_span("layer", attributes=told).end()
    for each in reversed(program.spans):
        ledger.send(encode_spans([each]).SerializeToString())

    assert ledger.report("model,status").total.calls == 1
    assert program.span("layer").attributes["costspan.kind"] == "repeat"


@pytest.mark.parametrize(
    ("said", "stored"),
    [
        ({"input_tokens": 100, "cache_read.input_tokens": 100}, (0, 100, 0, 0, 0)),
        ({"input_tokens": 10, "cache_read.input_tokens": 50, "cache_write.input_tokens": 5}, (10, 50, 5, 0, 0)),
        ({"output_tokens": 5, "reasoning.output_tokens": 8}, (0, 0, 0, 0, 8)),
        ({"output_tokens": 5, "reasoning.output_tokens": 8, "total_tokens": 13}, (0, 0, 0, 5, 8)),
    ],
    ids=["all is cached", "cached beside, as Anthropic's API counts", "more thoughts than output", "thoughts beside"],
)
def test_each_token_is_in_one_bucket_however_a_tool_counts(ledger, said, stored):
    counts = {f"gen_ai.usage.{name}": count for name, count in said.items()}
    ledger.send(traces(span({"gen_ai.system": "acme", "gen_ai.request.model": "m"} | counts)))

    assert ledger.sql("SELECT input, cache_read, cache_write, output, reasoning FROM calls") == [stored]


def test_what_the_plugin_has_put_beside_a_tools_raw_usage_is_kept(ledger):
    said = TOOLS["conventions"] | {"gen_ai.usage.raw": '{"input_tokens": 100}', "costspan.usage.input_image": 40}
    ledger.send(traces(span(said)))

    [(extra,)] = ledger.sql("SELECT extra FROM calls")
    assert json.loads(extra)["usage"] == {"input": 60, "input_image": 40, "output": 30}


@pytest.mark.parametrize("said", ["prompt_tokens", "completion_tokens", "cost"])
def test_a_model_and_what_it_used_or_cost_is_a_call(ledger, said):
    ledger.send(traces(span({"llm.request.model": "gpt-4o", f"llm.usage.{said}": 1})))

    assert ledger.report().total.calls == 1


OWN_MODEL = {"gen_ai.request.model": "own-model"}


@pytest.mark.parametrize(
    ("said", "status", "pico"),
    [
        ({"gen_ai.usage.cost": 0}, "priced", 550_000_000),
        (OWN_MODEL | {"gen_ai.usage.cost": 0.0}, "unpriced", None),
        (OWN_MODEL | {"gen_ai.usage.cost": 0.0, "costspan.price.status": "unpriced"}, "unpriced", None),
        (OWN_MODEL | {"gen_ai.usage.cost.amount": 0.0, "costspan.price.status": "free"}, "free", 0),
        (OWN_MODEL | {"gen_ai.usage.cost.amount": 0.0, "gen_ai.usage.cost.source": "provider"}, "free", 0),
    ],
)
def test_a_cost_of_0_is_unknown_but_where_somebody_knows_it(ledger, said, status, pico):
    """OpenLIT tells 0 of models that its list lacks, and of all models where it could not fetch that list."""
    ledger.send(traces(span(TOOLS["conventions"] | said)))
    [row] = ledger.report("status")

    assert (row.status, ledger.sql("SELECT cost FROM calls")) == (status, [(pico,)])


def test_a_cost_in_another_currency_is_not_taken_for_dollars(ledger):
    euros = TOOLS["conventions"] | {"gen_ai.usage.cost.amount": 9.0, "gen_ai.usage.cost.currency": "EUR"}
    ledger.send(traces(span(euros)))

    assert ledger.report().total.cost == PRICE


@pytest.mark.parametrize(
    "said",
    [
        {"llm.cost.total": 0.003, "llm.cost.prompt": 0.001, "llm.cost.completion": 0.002},
        {"gen_ai.usage.cost": 0.003, "gen_ai.cost.input_cost": 0.001, "gen_ai.cost.output_cost": 0.002}
        | {"langfuse.observation.cost_details": '{"total": 9, "input": 4, "output": 5}'},
        {"langfuse.observation.cost_details": '{"total": 0.003, "input": 0.001, "output": 0.002}'},
        {
            "langfuse.observation.cost_details": '{"total": 9, "input": 4, "output": 5}',
            "gen_ai.usage.cost.amount": 0.003,
        }
        | {"costspan.cost.input": 0.001, "costspan.cost.output": 0.002},
        {"langfuse.observation.cost_details": '{"total": 0.003}', "gen_ai.usage.cost.currency": "usd"}
        | {"llm.cost.prompt": 0.001, "llm.cost.completion": 0.002},
    ],
)
def test_what_a_tool_says_of_input_and_output_is_kept_apart(ledger, said):
    ledger.send(traces(span(said | {"gen_ai.system": "openai", "gen_ai.request.model": "gpt-4o"})))
    total = ledger.report().total

    assert (total.cost, total.costs["input"], total.costs["output"]) == tuple(map(Decimal, ("0.003", "0.001", "0.002")))


def test_a_million_names_make_no_memory_grow_without_end(ledger, monkeypatch):
    """Many models in one request: each is counted, and long or odd names are cut to size."""
    monkeypatch.setattr(calls, "_DIMS_HELD", 1000)
    names = [f"model-{number}" for number in range(3000)] + ["x" * 5000, "a\x00b\ud800", "<script>alert(1)</script>"]
    good = [name.encode("utf-8", "ignore").decode() for name in names]
    ledger.send(traces(*(span(CHAT | {"gen_ai.response.model": name}) for name in good)))
    rows = ledger.report("model").rows

    assert len(rows) == len(names)
    assert len(ledger.ingest._sorter._dims) <= 1000
    assert max(len(row.model) for row in rows) == 200
    assert "ab" in {row.model for row in rows}

"""The same numbers in other tools' words."""

import pytest
from fake_providers import openai as wire

OPENINFERENCE = {
    "openinference.span.kind": "LLM",
    "llm.model_name": "gpt-4o-mini-2024-07-18",
    "llm.provider": "openai",
    "llm.token_count.prompt": 1000,
    "llm.token_count.completion": 200,
    "llm.token_count.total": 1200,
    "llm.token_count.prompt_details.cache_read": 600,
    "llm.token_count.completion_details.reasoning": 50,
    "llm.cost.prompt": 0.000105,
    "llm.cost.completion": 0.00012,
    "llm.cost.total": 0.000225,
}


@pytest.mark.parametrize(
    ("dialect", "expected"),
    [
        ("openinference", OPENINFERENCE),
        ("openlit", {"gen_ai.usage.cost": 0.000225, "gen_ai.usage.total_tokens": 1200}),
        ("logfire", {"operation.cost": 0.000225}),
        ("openlit,logfire", {"gen_ai.usage.cost": 0.000225, "operation.cost": 0.000225}),
    ],
)
def test_a_dialect_has_the_same_numbers(telling, fake_openai, dialect, expected):
    program = telling(dialects=dialect)
    fake_openai.play(wire.chat(usage=wire.CACHED))
    program.ask()
    attributes = program.spans[0].attributes
    assert {name: attributes[name] for name in expected} == pytest.approx(expected)
    assert attributes["gen_ai.usage.cost.amount"] == 0.000225


@pytest.mark.parametrize("dialect", ["openinference", "openlit", "logfire"])
def test_an_unknown_price_is_no_cost_in_any_dialect(telling, dialect):
    program = telling(dialects=dialect)
    program.ask(model="no-such-model")
    assert not {"llm.cost.total", "gen_ai.usage.cost", "operation.cost"} & program.spans[0].attributes.keys()


def test_a_stated_cost_is_not_broken_down(telling, fake_openai):
    program = telling(dialects="openinference")
    fake_openai.play(wire.chat(usage=wire.CHAT_USAGE | {"cost": 0.5}))
    program.ask()
    assert program.spans[0].attributes["llm.cost.total"] == 0.5
    assert "llm.cost.prompt" not in program.spans[0].attributes


def test_other_tools_spans_get_them_too(telling):
    program = telling(dialects="logfire")
    usage = {"gen_ai.usage.input_tokens": 19, "gen_ai.usage.output_tokens": 10}
    call = {"gen_ai.operation.name": "chat", "gen_ai.provider.name": "openai", "gen_ai.request.model": "gpt-4o-mini"}
    with program.tracer.start_as_current_span("chat", attributes=call | usage):
        pass
    assert program.spans[0].attributes["operation.cost"] == 8.85e-06


def test_without_a_dialect_there_are_none(telling):
    program = telling()
    program.ask()
    assert not [name for name in program.spans[0].attributes if name.startswith(("llm.", "operation.", "openinf"))]


def test_a_call_without_usage_has_no_counts_in_any_dialect(telling, fake_openai):
    program = telling(dialects="openinference,openlit", count_tokens="never")
    fake_openai.play(wire.chat(usage=None))
    program.ask()
    attributes = program.spans[0].attributes
    assert attributes["openinference.span.kind"] == "LLM"
    assert not [
        name for name in attributes if name.startswith("llm.token_count") or name == "gen_ai.usage.total_tokens"
    ]

"""Calls that the program records itself."""

import asyncio
from decimal import Decimal

import pytest
from opentelemetry import context as otel
from opentelemetry.trace import StatusCode

import costspan
from costspan import Usage
from costspan.guard import FAILURES


def test_a_call_with_its_usage_is_recorded_and_priced_at_once(telling):
    program = telling()
    call = costspan.record_call("openai", "gpt-4o-mini", usage=Usage(input=19, output=10))
    [span] = program.spans
    assert span.name == "chat gpt-4o-mini"
    assert span.attributes["gen_ai.provider.name"] == "openai"
    assert span.attributes["gen_ai.usage.cost.amount"] == 8.85e-06
    assert call.bill.cost == Decimal("0.00000885")
    assert costspan.last_call() is call.bill


@pytest.mark.parametrize("answers", [1, 2])
def test_cached_input_takes_room_in_the_models_context_of_each_answer(telling, answers):
    program = telling()
    used = {"input": 16_000 * answers, "cache_read": 48_000 * answers}
    costspan.record_call("openai", "gpt-4o-mini", usage=Usage(**used, requests=answers))
    assert program.spans[0].attributes["costspan.context.utilization"] == 0.5


def test_a_stated_cost_wins(telling):
    program = telling()
    costspan.record_call("acme", "acme-large", usage=Usage(input=1), cost="0.25")
    assert program.spans[0].attributes["gen_ai.usage.cost.amount"] == 0.25
    assert program.spans[0].attributes["gen_ai.usage.cost.source"] == "provider"


@pytest.mark.parametrize("said", [{"cost": 0}, {"usage": Usage()}, {"saved": Usage()}])
def test_nothing_used_or_charged_is_told_at_once_too_and_once(telling, said):
    program = telling()
    with costspan.record_call("openai", "gpt-4o-mini", **said) as call:
        assert len(program.spans) == 1
    assert len(program.spans) == 1
    assert call.bill.cost == 0
    assert call.bill.usage == said.get("usage")
    assert "gen_ai.response.finish_reasons" not in program.spans[0].attributes


def test_a_call_to_an_unknown_provider_says_why_it_has_no_cost(telling):
    program = telling()
    costspan.record_call("acme", "acme-large", usage=Usage(input=1))
    assert "gen_ai.usage.cost.amount" not in program.spans[0].attributes
    assert program.spans[0].attributes["costspan.price.status"] == "unpriced"


def test_a_block_is_timed_and_told_at_its_end(telling):
    program = telling()
    with costspan.record_call("acme", "acme-large", operation="embeddings") as call:
        call.chunk()
        call.usage = Usage(input=7)
        call.model, call.id, call.finish_reason, call.cost = "acme-large-2", "r1", "stop", 0.5
        assert program.spans == ()
    attributes = program.spans[0].attributes
    assert attributes["gen_ai.response.model"] == "acme-large-2"
    assert attributes["gen_ai.response.id"] == "r1"
    assert attributes["gen_ai.response.finish_reasons"] == ("stop",)
    assert attributes["gen_ai.request.stream"] is True
    assert attributes["gen_ai.usage.cost.amount"] == 0.5
    assert len(program.points("gen_ai.client.operation.time_to_first_chunk")) == 1


def test_a_part_that_comes_before_the_block_makes_it_a_stream_too(telling):
    program = telling()
    call = costspan.record_call("acme", "acme-large")
    call.chunk()
    with call:
        call.chunk()
    assert program.spans[0].attributes["gen_ai.request.stream"] is True


def test_an_async_block_that_fails_is_told_with_its_error(telling):
    program = telling()

    async def run():
        async with costspan.record_call("acme", "acme-large"):
            raise KeyError("x")

    with pytest.raises(KeyError):
        asyncio.run(run())
    assert program.spans[0].status.status_code is StatusCode.ERROR
    assert program.spans[0].attributes["error.type"] == "KeyError"
    assert costspan.current_cost() == (0, 0, 1, 0)  # what fails before anything is used is not billed


def test_calls_inside_a_recorded_one_are_counted_once(telling):
    program = telling()
    with costspan.record_call("openai", "gpt-4o-mini") as call:
        program.ask()
        call.usage = Usage(input=19, output=10)
    assert len(program.spans) == 1
    assert costspan.current_cost().calls == 1


def test_an_answer_from_the_programs_cache_costs_nothing_and_says_what_it_saved(telling):
    program = telling()
    costspan.record_call("openai", "gpt-4o-mini", saved=Usage(input=19, output=10))
    attributes = program.spans[0].attributes
    assert attributes["gen_ai.usage.cost.amount"] == 0.0
    assert attributes["costspan.price.status"] == "free"
    assert attributes["costspan.saved.cost"] == 8.85e-06
    assert attributes["costspan.saved.tokens"] == 29
    assert "gen_ai.usage.input_tokens" not in attributes
    assert [point.value for _, point in program.points("costspan.saved")] == [8.85e-06]
    assert program.points("costspan.tokens") == []
    assert costspan.current_cost() == (0, 0, 1, 0)


def test_what_an_unknown_model_saved_is_told_in_tokens_only(telling):
    program = telling()
    costspan.record_call("acme", "acme-large", saved=Usage(input=19))
    assert program.spans[0].attributes["costspan.saved.tokens"] == 19
    assert "costspan.saved.cost" not in program.spans[0].attributes


def test_recorded_calls_are_summed_up_attributed_and_refused_as_any_other(telling):
    program = telling()
    with costspan.attribution(team="search"), costspan.observe(name="run"), costspan.budget(usd=1):
        costspan.record_call("acme", "acme-large", cost=2)
        with pytest.raises(costspan.BudgetExceededError), costspan.record_call("acme", "acme-large"):
            pytest.fail("the block must not begin")
    run = program.span("invoke_workflow run")
    assert run.attributes["costspan.rollup.cost"] == 2.0
    assert program.span("chat acme-large").attributes["costspan.team"] == "search"


def test_while_costspan_is_off_blocks_only_run():
    with costspan.record_call("acme", "acme-large") as call:
        call.chunk()
        call.usage = Usage(input=1)
    assert call.bill is None
    assert costspan.record_call("acme", "acme-large", cost=1).bill is None


def test_a_recorded_call_says_who_answered_what_it_used_and_cost(telling):
    stated = costspan.record_call("acme", "acme-large", usage=Usage(input=1), cost="0.25")
    assert repr(stated) == "RecordedCall(acme/acme-large, Usage(input=1), cost=0.25)"  # while costspan is off, too
    telling()
    call = costspan.record_call("openai", "gpt-4o-mini", usage=Usage(input=19, output=10))
    assert repr(call) == "RecordedCall(openai/gpt-4o-mini, Usage(input=19, output=10), cost=0.00000885)"
    with costspan.record_call("acme", "acme-large") as open_call:
        open_call.model = "acme-large-2"
        assert repr(open_call) == "RecordedCall(acme/acme-large-2, None, cost=None)"


def test_between_the_parts_of_a_stream_the_program_is_outside_of_the_call(telling):
    program = telling()

    def answer():
        with costspan.record_call("acme", "acme-large") as call:
            for part in "ab":
                call.chunk()
                yield part

    for _ in answer():
        program.ask()
    assert [each.name for each in program.spans] == ["chat gpt-4o-mini", "chat gpt-4o-mini", "chat acme-large"]


def test_after_a_stream_read_inside_another_block_the_program_is_outside_again(telling):
    """Else whatever it asks from then on would be a part of that call, and told by none."""
    program = telling()
    with costspan.record_call("acme", "acme-large") as call, costspan.attribution(team="search"):
        call.chunk()
    assert otel.get_current() == {}
    program.ask()
    assert [each.name for each in program.spans] == ["chat acme-large", "chat gpt-4o-mini"]


def test_a_call_that_ends_elsewhere_leaves_what_is_current_there_alone(telling):
    program = telling()

    def answer():
        with costspan.record_call("acme", "acme-large"):
            yield

    running = answer()
    with costspan.attribution(user="alice"):
        next(running)
    running.close()
    program.ask()
    assert "user.id" not in program.span("chat gpt-4o-mini").attributes


@pytest.mark.parametrize(
    "said", [{"usage": {"input": 5}}, {"usage": 5}, {"cost": -1}, {"cost": "much"}, {"cost": True}, {"cost": 1e30}]
)
def test_what_is_no_usage_or_amount_is_noted_and_the_call_is_still_told(telling, caplog, said):
    program = telling()
    costspan.record_call("acme", "acme-large", **said)
    assert program.spans[0].attributes["costspan.price.status"] == "unpriced"
    assert costspan.current_cost() == (0, 0, 1, 1)
    assert next(iter(said)) in caplog.text
    FAILURES.clear()

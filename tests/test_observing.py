"""Observed steps: a span each, that shows what the calls below cost."""

import asyncio
import threading

import openai
import pytest
from opentelemetry import context as otel
from opentelemetry.trace import SpanKind, StatusCode
from telling import QUESTION

import costspan

CALL = 8.85e-06  # USD of one `ask()`


def rollup(span):
    return {
        name.removeprefix("costspan.rollup."): value
        for name, value in span.attributes.items()
        if name.startswith("costspan.rollup.")
    }


@pytest.mark.parametrize(
    ("kind", "operation", "named"),
    [
        ("workflow", "invoke_workflow", "gen_ai.workflow.name"),
        ("agent", "invoke_agent", "gen_ai.agent.name"),
        ("tool", "execute_tool", "gen_ai.tool.name"),
        ("task", "task", "costspan.task.name"),
    ],
)
def test_a_step_is_an_internal_span_as_the_conventions_name_it(telling, kind, operation, named):
    program = telling()
    with costspan.observe(kind=kind, name="plan"):
        pass
    [span] = program.spans
    assert span.name == f"{operation} plan"
    assert span.kind is SpanKind.INTERNAL
    assert span.attributes["gen_ai.operation.name"] == operation
    assert span.attributes[named] == "plan"


def test_an_unknown_kind_is_an_error_where_it_is_written():
    with pytest.raises(ValueError, match="kind must be workflow, agent, tool, task, not 'agnet'"):
        costspan.observe(kind="agnet")


def test_a_step_shows_what_all_calls_below_cost(telling):
    program = telling()
    with costspan.observe(name="outer"):
        program.ask()
        with costspan.observe(kind="tool", name="inner"):
            program.ask()
            program.ask()
    assert rollup(program.span("execute_tool inner")) == {"calls": 2, "tokens": 58, "cost": 2 * CALL}
    assert rollup(program.span("invoke_workflow outer")) == {"calls": 3, "tokens": 87, "cost": pytest.approx(3 * CALL)}


def test_calls_and_steps_below_are_children_of_the_step(telling):
    program = telling()
    with costspan.observe(name="outer"):
        program.ask()
    call, outer = program.spans
    assert call.parent.span_id == outer.context.span_id


def test_a_step_without_calls_says_that_it_cost_nothing(telling):
    program = telling()
    with costspan.observe(name="idle"):
        pass
    assert rollup(program.spans[0]) == {"calls": 0, "tokens": 0, "cost": 0.0}


def test_calls_with_no_known_price_are_told_and_are_not_zero(telling):
    program = telling()
    with costspan.observe(name="unknown"):
        program.ask(model="no-such-model")
    assert rollup(program.span("invoke_workflow unknown")) == {"calls": 1, "tokens": 29, "unpriced": 1}
    with costspan.observe(name="mixed"):
        program.ask(model="no-such-model")
        program.ask()
    assert rollup(program.span("invoke_workflow mixed")) == {"calls": 2, "tokens": 58, "unpriced": 1, "cost": CALL}


def test_a_decorated_function_gives_the_step_its_name(telling):
    program = telling()

    @costspan.observe
    def answer():
        return program.ask()

    @costspan.observe(kind="agent")
    async def researcher():
        return answer()

    asyncio.run(researcher())
    assert [each.name for each in program.spans] == [
        "chat gpt-4o-mini",
        "invoke_workflow answer",
        "invoke_agent researcher",
    ]
    assert rollup(program.spans[-1])["calls"] == 1


@pytest.mark.parametrize("kind", ["generator", "async generator"])
def test_a_generator_is_one_step_and_what_its_reader_does_between_is_not_below(telling, kind):
    program = telling()

    @costspan.observe(name="pages")
    def pages():
        for _ in range(2):
            program.ask()
            yield

    @costspan.observe(name="pages")
    async def pages_later():
        for _ in range(2):
            program.ask()
            yield

    async def read():
        async for _ in pages_later():
            program.ask()

    if kind == "generator":
        for _ in pages():
            program.ask()
    else:
        asyncio.run(read())
    span = program.span("invoke_workflow pages")
    assert rollup(span)["calls"] == 2
    assert sum(each.parent is not None for each in program.spans) == 2


@pytest.mark.parametrize(("capture", "events"), [("NO_CONTENT", []), ("SPAN_ONLY", ["exception"])])
def test_an_error_is_recorded_and_reaches_the_program(telling, monkeypatch, capture, events):
    """Its message only where content is captured: it may quote what was asked."""
    monkeypatch.setenv("OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT", capture)
    program = telling()
    with pytest.raises(KeyError), costspan.observe(name="broken"):
        raise KeyError("x")
    [span] = program.spans
    assert span.status.status_code is StatusCode.ERROR
    assert span.attributes["error.type"] == "KeyError"
    assert [event.name for event in span.events] == events


async def test_the_sum_is_right_across_a_group_of_tasks(telling):
    program = telling()
    async with openai.AsyncOpenAI(**program.where) as client:
        async with costspan.observe(name="batch") as step:
            await asyncio.gather(
                *(client.chat.completions.create(model="gpt-4o-mini", messages=QUESTION) for _ in range(8))
            )
        assert step.spent.calls == 8
    assert rollup(program.span("invoke_workflow batch")) == {"calls": 8, "tokens": 232, "cost": pytest.approx(8 * CALL)}


def test_the_sum_is_right_across_threads_that_are_given_the_context(telling):
    program = telling()

    def work(context):
        otel.attach(context)
        program.ask()

    with costspan.observe(name="batch"):
        threads = [threading.Thread(target=work, args=(otel.get_current(),)) for _ in range(8)]
        for each in threads:
            each.start()
        for each in threads:
            each.join()
    assert rollup(program.span("invoke_workflow batch"))["calls"] == 8


def test_a_call_that_ends_after_the_step_is_told_by_an_event_of_the_steps_span(telling):
    program = telling()
    with costspan.observe(name="outer"):
        with costspan.observe(name="early"):
            stream = program.ask(stream=True)
        list(stream)
    assert rollup(program.span("invoke_workflow early"))["calls"] == 0
    assert rollup(program.span("invoke_workflow outer"))["calls"] == 1
    assert program.events == [
        (
            "costspan.rollup.late",
            {"costspan.rollup.calls": 1, "costspan.rollup.tokens": 29, "costspan.rollup.cost": CALL},
        )
    ]


def test_who_pays_below_is_on_the_step_as_far_as_all_below_agree(telling):
    program = telling()
    with costspan.observe(name="one"), costspan.attribution(user="alice", team="search"):
        pass
    with costspan.observe(name="two"):
        for user in ("alice", "bob"):
            with costspan.attribution(user=user, team="search"):
                pass
    assert program.span("invoke_workflow one").attributes["user.id"] == "alice"
    two = program.span("invoke_workflow two").attributes
    assert two["costspan.team"] == "search"
    assert "user.id" not in two


def test_a_step_while_costspan_is_off_only_runs():
    @costspan.observe
    def double(number):
        return 2 * number

    assert double(2) == 4
    with costspan.observe(name="off") as step:
        assert step.spent.calls == 0

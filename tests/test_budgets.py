"""Budgets: checked before every call, never in the way of a program that set none."""

import asyncio
import copy
import gc
import logging
import math
from decimal import Decimal

import openai
import pytest
from fake_providers import openai as wire
from opentelemetry.trace import SpanKind
from telling import QUESTION

import costspan
from costspan import BudgetExceededError
from costspan.budgets import Limit
from costspan.guard import FAILURES

CALL = Decimal("0.00000885")


def calls(program):
    return sum(each.name.startswith("chat") for each in program.spans)


def test_the_call_after_the_limit_is_refused_and_never_sent(telling, fake_openai):
    program = telling()
    with costspan.budget(usd=2 * CALL, name="agent") as left:
        program.ask()
        assert left.remaining == CALL
        program.ask()
        with pytest.raises(BudgetExceededError) as refused:
            program.ask(model="gpt-4o")
    assert len(fake_openai.requests) == 2
    error = refused.value
    assert (error.scope, error.limit, error.spent, error.unit) == ("agent", 2 * CALL, 2 * CALL, "USD")
    assert error.call == "chat gpt-4o"
    assert str(error) == "budget 'agent' is spent: $0.000018 of $0.000018; refused: chat gpt-4o"


@pytest.mark.parametrize("model", ["gpt-4o-mini", "no-such-model"])
def test_the_call_that_crosses_the_limit_is_still_made(telling, model):
    program = telling()
    with costspan.budget(tokens=30) as left:
        program.ask(model)
        program.ask(model)
        assert left.remaining == -28
        with pytest.raises(BudgetExceededError, match="58 tokens of 30 tokens"):
            program.ask(model)


def test_outside_its_block_a_budget_holds_no_more(telling):
    program = telling()
    with costspan.budget(tokens=1):
        program.ask()
    program.ask()
    assert calls(program) == 2


def test_a_call_counts_in_a_span_of_a_request_and_in_the_budgets_around_and_inside_of_it(telling):
    program = telling()
    request = program.tracer.start_as_current_span("request", kind=SpanKind.SERVER)
    with costspan.budget(usd=1) as around, request:
        with costspan.budget(usd=1) as inside:
            program.ask()
        program.ask()
    assert (around.spent.calls, inside.spent.calls) == (2, 1)
    assert program.span("request").attributes["costspan.rollup.calls"] == 2


def test_of_nested_budgets_each_holds(telling):
    program = telling()
    with costspan.budget(tokens=50, name="outer") as outer:
        with costspan.budget(tokens=1000, name="inner"):
            program.ask()
            program.ask()
            with pytest.raises(BudgetExceededError, match="outer"):
                program.ask()
        assert outer.spent.calls == 2


def test_a_budget_that_only_warns_lets_no_call_pass_that_one_around_it_refuses(telling):
    program = telling()
    with costspan.budget(tokens=1, name="around"), costspan.budget(tokens=1, on_exceed="warn"):
        program.ask()
        with pytest.raises(BudgetExceededError, match="'around'"):
            program.ask()


def test_a_budget_of_nothing_refuses_the_first_call(telling):
    program = telling()
    with costspan.budget(usd=0), pytest.raises(BudgetExceededError):
        program.ask()
    assert program.spans == ()


@pytest.mark.parametrize("amount", [-1, math.nan, math.inf, "much", True, None])
def test_an_amount_that_is_none_is_an_error_where_it_is_written(amount):
    with pytest.raises(ValueError, match="budget"):
        costspan.budget(usd=amount)


def test_a_budget_is_of_money_or_of_tokens():
    with pytest.raises(ValueError, match="either usd=… or tokens=…"):
        costspan.budget(usd=1, tokens=1)


def test_an_unknown_reaction_is_an_error_where_it_is_written():
    with pytest.raises(ValueError, match="on_exceed must be raise or warn or a plain function, not 'stop'"):
        costspan.budget(usd=1, on_exceed="stop")


def test_a_coroutine_function_is_an_error_too_for_nobody_would_await_it():
    async def ask_somebody(_exceeded): ...

    with pytest.raises(ValueError, match="a plain function, not <function"):
        costspan.budget(usd=1, on_exceed=ask_somebody)


def test_a_warning_is_given_once_and_nothing_is_refused(telling, caplog):
    program = telling()
    with caplog.at_level(logging.WARNING, "costspan"), costspan.budget(tokens=29, on_exceed="warn", name="chat"):
        for _ in range(3):
            program.ask()
    assert calls(program) == 3
    assert [each.getMessage() for each in caplog.records] == ["budget 'chat' has reached 100%: 29 of 29 tokens"]


@pytest.mark.parametrize("strict", [False, True])
def test_a_function_decides_by_raising_what_it_is_given(telling, strict):
    program, told = telling(), []

    def decide(error):
        told.append(error.spent)
        if len(told) > 1:
            raise error

    with costspan.budget(tokens=1, on_exceed=decide, strict=strict):
        program.ask()
        program.ask()
        with pytest.raises(BudgetExceededError):
            program.ask()
    assert told == [29, 58]


@pytest.mark.parametrize(("strict", "made"), [(False, 2), (True, 1)])
def test_a_function_that_fails_blocks_only_a_strict_budget(telling, caplog, strict, made):
    program = telling()
    FAILURES.clear()

    def broken(_error):
        raise KeyError("x")

    with costspan.budget(tokens=1, on_exceed=broken, strict=strict):
        program.ask()
        try:
            program.ask()
        except BudgetExceededError:
            assert strict
    assert calls(program) == made
    assert "could not ask on_exceed" in caplog.text
    FAILURES.clear()


def test_a_call_without_a_known_price_counts_nothing_unless_strict(telling):
    program = telling()
    with costspan.budget(usd=1):
        program.ask(model="no-such-model")
        program.ask(model="no-such-model")
    with costspan.budget(usd=1, strict=True):
        program.ask(model="no-such-model")
        with pytest.raises(BudgetExceededError):
            program.ask()
    assert [attributes["costspan.budget.state"] for _, attributes in program.events] == ["refused"]


def test_tokens_are_known_where_a_price_is_not_so_a_strict_budget_of_tokens_goes_on(telling):
    program = telling()
    with costspan.budget(tokens=10**6, strict=True):
        program.ask(model="no-such-model")
        program.ask(model="no-such-model")

    assert calls(program) == 2


async def test_async_calls_are_refused_when_they_are_awaited(telling):
    program = telling()
    async with openai.AsyncOpenAI(**program.where) as client, costspan.budget(tokens=1):
        await client.chat.completions.create(model="gpt-4o-mini", messages=QUESTION)
        with pytest.raises(BudgetExceededError):
            await client.chat.completions.create(model="gpt-4o-mini", messages=QUESTION)


def test_every_call_of_a_decorated_function_has_the_whole_budget(telling):
    program = telling()

    @costspan.budget(tokens=29)
    def answer(times):
        for _ in range(times):
            program.ask()

    answer(1)
    answer(1)
    with pytest.raises(BudgetExceededError):
        answer(2)


def test_what_tells_no_money_is_not_refused(telling):
    program = telling()
    with costspan.budget(usd=0):
        program.client.moderations.create(input="x")


def test_a_refusal_is_an_event_and_is_counted(telling):
    program = telling()
    with costspan.attribution(team="search", user="alice"), costspan.budget(usd=0, name="agent"):
        for _ in range(2):
            with pytest.raises(BudgetExceededError):
                program.ask()
    refused = [attributes for name, attributes in program.events if attributes["costspan.budget.state"] == "refused"]
    assert refused[0] == {
        "user.id": "alice",
        "costspan.team": "search",
        "gen_ai.operation.name": "chat",
        "gen_ai.request.model": "gpt-4o-mini",
        "costspan.budget.name": "agent",
        "costspan.budget.state": "refused",
    }
    [(attributes, point)] = program.points("costspan.budget.refusals")
    assert attributes == {"costspan.budget.name": "agent", "costspan.team": "search"}
    assert point.value == 2


def test_reaching_the_limit_is_an_event(telling):
    program = telling()
    with costspan.budget(tokens=29, name="agent"):
        program.ask()
    [(name, attributes)] = program.events
    assert name == "costspan.budget"
    assert attributes["costspan.budget.state"] == "reached"
    assert attributes["costspan.budget.spent"] == 29


def long_answer(fake_openai, chunks=400):
    fake_openai.play(wire.chat(choices=wire.choices(wire.MESSAGE | {"content": "word " * chunks})))


@pytest.mark.parametrize("limit", [{"tokens": 60}, {"usd": 3 * CALL}])
def test_a_running_stream_is_stopped_where_that_was_asked_for(telling, fake_openai, limit):
    program = telling()
    long_answer(fake_openai)
    got = []
    with costspan.budget(**limit, streams=True), pytest.raises(BudgetExceededError):
        got.extend(program.ask(stream=True))
    whole = len(got)
    [span] = program.spans
    assert span.attributes["error.type"] == "BudgetExceededError"
    assert span.attributes["costspan.usage.partial"] is True
    long_answer(fake_openai)
    with costspan.budget(**limit), costspan.budget(usd=1, streams=True):
        assert len(list(program.ask(stream=True))) > whole
    long_answer(fake_openai)
    with costspan.budget(**limit, streams=True), costspan.budget(usd=1), pytest.raises(BudgetExceededError):
        list(program.ask(stream=True))


def test_after_a_stream_was_stopped_the_next_call_is_refused(telling, fake_openai):
    """What the stream has spent is not counted later, beside the program."""
    program = telling()
    long_answer(fake_openai)
    with costspan.budget(tokens=60) as outer, costspan.budget(tokens=60, streams=True) as left:
        with pytest.raises(BudgetExceededError):
            list(program.ask(stream=True))
        with pytest.raises(BudgetExceededError):
            program.ask()
    assert left.spent == outer.spent
    assert left.spent.calls == len(fake_openai.requests) == 1


async def test_a_running_async_stream_is_stopped_too(telling, fake_openai):
    program = telling()
    long_answer(fake_openai)
    async with openai.AsyncOpenAI(**program.where) as client:
        with costspan.budget(tokens=60, streams=True):
            stream = await client.chat.completions.create(model="gpt-4o-mini", messages=QUESTION, stream=True)
            with pytest.raises(BudgetExceededError):
                async for _ in stream:
                    pass
    assert program.spans[0].attributes["error.type"] == "BudgetExceededError"


@pytest.mark.parametrize("model", ["gpt-4o-mini", "no-such-model"])
def test_a_stream_within_its_budget_runs_to_its_end(telling, model):
    program = telling()
    with costspan.budget(usd=1, streams=True) as left:
        assert len(list(program.ask(model, stream=True))) > 1
    assert left.spent.tokens == 29
    assert not FAILURES.counts


def test_the_error_survives_a_trip_to_another_process():
    error = BudgetExceededError(Limit("agent", tokens=5), 7, "chat m")
    rebuilt = copy.copy(error)  # by the same way as pickle
    assert (rebuilt.scope, rebuilt.limit, rebuilt.spent, rebuilt.unit, rebuilt.call) == (
        "agent",
        5,
        7,
        "tokens",
        "chat m",
    )
    money = copy.copy(BudgetExceededError(Limit("a", usd="0.5"), Decimal(1), "chat m"))
    assert (money.unit, str(money)) == ("USD", "budget 'a' is spent: $1.000000 of $0.500000; refused: chat m")


def test_tasks_share_the_budget_that_they_inherit(telling):
    program = telling()

    async def worker(client):
        done = 0
        while done < 10:
            try:
                await client.chat.completions.create(model="gpt-4o-mini", messages=QUESTION)
            except BudgetExceededError:
                return done
            done += 1
        return done

    async def run():
        async with openai.AsyncOpenAI(**program.where) as client:
            with costspan.budget(tokens=29 * 6) as left:
                return sum(await asyncio.gather(*(worker(client) for _ in range(3)))), left.spent.calls

    made, counted = asyncio.run(run())
    assert made == counted
    assert 6 <= made <= 8  # those that had begun when the limit was reached are made


def test_a_budget_says_its_name_its_limit_and_what_was_spent(telling):
    program = telling()
    assert repr(costspan.budget(tokens=100)) == "budget('budget', 100 tokens)"
    with costspan.budget(usd=1, name="agent") as left:
        program.ask()
    assert repr(left) == "BudgetRun('agent', $1.000000, spent $0.000009)"
    assert repr(costspan.budget(tokens=100).open()) == "BudgetRun('budget', 100 tokens, spent 0 tokens)"


def test_a_function_may_make_calls_of_its_own(telling, fake_openai):
    """It is not asked about them again, or they would be made without end."""
    program = telling()
    with costspan.budget(usd=0, on_exceed=lambda _error: program.ask()):
        program.ask()
    assert len(fake_openai.requests) == 2
    assert len(program.spans) == 2


def test_a_call_that_ctrl_c_kept_from_being_made_is_not_told(telling, fake_openai):
    def stop(_error):
        raise KeyboardInterrupt

    program = telling()
    with costspan.budget(usd=0, on_exceed=stop) as left, pytest.raises(KeyboardInterrupt):
        program.ask()
    gc.collect()
    assert program.spans == ()
    assert left.spent.calls == costspan.current_cost().calls == len(fake_openai.requests) == 0
    assert not FAILURES.counts

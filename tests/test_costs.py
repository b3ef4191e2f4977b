"""What was spent: here, by the last call, by this very response."""

import asyncio
import gc
from decimal import Decimal

import openai
import pytest
from opentelemetry.sdk.trace.sampling import ALWAYS_OFF
from opentelemetry.trace import SpanKind
from telling import QUESTION

import costspan
from costspan.bill import Bill, Bills
from costspan.guard import FAILURES
from costspan.instrumentors import PLUGIN

CALL = Decimal("0.00000885")


def test_the_current_cost_is_that_of_the_innermost_scope(telling):
    program = telling()
    program.ask()
    assert costspan.current_cost().calls == 1
    with costspan.observe(name="outer"):
        program.ask()
        with costspan.attribution(user="alice"):
            program.ask()
            assert costspan.current_cost().cost == CALL
        assert costspan.current_cost().cost == 2 * CALL
        assert float(costspan.current_cost()) == float(2 * CALL)
    assert costspan.current_cost() == (3 * 8_850_000_000, 87, 3, 0)
    assert repr(costspan.current_cost()) == "Spend(cost=0.00002655, tokens=87, calls=3, unpriced=0)"


def test_a_response_has_its_own_bill(telling):
    program = telling()
    cheap, dear = program.ask(), program.ask(model="gpt-4o")
    assert costspan.cost_of(cheap).cost == CALL
    assert costspan.cost_of(dear).cost == Decimal("0.0001475")
    assert costspan.cost_of(dear).usage == costspan.Usage(input=19, output=10)
    assert costspan.cost_of(dear).model == "gpt-4o-2024-08-06"
    assert float(costspan.cost_of(cheap)) == float(CALL)


def test_a_stream_has_its_bill_when_it_has_ended(telling):
    program = telling()
    stream = program.ask(stream=True)
    assert costspan.cost_of(stream).cost is None
    assert str(float(costspan.cost_of(stream))) == "nan"
    assert repr(costspan.cost_of(stream)) == "Bill(/, None, cost=None)"
    list(stream)
    assert costspan.cost_of(stream).cost == CALL


def test_a_helper_stream_has_the_bill_of_the_stream_in_it(telling):
    program = telling()
    with program.client.chat.completions.stream(model="gpt-4o-mini", messages=QUESTION) as stream:
        stream.until_done()
    assert costspan.cost_of(stream).cost == CALL


def test_a_raw_response_and_what_it_holds_have_one_bill(telling):
    program = telling()
    raw = program.client.chat.completions.with_raw_response.create(model="gpt-4o-mini", messages=QUESTION)
    parsed = raw.parse()
    assert costspan.cost_of(raw).cost == CALL
    assert costspan.cost_of(parsed) is costspan.cost_of(raw)


def test_what_tells_the_id_of_a_response_has_its_bill(telling):
    """Copies, and what a stream's helper puts together."""
    program = telling()
    with program.client.chat.completions.stream(model="gpt-4o-mini", messages=QUESTION) as stream:
        final = stream.get_final_completion()
    assert costspan.cost_of(final) is costspan.cost_of(stream)
    answer = program.ask()
    assert costspan.cost_of(answer.model_copy()) is costspan.cost_of(answer.model_dump()) is costspan.cost_of(answer)
    assert costspan.cost_of({"id": "another"}) is None


def test_a_chunk_or_copy_has_its_bill_also_when_the_stream_or_response_is_gone(telling):
    program = telling()
    *_, last = program.ask(stream=True)
    copy = program.ask().model_dump()
    program.ask()

    assert costspan.cost_of(last).cost == CALL
    assert costspan.cost_of(copy).cost == CALL


def test_only_so_many_ids_are_remembered_and_the_oldest_is_forgotten(telling, monkeypatch):
    monkeypatch.setattr("costspan.telemetry.spending._MOST_IDS", 1)
    telling()
    for number in range(2):
        with costspan.record_call("acme", "acme-large") as call:
            call.id, call.cost = f"response-of-acme-{number}", 1
    assert costspan.cost_of({"id": "response-of-acme-0"}) is None
    assert costspan.cost_of({"id": "response-of-acme-1"}) is call.bill


async def test_each_task_has_its_own_last_call(telling):
    program = telling()

    async def ask(client, model):
        await client.chat.completions.create(model=model, messages=QUESTION)
        await asyncio.sleep(0.01)
        return costspan.last_call().model

    async with openai.AsyncOpenAI(**program.where) as client:
        models = await asyncio.gather(ask(client, "gpt-4o"), ask(client, "gpt-4o-mini"))
    assert models == ["gpt-4o-2024-08-06", "gpt-4o-mini-2024-07-18"]
    assert costspan.last_call() is None


def test_there_is_no_bill_for_what_no_call_gave(telling):
    telling()
    assert [costspan.cost_of(each) for each in ("text", None, {}, {"a": 1}, object())] == [None] * 5


class Odd:
    """As a record of an ORM that is detached from its session, and as an object that holds itself."""

    def __init__(self):
        self._stream = self

    @property
    def id(self):
        raise LookupError("detached")


class Detached:
    __slots__ = ()
    id = Odd.id


@pytest.mark.parametrize("held", [Odd(), Detached()])
def test_what_raises_when_it_is_looked_at_has_no_bill(telling, held):
    telling()
    assert costspan.cost_of(held) is None
    FAILURES.clear()


def test_while_costspan_is_off_nothing_was_spent():
    assert costspan.current_cost() == (0, 0, 0, 0)
    assert costspan.cost_of(object()) is None
    assert costspan.last_call() is None
    assert FAILURES.counts == {}


class Response:
    """Unhashable, as pydantic's models are."""

    __hash__ = None


def test_a_response_is_not_kept_alive_by_its_bill():
    bills, response = Bills(), Response()
    bills.add(response, Bill())
    assert bills.find(response) is not None
    del response
    gc.collect()
    assert len(bills._weak) == 0


def test_a_dict_is_known_again_and_another_at_its_place_is_not():
    bills, response = Bills(), {"body": object()}
    bills.add(response, bill := Bill())
    assert bills.find(response) is bill
    response["body"] = object()
    assert bills.find(response) is None


def test_only_so_many_dicts_are_remembered():
    bills = Bills()
    kept = [{"n": object()} for _ in range(1100)]
    for each in kept:
        bills.add(each, Bill())
    assert bills.find(kept[0]) is None
    assert bills.find(kept[-1]) is not None


@pytest.mark.parametrize("text", ["text", b"bytes", None, 7])
def test_what_cannot_be_referred_to_is_only_the_last_call(text):
    bills, bill = Bills(), Bill()
    bills.add(text, bill)
    assert bills.find(text) is None
    assert bills.last is bill


def test_a_bill_tells_itself():
    assert repr(Bill()) == "Bill(/, None, cost=None)"


def test_in_a_request_that_is_not_sampled_the_current_cost_is_that_of_its_trace(telling, monkeypatch):
    monkeypatch.setattr("costspan.telemetry.spending._MOST_TRACES", 2)
    program, spent = telling(sampler=ALWAYS_OFF), []
    program.ask()
    for calls in (0, 1, 2):
        with program.tracer.start_as_current_span("GET /", kind=SpanKind.SERVER):
            for _ in range(calls):
                with costspan.attribution(user="alice"), program.tracer.start_as_current_span("step"):
                    program.ask()
            spent.append(costspan.current_cost().calls)
    assert spent == [0, 1, 2]
    assert costspan.current_cost().calls == 4
    assert len(PLUGIN.recorder.spending._unsampled) == 2

"""Money is rounded to whole pico-dollars once, half to even, and its parts sum to it."""

from decimal import Decimal

import pytest
from ledger.ledger_served import Ledger
from ledger.ledger_spans import call, traces

from costspan.ledger.money import pico_of_femto, pico_of_usd, spread
from costspan.ledger.record import Dims, Measures, StoredCall


@pytest.mark.parametrize(("femto", "pico"), [(1499, 1), (1500, 2), (2500, 2), (2501, 3), (10**15, 10**12)])
def test_femto_dollars_round_half_to_even(femto, pico):
    assert pico_of_femto(femto) == pico


@pytest.mark.parametrize(
    ("usd", "pico"),
    [
        *((3e-06, 3_000_000), (0.1, 10**11), (5e-13, 0), (1.5e-12, 2), ("2.5e-12", 2), (7.25, 7_250_000_000_000)),
        *((5.85e-11, 58), (76095.7225663677, 76_095_722_566_367_700)),  # times 1e12 neither is
    ],
)
def test_dollars_become_pico_dollars_by_their_text(usd, pico):
    assert pico_of_usd(usd) == pico


def test_parts_that_miss_their_sum_by_rounding_meet_it_and_others_stay():
    assert spread(10, {"a": 3, "b": 6}) == {"a": 3, "b": 7}
    assert spread(3, {"a": 2}) == {"a": 3}
    assert spread(100, {"a": 3}) == {"a": 3}
    assert spread(5, {}) == {}


def test_reasoning_costs_as_output_and_every_cache_write_as_one():
    written = {"cache_write_5m": 2, "cache_write_1h": 3}
    counts = {"input": 1, "input_image": 1, "cache_read": 4, "output": 5, "reasoning": 7, **written, "images": 1}
    parts = {"input": 8, "cache_read": 1, "output": 10, "reasoning": 14, "cache_write_1h": 6}

    whole = StoredCall(b"", b"", 0, 9, Dims(), counts, 100, parts, list_cost=120).measures()
    unknown = StoredCall(b"", b"", 0, 9, Dims(), {"output": 5}, None).measures()

    assert whole == Measures(1, 2, 4, 5, 5, 7, 100, 8, 1, 6, 24, discount=20, duration_ms=9)
    assert unknown == Measures(1, output=5, duration_ms=9)


def test_a_part_of_a_bucket_that_has_no_column_is_in_its_familys():
    measures = StoredCall(b"", b"", 0, 0, Dims(), {"input": 1}, 5, {"input_audio": 3}).measures()

    assert (measures.cost, measures.cost_input) == (5, 3)


def test_a_call_whose_tokens_would_cost_an_absurd_sum_has_no_price_and_says_why(tmp_path):
    ledger = Ledger(tmp_path / "ledger.db")
    said = {"gen_ai__usage__input_tokens": 10**12, "gen_ai__usage__cost__amount": None, "costspan__price__status": None}
    ledger.send(traces(call(**said)))
    ledger.close()

    total = ledger.report().total

    assert (total.calls, total.unpriced_calls, total.cost) == (1, 1, 0)
    assert "absurd" in ledger.sql("SELECT extra FROM calls")[0][0]


@pytest.mark.parametrize(
    ("told", "status", "cost"),
    [({}, "priced", Decimal("0.0045")), ({"input": None, "output": None}, "free", 0)],
    ids=["after it has used tokens", "before it has used any"],
)
def test_a_call_that_failed_costs_what_it_has_used(tmp_path, told, status, cost):
    ledger = Ledger(tmp_path / "ledger.db")
    said = {f"gen_ai__usage__{side}_tokens": None for side in told}
    unpriced = {"gen_ai__usage__cost__amount": None, "costspan__price__status": None, "costspan__usage__source": None}
    ledger.send(traces(call(error__type="Timeout", **unpriced, **said)))
    ledger.close()

    [row] = ledger.report("status")

    assert (row.status, row.cost) == (status, cost)

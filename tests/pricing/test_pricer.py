"""Calls are priced by the card of the model that answered."""

from datetime import datetime, timedelta, timezone
from decimal import Decimal, localcontext

import pytest

from costspan.adapters._usage import of_ticks
from costspan.budgets import Limit
from costspan.ledger.money import usd_of_pico
from costspan.pricing import Pricer, PriceStatus
from costspan.pricing import pricer as module
from costspan.pricing.price import FEMTO
from costspan.usage import ModelUsage, Terms, Usage


@pytest.fixture(scope="module")
def pricer():
    return Pricer()


def test_the_breakdown_sums_to_the_exact_total(pricer):
    usage = Usage(input=2_000, cache_read=8_000, output=400, reasoning=600)

    price = pricer.price(usage, provider="openai", model="gpt-5")

    assert price.total == Decimal("0.0135")
    assert sum(price.breakdown.values()) == price.total_femto
    assert price.status is PriceStatus.PRICED


@pytest.mark.parametrize(
    ("provider", "name", "asked", "whose"),
    [
        ("openai", "gpt-mine", "gpt-4o-my-own", "'gpt-mine' of openai"),
        ("openai", "", "gpt-mine", "'gpt-mine' of openai"),
        ("", "", "", "a model without a name of an unknown provider"),
    ],
)
def test_an_unknown_model_is_unpriced_and_says_the_way_out(pricer, provider, name, asked, whose):
    price = pricer.price(Usage(input=1), provider=provider, model=name, request_model=asked)

    assert (price.status, price.total_femto) == (PriceStatus.UNPRICED, None)
    assert price.reason == f"no price for {whose}; register_model or COSTSPAN_PRICES can give one"


def test_the_model_that_was_asked_for_prices_a_call_whose_answer_names_an_unknown_one(pricer):
    price = pricer.price(Usage(input=1_000_000), provider="openai", model="chat-42", request_model="gpt-4o")

    assert price.total == Decimal("2.5")


def test_what_the_provider_says_it_charged_wins(pricer):
    price = pricer.price(Usage(input=10**6), provider="openai", model="gpt-4o", stated_cost=Decimal("0.0042"))

    assert (price.total, price.stated, price.breakdown) == (Decimal("0.0042"), True, {"stated": 4_200_000_000_000})


def test_no_price_is_rounded_to_the_precision_that_the_program_has_set_for_its_own_decimals(tmp_path):
    (tmp_path / "prices.json").write_text('{"models": [{"provider": "acme", "model": "m", "input": 1.2345678}]}')
    with localcontext() as programs_own:
        programs_own.prec = 3
        priced = Pricer(str(tmp_path / "prices.json")).price(Usage(input=1_000), provider="acme", model="m")
        stated = Pricer().price(Usage(), provider="acme", model="m", stated_cost=Decimal("0.1234567"))

        assert (str(priced.total), str(stated.total)) == ("0.0012345678", "0.1234567")
        assert Limit("", usd="1.2345678").most == 1_234_567_800_000_000
        assert str(usd_of_pico(1_234_567_800_000)) == "1.234567800000"
        assert str(of_ticks(12_345_678)) == "0.0012345678"


def test_parts_of_a_call_are_billed_at_their_own_models(pricer):
    advisor = ModelUsage("claude-opus-4-8", Usage(input=2_500, output=20))

    price = pricer.price(Usage(input=220, output=8), provider="anthropic", model="claude-sonnet-4-6", parts=(advisor,))

    assert price.total == Decimal("0.00078") + Decimal("0.013")
    assert price.breakdown == {"input": 660_000_000_000 + 12_500_000_000_000, "output": 620_000_000_000}
    assert price.status is PriceStatus.PRICED


SEARCHED = Usage(input=1_000, web_fetches=1)


@pytest.mark.parametrize(
    ("usage", "name", "used", "total", "missing"),
    [
        (Usage(input=1_000), "unheard-of", SEARCHED, "0.003", "unheard-of"),
        (Usage(input=1_000), "", SEARCHED, "0.006", "web_fetches"),
        (SEARCHED, "free", SEARCHED, "0.003", "web_fetches"),
    ],
)
def test_what_has_no_price_in_a_part_or_beside_it_makes_the_price_partial(
    pricer_with, usage, name, used, total, missing
):
    models = [{"provider": "acme", "model": "m", "input": 3}, {"provider": "acme", "model": "free", "free": True}]

    price = pricer_with(models=models).price(usage, provider="acme", model="m", parts=(ModelUsage(name, used),))

    assert (price.status, price.total, price.missing) == (PriceStatus.PARTIAL, Decimal(total), (missing,))
    assert missing in price.reason


@pytest.mark.parametrize(
    ("model", "of_part", "status"),
    [("m", "free", PriceStatus.PRICED), ("free", "m", PriceStatus.PRICED), ("free", "free", PriceStatus.FREE)],
)
def test_what_is_free_beside_what_is_paid_is_priced(pricer_with, model, of_part, status):
    models = [{"model": "m", "input": 3, "output": 5}, {"model": "free", "free": True}]
    part = ModelUsage(of_part, Usage(input=5))

    price = pricer_with(models=models).price(Usage(output=1), provider="acme", model=model, parts=(part,))

    assert price.status is status
    assert price.total_femto == sum(price.breakdown.values())


@pytest.mark.parametrize(
    ("model", "of_part", "listed"), [("m", "m", 10), ("m", "n", 10), ("n", "m", 10), ("n", "n", None)]
)
def test_a_discount_of_a_call_or_its_parts_is_against_the_list_price_of_all(pricer_with, model, of_part, listed):
    models = [{"provider": "acme", "model": name, "input": 5} for name in ("m", "n")]
    pricer = pricer_with(models=models, discounts=[{"provider": "acme", "model": "m", "percent": 20}])

    price = pricer.price(
        Usage(input=10**6), provider="acme", model=model, parts=(ModelUsage(of_part, Usage(input=10**6)),)
    )

    assert price.total == sum(4 if each == "m" else 5 for each in (model, of_part))
    assert price.list_femto == (None if listed is None else listed * FEMTO)


@pytest.mark.parametrize("answered", ["claude-haiku-4-5-20251001", "anthropic.claude-haiku-4-5-20251001-v1:0"])
@pytest.mark.parametrize("named", [True, False])
def test_a_part_of_the_model_itself_is_priced_by_the_name_that_prices_the_call(pricer, answered, named):
    """At Bedrock the answer's name has no region, or no price."""
    asked = "global.anthropic.claude-haiku-4-5-20251001-v1:0"
    part = ModelUsage(answered if named else "", Usage(input=1_000))
    call = {"provider": "aws.bedrock", "model": answered, "request_model": asked}

    price = pricer.price(Usage(input=1_000), parts=(part,), **call)

    assert (price.status, price.total) == (PriceStatus.PRICED, Decimal("0.002"))


def test_an_own_server_is_free(pricer):
    assert pricer.price(Usage(input=9), provider="ollama", model="gpt-4o").status is PriceStatus.FREE


def test_the_tier_that_served_sets_the_rates(pricer):
    prices = [
        pricer.price(Usage(input=1_000, output=1_000), provider="openai", model="gpt-5", terms=Terms(tier=tier))
        for tier in ("default", "flex", "priority")
    ]

    assert [price.total for price in prices] == [Decimal("0.01125"), Decimal("0.005625"), Decimal("0.0225")]
    assert {price.status for price in prices} == {PriceStatus.PRICED}


def test_a_price_holds_from_its_first_moment_to_the_next_one_s_whichever_is_asked_first(pricer_with):
    periods = [{"input": 1}, {"since": "2026-03-01", "input": 2}]
    pricer = pricer_with(models=[{"provider": "acme", "model": "m", "periods": periods}])
    first = datetime(2026, 3, 1, tzinfo=timezone.utc)
    asked = (first, first - timedelta(microseconds=1), first)

    prices = [pricer.price(Usage(input=10**6), provider="acme", model="m", at=at).total for at in asked]

    assert prices == [2, 1, 2]


def test_a_time_without_a_zone_is_utc(pricer):
    when = datetime(2026, 10, 1, 2)  # noqa: DTZ001 the point of the test

    aware = when.replace(tzinfo=timezone.utc)
    prices = [
        pricer.price(Usage(input=10**6), provider="deepseek", model="deepseek-v4-pro", at=at).total
        for at in (when, aware, aware.astimezone(timezone(timedelta(hours=3))), when)
    ]

    assert prices == [Decimal("1.32")] * 4


@pytest.mark.parametrize("stated", ["NaN", "Infinity", "-1"])
def test_a_stated_cost_that_is_no_amount_is_not_believed(pricer, stated):
    price = pricer.price(Usage(input=10**6), provider="openai", model="gpt-4o", stated_cost=Decimal(stated))

    assert (price.total, price.stated) == (Decimal("2.5"), False)


def test_a_part_and_a_whole_without_a_price_have_none(pricer):
    part = ModelUsage("claude-unheard-of", Usage(input=1))

    price = pricer.price(Usage(input=1), provider="anthropic", model="claude-of-mine", parts=(part,))

    assert price.total is None


def test_a_part_alone_has_its_price_and_the_whole_is_partial(pricer):
    part = ModelUsage("claude-opus-5", Usage(input=1_000))

    price = pricer.price(Usage(input=1), provider="anthropic", model="claude-of-mine", parts=(part,))

    assert (price.status, price.total) == (PriceStatus.PARTIAL, Decimal("0.005"))


def test_made_up_names_do_not_fill_the_memory(monkeypatch):
    monkeypatch.setattr(module, "_MOST_SLOTS", 3)
    pricer = Pricer()

    for number in range(10):
        pricer.price(Usage(input=1), provider="openai", model=f"made-up-{number}")

    assert 0 < len(pricer._slots) <= 3


def test_loading_ahead_is_the_same_as_loading_at_the_first_price():
    ahead = Pricer()
    ahead.load()

    assert ahead.price(Usage(input=1_000), provider="openai", model="gpt-4o").total == Decimal("0.0025")

"""Calls are priced by the card of the model that answered."""

from decimal import Decimal

import pytest

from costspan.pricing import Pricer, PriceStatus
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


def test_an_unknown_model_is_unpriced_and_says_the_way_out(pricer):
    price = pricer.price(Usage(input=1), provider="openai", model="gpt-of-my-own")

    assert (price.status, price.total_femto) == (PriceStatus.UNPRICED, None)
    assert "register_model" in price.reason


def test_the_model_that_was_asked_for_prices_a_call_whose_answer_names_an_unknown_one(pricer):
    price = pricer.price(Usage(input=1_000_000), provider="openai", model="chat-42", request_model="gpt-4o")

    assert price.total == Decimal("2.5")


def test_what_the_provider_says_it_charged_wins(pricer):
    price = pricer.price(Usage(input=10**6), provider="openai", model="gpt-4o", stated_cost=Decimal("0.0042"))

    assert (price.total, price.stated, price.breakdown) == (Decimal("0.0042"), True, {"stated": 4_200_000_000_000})


def test_parts_of_a_call_are_billed_at_their_own_models(pricer):
    advisor = ModelUsage("claude-opus-4-8", Usage(input=2_500, output=20))

    price = pricer.price(Usage(input=220, output=8), provider="anthropic", model="claude-sonnet-4-6", parts=(advisor,))

    assert price.total == Decimal("0.00078") + Decimal("0.013")


def test_a_part_of_an_unknown_model_makes_the_price_partial(pricer):
    part = ModelUsage("claude-unheard-of", Usage(input=1))

    price = pricer.price(Usage(input=1_000), provider="anthropic", model="claude-sonnet-4-6", parts=(part,))

    assert (price.status, price.missing) == (PriceStatus.PARTIAL, ("claude-unheard-of",))


def test_an_own_server_is_free(pricer):
    assert pricer.price(Usage(input=9), provider="ollama", model="gpt-4o").status is PriceStatus.FREE


def test_the_tier_that_served_sets_the_rates(pricer):
    prices = [
        pricer.price(Usage(input=1_000, output=1_000), provider="openai", model="gpt-5", terms=Terms(tier=tier)).total
        for tier in ("default", "flex", "priority")
    ]

    assert prices == [Decimal("0.01125"), Decimal("0.005625"), Decimal("0.0225")]

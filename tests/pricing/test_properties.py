"""What holds for every model of the list and any usage."""

import random
from datetime import datetime, timezone
from decimal import Decimal, getcontext
from functools import cache

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from costspan.pricing.catalog import Catalog
from costspan.pricing.compile import active_period, compile_card
from costspan.pricing.price import PriceStatus
from costspan.pricing.store import bundled
from costspan.usage import STANDARD, TOKENS, UNITS, Terms, Usage

NOW = datetime(2026, 11, 19, 12, tzinfo=timezone.utc)
TERMS = (STANDARD, Terms(tier="flex"), Terms(tier="priority"), Terms(batch=True), Terms(geo="us"), Terms(speed="fast"))
PLAIN = ("input", "cache_read", "cache_write", "output", "reasoning", "input_audio", "output_audio", "web_searches")


@cache
def models():
    catalog = Catalog(bundled())
    return [model for provider in catalog.snapshot.providers for model in catalog.models(provider)]


@cache
def card(index, terms=STANDARD):
    return compile_card(models()[index % len(models())], terms, NOW)


usages = st.dictionaries(st.sampled_from((*TOKENS, *UNITS)), st.integers(0, 2_000_000), max_size=8).map(
    lambda counts: Usage(**counts)
)
indexes = st.integers(0, 10_000)


def reference(made, usage):
    """The total by Decimal, from the card's rates: another arithmetic than the one under test."""
    getcontext().prec = 60
    rates = made.rates
    for above, higher in made.steps:
        rates = higher if usage.total_input - usage.input_grounding > above * (usage.requests or 1) else rates
    counts = dict(usage.counts) | ({"requests": usage.requests or 1} if "requests" in rates else {})
    total = Decimal(0)
    for bucket, count in counts.items():
        if bucket in rates:
            rate = Decimal(rates[bucket].numerator) / Decimal(rates[bucket].denominator)
            total += (rate * count).to_integral_value()
    return total


def test_every_model_prices_random_usages_exactly():
    dice = random.Random(41)  # noqa: S311 no secret
    for index, model in enumerate(models()):
        if model.marginal or not any(period.rates for period in model.periods):
            continue
        usage = Usage(**{bucket: dice.choice((1, 999, 272_001, 1_000_000)) for bucket in dice.sample(PLAIN, 4)})
        made = card(index, dice.choice(TERMS))
        price = made.price(usage)
        if price.total_femto is not None:
            assert price.total_femto == sum(price.breakdown.values()) == reference(made, usage), model.id


@settings(max_examples=150)
@given(indexes, usages, st.sampled_from(TERMS))
def test_the_breakdown_sums_to_the_total_and_every_bucket_is_billed_or_named(index, usage, terms):
    price = card(index, terms).price(usage)

    assert (price.total_femto is None) == (price.status is PriceStatus.UNPRICED)
    if price.total_femto is not None:
        assert price.total_femto == sum(price.breakdown.values()) == reference(card(index, terms), usage)
        assert price.total_femto >= 0
    assert not price.breakdown.keys() & set(price.missing)


@settings(max_examples=100)
@given(indexes, usages, usages)
def test_where_a_card_has_no_steps_and_no_fee_prices_add_up(index, one, other):
    made = card(index)
    prices = [made.price(usage) for usage in (one, other, one + other)]
    if made.steps or made.fee or any(type(rate) is not int for rate in made.rates.values()):
        return
    if any(price.status is not made.status for price in prices):
        return

    assert prices[0].total_femto + prices[1].total_femto == prices[2].total_femto


@settings(max_examples=100)
@given(indexes, usages, st.sampled_from(PLAIN), st.integers(1, 10**6))
def test_more_of_anything_never_costs_less(index, usage, bucket, more):
    made = card(index)
    less_dear = any(
        higher.rates.get(name, 0) < made.rates.get(name, 0) for higher in made.steps for name in higher.rates
    )
    before, after = made.price(usage), made.price(usage + Usage(**{bucket: more}))
    if less_dear or before.total_femto is None or after.total_femto is None:
        return

    assert after.total_femto >= before.total_femto


def test_every_model_is_found_by_its_own_id():
    from costspan.pricing.resolver import Resolver  # noqa: PLC0415

    resolver = Resolver(bundled())
    lost = [
        (model.provider, model.id)
        for model in models()
        if (found := resolver.find(model.provider, (model.id,), STANDARD)) is None
        or active_period(found, NOW).rates != active_period(model, NOW).rates
    ]

    assert lost == []


@pytest.mark.parametrize("terms", TERMS)
def test_a_price_never_raises_for_any_terms(terms):
    for index in range(0, len(models()), 37):
        card(index, terms).price(Usage(input=1, output=1))

"""A rate card multiplies and adds, exactly; what it has no rate for is named."""

import json
from datetime import datetime, timezone
from decimal import Decimal
from fractions import Fraction

import pytest

from costspan.call import UsageSource
from costspan.pricing import Price, PriceStatus
from costspan.pricing.compile import compile_card
from costspan.pricing.document import parse_json
from costspan.pricing.pricefile import read_prices
from costspan.usage import STANDARD, Terms, Usage

NOW = datetime(2026, 11, 19, 12, tzinfo=timezone.utc)


def card_with(served, **model):
    (made,) = read_prices(parse_json(json.dumps({"models": [{"provider": "p", "model": "m", **model}]}), "test")).models
    return compile_card(made, served, NOW)


def card_of(**model):
    return card_with(STANDARD, **model)


def test_every_bucket_without_a_rate_of_its_own_is_billed_as_the_one_that_holds_it():
    card = card_of(input=1, output=2, cache_read=0.5)

    billed = {bucket: card.price(Usage(**{bucket: 1_000_000})).total for bucket in BILLED_AS}

    assert billed == BILLED_AS


BILLED_AS = {
    "input_audio": Decimal(1),
    "cache_read_audio": Decimal("0.5"),
    "cache_write": Decimal(1),
    "cache_write_5m": Decimal(1),
    "cache_write_1h": Decimal(1),
    "reasoning": Decimal(2),
    "citation": Decimal(2),
    "output_image": Decimal(2),
}


def test_a_bucket_without_any_rate_makes_the_price_partial_and_is_named():
    price = card_of(input=1, output=2).price(Usage(input=1_000_000, web_searches=2))

    assert (price.status, price.total, price.missing) == (PriceStatus.PARTIAL, Decimal(1), ("web_searches",))
    assert "web_searches" in price.reason


def test_nothing_but_buckets_without_a_rate_is_no_price():
    price = card_of(input=1).price(Usage(web_searches=2))

    assert (price.status, price.total_femto, price.missing) == (PriceStatus.UNPRICED, None, ("web_searches",))


def test_what_a_search_brought_into_the_prompt_is_counted_and_not_billed():
    usage = Usage(input=1_000_000, input_grounding=500)
    price = card_of(input=1, output=2).price(usage)

    assert (price.status, price.total, price.missing) == (PriceStatus.PRICED, Decimal(1), ())
    assert usage.total_input == 1_000_500


def test_a_second_measure_of_what_was_billed_is_not_missing():
    price = card_of(output_image=40).price(Usage(output_image=1_000_000, images=1))

    assert (price.status, price.total) == (PriceStatus.PRICED, Decimal(40))


@pytest.mark.parametrize(
    ("rates", "used", "status"),
    [
        ({"input": 0, "output": 0, "search_units": 0.002}, {"input": 100}, PriceStatus.UNPRICED),
        ({"input": 0, "output": 0, "search_units": 0.002}, {"input": 100, "search_units": 1}, PriceStatus.PRICED),
        ({"input": 0, "output": 0, "images": 0.04}, {"input": 100, "output": 500}, PriceStatus.PARTIAL),
        ({"input": 0, "output": 0, "images": 0.04}, {"input": 100, "images": 1}, PriceStatus.PRICED),
        ({"input": 1, "output": 0, "pages": 0.001}, {"input": 100, "output": 5}, PriceStatus.PRICED),
    ],
)
def test_tokens_at_0_beside_a_price_by_the_piece_are_no_measure(rates, used, status):
    """A reranker that is billed by the query, and whose answer tells only tokens, did not cost 0."""
    assert card_of(**rates).price(Usage(**used)).status is status


def test_a_fee_by_the_request_is_charged_once_whether_it_was_counted_or_not():
    card = card_of(input=1, requests=0.005)

    assert card.price(Usage(input=1_000_000)).total == Decimal("1.005")
    assert card.price(Usage(input=1_000_000, requests=2)).total == Decimal("1.01")


def test_a_request_count_without_a_fee_is_no_gap():
    assert card_of(input=1).price(Usage(input=1, requests=1)).status is PriceStatus.PRICED


def test_a_model_whose_rates_are_all_0_is_free():
    price = card_of(free=True).price(Usage(input=9, web_searches=1))

    assert (price.status, price.total, price.breakdown) == (PriceStatus.FREE, 0, {})


def test_above_a_threshold_the_whole_request_is_at_the_higher_rate():
    card = card_of(input={"0": 1, "200": 2}, output=3)

    at, above = (card.price(Usage(input=100, cache_read=read, output=1)).total_femto for read in (100, 101))

    assert (at, above) == (203 * 10**9, (201 * 2 + 3) * 10**9)


def test_a_marginal_threshold_divides_the_count():
    card = card_of(input={"0": 3, "100": 2, "200": 1}, marginal=True)

    assert card.price(Usage(input=250)).total_femto == (300 + 200 + 50) * 10**9
    assert card.price(Usage(input=250, web_searches=1)).missing == ("web_searches",)


def test_with_a_marginal_threshold_too_a_request_has_its_fee():
    card = card_of(input={"0": 3, "100": 2}, requests=0.01, web_searches=0.02, marginal=True)

    price = card.price(Usage(input=1, web_searches=1))

    assert price.breakdown == {"input": 3 * 10**9, "requests": 10**13, "web_searches": 2 * 10**13}
    assert price.status is PriceStatus.PRICED


def test_of_many_requests_the_mean_is_what_a_threshold_is_held_against():
    card = card_of(input={"0": 1, "200": 2})

    short, long = (card.price(Usage(input=1000, requests=count)).total_femto for count in (5, 4))

    assert (short, long) == (1000 * 10**9, 2000 * 10**9)


def test_milliseconds_of_a_price_by_the_hour_are_rounded_once_at_the_end():
    card = card_of(input_audio_hour="0.04")

    assert card.price(Usage(input_audio_ms=1)).total_femto == 11_111_111
    assert card.price(Usage(input_audio_ms=3_600_000)).total == Decimal("0.04")
    assert card.rates["input_audio_ms"] == Fraction(4 * 10**13, 3_600_000)


def test_a_factor_is_on_tokens_and_not_on_fees():
    card = card_with(
        Terms(batch=True), input=2, web_searches=0.01, terms=[{"when": {"tier": "batch"}, "factor": "0.5"}]
    )

    assert card.price(Usage(input=1_000_000, web_searches=1)).total == Decimal("1.01")


@pytest.mark.parametrize("terms", [Terms(tier="turbo"), Terms(speed="fast"), Terms(batch=True)])
def test_terms_for_which_a_model_has_no_rates_make_the_price_partial(terms):
    price = card_with(terms, input=2).price(Usage(input=1_000_000))

    assert (price.status, price.total) == (PriceStatus.PARTIAL, Decimal(2))
    assert "standard rates" in price.reason


@pytest.mark.parametrize("terms", [Terms(deployment="provisioned"), Terms(tier="SCALE")])
def test_capacity_paid_in_advance_costs_nothing_by_the_token(terms):
    assert card_with(terms, input=2).price(Usage(input=1)).status is PriceStatus.FREE


def test_where_two_terms_name_a_bucket_the_first_counts():
    terms = [{"when": {"size": "s", "quality": "hd"}, "images": 3}, {"when": {"size": "s"}, "images": 1}]

    prices = [
        card_with(each, images=9, terms=terms).price(Usage(images=1)).total
        for each in (Terms(size="s", quality="hd"), Terms(size="s"), STANDARD)
    ]

    assert prices == [3, 1, 9]


def test_a_price_turns_into_the_nearest_float_and_an_unknown_one_into_nan():
    assert float(Price(PriceStatus.PRICED, 1)) == 1e-15
    assert str(float(Price(PriceStatus.UNPRICED))) == "nan"
    assert Price(PriceStatus.UNPRICED).total is None


def test_a_status_and_a_source_read_as_the_documents_write_them():
    words = (PriceStatus.PRICED, UsageSource.TOKENIZER)

    assert [*map(str, words)] == [f"{word}" for word in words] == ["priced", "tokenizer"]


def test_before_its_first_period_a_model_has_that_one_s_price():
    periods = [{"since": "2999-01-01", "input": 5}]

    assert card_of(periods=periods).price(Usage(input=10**6)).total == 5

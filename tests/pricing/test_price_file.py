"""A price file: models, discounts, deployments, fees; what is wrong is said in one line, and nothing is loaded."""

import logging
import re
from dataclasses import replace
from datetime import datetime, timezone
from decimal import Decimal
from pathlib import Path

import pytest

from costspan.calculator import get_max_tokens, price
from costspan.guard import FAILURES
from costspan.pricing import Pricer, PriceStatus
from costspan.pricing.document import MOST_BYTES, PriceListError
from costspan.pricing.pricefile import read_price_file
from costspan.usage import Terms, Usage

README = Path(__file__).parents[2] / "README.md"
MILLION = Usage(input=1_000_000)
YAML = """
models:
  - provider: ollama
    model: llama3.3
    gpu_hour: 2.5
    max_input_tokens: 8192
discounts:
  - provider: openai
    model: "gpt-5*"
    percent: 20
    since: 2026-01-01
    until: 2026-06-30
"""


def at(text):
    return datetime.fromisoformat(text).replace(tzinfo=timezone.utc)


class TestModels:
    def test_an_own_model_is_priced_by_the_file(self, pricer_with):
        pricer = pricer_with(models=[{"provider": "acme", "model": "big-1", "input": 2, "output": 8}])

        price = pricer.price(Usage(input=10**6, output=10**6), provider="acme", model="big-1", duration_seconds=3)

        assert (price.total, price.status) == (Decimal(10), PriceStatus.PRICED)
        assert price.entry.source.endswith("prices.json")

    def test_an_own_price_replaces_the_list_s_and_leaves_the_rest(self, pricer_with):
        own = {"gpt-4o": 1, "gpt-4o-2024-11-20": 3}
        pricer = pricer_with(
            models=[{"provider": "openai", "model": name, "input": each} for name, each in own.items()]
        )
        listed = {
            "gpt-4o-2024-08-06": 1,
            "gpt-4o-2024-05-13": 5,
        }  # the same model as gpt-4o, and one with its own price

        prices = {name: pricer.price(MILLION, provider="openai", model=name).total for name in {**own, **listed}}

        assert prices == {**own, **listed}
        assert pricer.price(Usage(output=10**6), provider="openai", model="gpt-4o").total == 10

    def test_a_model_without_a_provider_is_one_of_any(self, pricer_with):
        pricer = pricer_with(models=[{"model": "in-house", "input": 1}])

        assert pricer.price(MILLION, provider="gateway.example.com", model="in-house").total == 1

    def test_a_name_with_a_date_finds_the_own_model(self, pricer_with):
        pricer = pricer_with(models=[{"provider": "acme", "model": "big", "input": 1}])

        assert pricer.price(MILLION, provider="acme", model="big-2026-01-31").total == 1

    def test_an_own_server_can_cost_by_the_gpu_second(self, pricer_with):
        pricer = pricer_with(models=[{"provider": "vllm", "model": "llama", "gpu_second": 0.001}])

        counted = pricer.price(Usage(input=500, compute_ms=2_500), provider="vllm", model="llama")
        timed = pricer.price(Usage(input=500), provider="vllm", model="llama", duration_seconds=2.5)
        told = pricer.price(Usage(compute_ms=2_500), provider="vllm", model="llama", duration_seconds=9)

        assert (counted.total, counted.status) == (Decimal("0.0025"), PriceStatus.PRICED)
        assert timed == counted
        assert told.total == counted.total, "what the server says is not billed besides the time of the call"

    def test_prices_have_periods_hours_and_terms(self, pricer_with):
        model = {
            "provider": "acme",
            "model": "night",
            "periods": [
                {"input": 4},
                {"since": "2026-03-01", "input": 3},
                {"since": "2026-03-01", "hours": ["22:00-06:30"], "weekdays": [1, 2, 3, 4, 5], "input": 1},
            ],
            "terms": [{"when": {"tier": "flex"}, "factor": "0.5"}],
        }
        pricer = pricer_with(models=[model])

        def cost(when, **terms):
            return pricer.price(MILLION, provider="acme", model="night", at=at(when), terms=Terms(**terms)).total

        assert cost("2026-02-28T23:00") == 4  # a Saturday
        assert cost("2026-03-01T00:00") == 3  # from its first moment on
        assert cost("2026-03-02T12:00") == 3  # a Monday
        assert cost("2026-03-02T23:00") == 1
        assert cost("2026-03-03T06:29") == 1
        assert cost("2026-03-03T06:30") == 3
        assert cost("2026-03-07T23:00") == 3
        assert cost("2026-03-02T12:00", tier="flex") == Decimal("1.5")

    def test_before_and_beside_the_user_s_periods_the_list_s_price_holds(self, pricer_with):
        pricer = pricer_with(
            models=[
                {"provider": "openai", "model": "gpt-4o", "since": "2027-01-01", "input": 1},
                {"provider": "openai", "model": "gpt-5", "hours": ["22:00-06:00"], "input": 1},
                {"provider": "deepseek", "model": "deepseek-v4-flash", "hours": ["03:00-05:00"], "output": 9},
                {"provider": "deepseek", "model": "deepseek-v4-pro", "hours": ["12:00-13:00"], "output": 9},
            ]
        )

        def cost(provider, model, when):
            return pricer.price(Usage(input=10**6, output=10**6), provider=provider, model=model, at=at(when)).total

        assert cost("openai", "gpt-4o", "2026-12-31T23:59") == Decimal("12.5")
        assert cost("openai", "gpt-4o", "2027-01-01T00:00") == 11
        assert [cost("openai", "gpt-5", f"2026-11-23T{hour}:00") for hour in ("05", "06")] == [11, Decimal("11.25")]
        peaks = [cost("deepseek", "deepseek-v4-flash", f"2026-11-23T0{hour}:00") for hour in (2, 3, 4, 5)]
        assert peaks == [Decimal("1.5"), Decimal("9.3"), Decimal("9.15"), Decimal("0.75")]
        outside = [cost("deepseek", "deepseek-v4-pro", f"2026-11-23T{hour}:00") for hour in ("02", "12")]
        assert outside == [Decimal("5.28"), Decimal("9.66")]
        assert cost("deepseek", "deepseek-v4-flash", "2026-11-22T03:00") == Decimal("9.15")  # a Sunday: no peak

    def test_what_the_user_does_not_say_costs_what_the_list_says_of_that_time(self, pricer_with):
        pricer = pricer_with(models=[{"provider": "openai", "model": "o3", "input": 1, "max_input_tokens": 9_000}])

        prices = [
            pricer.price(Usage(output=10**6), provider="openai", model="o3", at=at(day))
            for day in ("2025-05-01", "2026-11-23")
        ]

        assert [price.total for price in prices] == [40, 8]
        assert (prices[1].entry.max_input_tokens, prices[1].entry.max_output_tokens) == (9_000, 100_000)

    def test_periods_stand_in_any_order(self, pricer_with):
        periods = [{"hours": ["22:00-06:00"], "input": 1}, {"since": "2026-03-01", "input": 2}, {"input": 3}]
        pricer = pricer_with(models=[{"provider": "acme", "model": "big", "periods": periods}])

        prices = [
            pricer.price(MILLION, provider="acme", model="big", at=at(when)).total
            for when in ("2026-02-01T12:00", "2026-02-01T23:00", "2026-04-01T12:00")
        ]

        assert prices == [3, 1, 2]

    def test_terms_are_known_in_any_spelling_and_batch_is_one(self, pricer_with):
        terms = [{"when": {"batch": True}, "factor": 0.5}, {"when": {"tier": "Flex"}, "factor": 0.25}]
        pricer = pricer_with(models=[{"provider": "acme", "model": "big", "input": 4, "terms": terms}])

        told = (Terms(batch=True), Terms(tier="flex"), Terms())
        prices = [pricer.price(MILLION, provider="acme", model="big", terms=each).total for each in told]

        assert prices == [2, 1, 4]

    def test_a_period_of_weekdays_without_hours_holds_for_all_of_those_days(self, pricer_with):
        weekend = {"input": 1, "weekdays": [6, 7]}
        pricer = pricer_with(models=[{"provider": "acme", "model": "m", "periods": [{"input": 4}, weekend]}])

        saturday, monday = (
            pricer.price(MILLION, provider="acme", model="m", at=at(day)).total
            for day in ("2026-03-07T00:00", "2026-03-09T12:00")
        )

        assert (saturday, monday) == (1, 4)

    def test_hours_hold_on_the_calendar_s_last_day_too(self, pricer_with):
        nights = {"provider": "acme", "model": "m", "input": 4, "periods": [{"input": 1, "hours": ["22:00-06:00"]}]}
        pricer = pricer_with(models=[nights])

        assert pricer.price(MILLION, provider="acme", model="m", at=at("9999-12-31T23:00")).total == 1

    def test_cached_input_can_be_a_share_of_the_input_price(self, pricer_with):
        model = {"provider": "acme", "model": "m", "input": 2, "cache_read_share": 0.75}
        pricer = pricer_with(models=[model, {**model, "model": "n", "cache_read": 1}])

        costs = [pricer.price(Usage(cache_read=10**6), provider="acme", model=name).total for name in ("m", "n")]

        assert costs == [Decimal("1.5"), Decimal(1)]

    def test_a_flat_fee_or_a_free_model_charges_nothing_by_the_token(self, pricer_with):
        pricer = pricer_with(models=[{"provider": "acme", "model": "flat", "free": True}])

        assert pricer.price(MILLION, provider="acme", model="flat").status is PriceStatus.FREE

    @pytest.mark.parametrize("terms", [Terms(batch=True), Terms(tier="priority"), Terms(tier="flex")])
    def test_what_is_free_is_so_on_terms_for_which_the_list_has_prices(self, pricer_with, terms):
        pricer = pricer_with(models=[{"provider": "openai", "model": "gpt-4o", "free": True}])

        price = pricer.price(MILLION, provider="openai", model="gpt-4o", terms=terms)

        assert (price.status, price.total, price.reason) == (PriceStatus.FREE, 0, "")

    def test_what_is_free_from_a_day_on_has_the_list_s_price_before(self, pricer_with):
        pricer = pricer_with(models=[{"provider": "openai", "model": "gpt-4o", "free": True, "since": "2026-03-01"}])

        costs = [
            pricer.price(MILLION, provider="openai", model="gpt-4o", terms=Terms(batch=True), at=at(day)).total
            for day in ("2026-02-28T23:59", "2026-03-01T00:00")
        ]

        assert costs == [Decimal("1.25"), 0]

    def test_a_model_with_limits_and_no_price_is_unpriced_with_them(self, pricer_with):
        pricer = pricer_with(models=[{"provider": "acme", "model": "new", "max_input_tokens": 9000}])

        price = pricer.price(MILLION, provider="acme", model="new")

        assert (price.status, price.entry.max_input_tokens) == (PriceStatus.UNPRICED, 9000)
        assert "listed without a price" in price.reason


def test_litellm_s_price_by_the_second_is_by_the_time_of_a_chat_s_call(price_file):
    entry = {"litellm_provider": "acme", "mode": "chat", "input_cost_per_second": 0.001}
    pricer = Pricer(str(price_file({"big": entry})))

    price = pricer.price(Usage(input=5, output=5), provider="acme", model="big", duration_seconds=2)

    assert (price.total, price.status) == (Decimal("0.002"), PriceStatus.PRICED)


class TestDiscounts:
    def test_a_percentage_lowers_every_rate_in_its_time_and_the_list_price_stays_beside(self, pricer_with):
        terms = {"provider": "openai", "model": "gpt-5*", "percent": 20, "since": "2026-01-01", "until": "2026-06-30"}
        pricer = pricer_with(discounts=[terms])

        def price(when, model="gpt-5", stated=None):
            usage = Usage(input=10**6, web_searches=1)
            return pricer.price(usage, provider="openai", model=model, at=at(when), stated_cost=stated)

        assert price("2025-12-31T23:59").list_femto is None
        within, after = price("2026-06-30T23:59"), price("2026-07-01T00:00")
        assert (within.total, within.list_femto) == (Decimal("1.008"), after.total_femto)
        assert (after.total, after.list_femto) == (Decimal("1.26"), None)
        assert price("2026-06-30", "gpt-4o").list_femto is None
        stated = price("2026-06-30", stated=Decimal(1))
        assert (stated.total, stated.entry.model) == (1, "gpt-5")

    def test_absolute_rates_replace_those_they_name(self, pricer_with):
        pricer = pricer_with(discounts=[{"provider": "anthropic", "model": "claude-opus-5", "rates": {"input": 4}}])

        price = pricer.price(Usage(input=10**6, output=10**6), provider="anthropic", model="claude-opus-5")

        assert (price.total, price.list_femto) == (Decimal(29), 30 * 10**15)

    def test_a_discount_is_of_who_is_paid_and_not_of_the_maker_whose_price_it_is(self, pricer_with):
        pricer = pricer_with(
            discounts=[{"provider": "vertex_ai", "percent": 50}, {"provider": "anthropic", "percent": 10}]
        )

        prices = [
            pricer.price(MILLION, provider=host, model="claude-opus-5").total for host in ("gcp.vertex_ai", "anthropic")
        ]

        assert prices == [Decimal("2.5"), Decimal("4.5")]

    def test_the_last_discount_that_holds_counts(self, pricer_with):
        pricer = pricer_with(discounts=[{"percent": 10}, {"provider": "openai", "percent": 50}])

        assert pricer.price(MILLION, provider="openai", model="gpt-4o").total == Decimal("1.25")
        assert pricer.price(MILLION, provider="groq", model="llama-3.1-8b-instant").total == Decimal("0.045")


class TestDeployments:
    @pytest.mark.parametrize(("kind", "told"), [({"kind": "data_zone"}, ""), ({}, "data_zone")])
    def test_a_deployment_is_priced_as_the_model_behind_it(self, pricer_with, kind, told):
        pricer = pricer_with(deployments=[{"deployment": "Chat-Prod", "model": "gpt-4o", **kind}])
        asked = {"provider": "azure.ai.openai", "model": "", "request_model": "chat-prod"}

        price = pricer.price(MILLION, **asked, terms=Terms(deployment=told))

        assert price.total == Decimal("2.75")

    def test_a_deployment_is_found_by_its_name_alone(self, price_file, monkeypatch):
        path = price_file({"deployments": [{"deployment": "Chat-prod", "model": "gpt-4o"}]})
        monkeypatch.setenv("COSTSPAN_PRICES", str(path))

        assert price(MILLION, model="chat-Prod").total == Decimal("2.5")
        assert get_max_tokens("chat-prod") == get_max_tokens("azure/chat-prod") == get_max_tokens("azure/gpt-4o")

    def test_an_application_profile_can_be_told_too(self, pricer_with):
        arn = "arn:aws:bedrock:us-east-1:1:application-inference-profile/a1"
        pricer = pricer_with(
            deployments=[{"provider": "bedrock", "deployment": arn, "model": "us.amazon.nova-lite-v1:0"}]
        )

        assert pricer.price(MILLION, provider="aws.bedrock", model=arn).total == Decimal("0.06")

    def test_a_provisioned_deployment_costs_nothing_by_the_token(self, pricer_with):
        pricer = pricer_with(deployments=[{"deployment": "ptu", "model": "gpt-4o", "kind": "provisioned"}])

        assert pricer.price(MILLION, provider="azure", model="ptu").status is PriceStatus.FREE


class TestFiles:
    def test_fees_are_read(self, price_file):
        fees = [{"name": "PTU", "usd": 5000, "per": "month", "provider": "azure", "since": "2026-01-01"}]

        (fee,) = read_price_file(price_file({"fees": fees})).fees

        days = [datetime(2026, *each, tzinfo=timezone.utc).date() for each in ((1, 1), (1, 31), (2, 14))]
        assert fee.between(days[0], days[1]) == 5000 * 10**15
        assert fee.between(days[0], days[2]) == 7500 * 10**15
        assert replace(fee, per="day").between(days[1], days[2]) == 15 * 5000 * 10**15
        assert replace(fee, per="hour", until=days[0]).between(days[0], days[2]) == 24 * 5000 * 10**15
        assert replace(fee, until=days[0]).between(days[1], days[2]) == 0
        assert (fee.name, fee.femto, fee.per, fee.provider) == ("PTU", 5000 * 10**15, "month", "azure.ai.openai")

    def test_yaml_says_the_same_as_json(self, price_file):
        file = read_price_file(price_file(YAML, "prices.yaml"))

        assert [model.id for model in file.models] == ["llama3.3"]
        assert str(file.discounts[0].until) == "2026-06-30"

    def test_litellm_s_format_is_taken_too(self, price_file):
        entry = {"litellm_provider": "openai", "input_cost_per_token": 1e-6, "mode": "chat"}
        path = price_file({"sample_spec": {"max_tokens": "a text"}, "my-model": entry})

        assert Pricer(str(path)).price(MILLION, provider="openai", model="my-model").total == 1

    def test_a_bad_file_is_logged_and_the_other_prices_stay(self, price_file, caplog):
        FAILURES.clear()
        pricer = Pricer(str(price_file("{")))

        with caplog.at_level(logging.WARNING, "costspan"):
            price = pricer.price(MILLION, provider="openai", model="gpt-4o")

        assert price.total == Decimal("2.5")
        assert "not JSON" in caplog.text
        FAILURES.clear()


BAD = {
    "not JSON": ("{", "prices.json:1: not JSON: "),
    "a list": ("[]", "must be an object of models"),
    "an unknown section": ({"models": [], "model": []}, "model: is not known here"),
    "a section that is no list": ({"models": {}}, "models: must be a list"),
    "an entry that is no object": ({"models": [3]}, "models.0: must be an object, not 3"),
    "no price": ({"models": [{"model": "m", "provider": "acme"}]}, "models.0: has no price and no limit"),
    "no model": ({"models": [{"input": 1}]}, "models.0.model: must be a text, not None"),
    "an unknown unit": (
        {"models": [{"model": "m", "input_per_word": 1}]},
        "models.0.input_per_word: is not known here",
    ),
    "a negative price": (
        {"models": [{"model": "m", "input": -1}]},
        "models.0.input: must be from 0 to 1000000 dollars",
    ),
    "NaN": ('{"models": [{"model": "m", "input": NaN}]}', "models.0.input: must be from 0 to 1000000 dollars, not nan"),
    "a huge price": ({"models": [{"model": "m", "input": 1e9}]}, "models.0.input: must be from 0 to"),
    "a word": (
        {"models": [{"model": "m", "input": "much"}]},
        "models.0.input: must be a number of dollars, not 'much'",
    ),
    "a truth": ({"models": [{"model": "m", "input": True}]}, "models.0.input: must be a number of dollars, not True"),
    "nothing": ({"models": [{"model": "m", "input": None}]}, "models.0.input: must be a number of dollars, not None"),
    "a bad step": ({"models": [{"model": "m", "input": {"x": 1}}]}, "models.0.input: must be a price, or prices by"),
    "a step of too many digits": (
        {"models": [{"model": "m", "input": {"0": 1, "9" * 5000: 2}}]},
        "models.0.input: must be a price, or prices by",
    ),
    "a model twice": (
        {"models": [{"provider": "p", "model": "m", "input": 1}, {"provider": "P", "model": "M", "input": 2}]},
        "models.1.model: stands there twice; one entry may have several periods",
    ),
    "a deployment twice": (
        {"deployments": [{"deployment": "d", "model": "m"}, {"deployment": "D", "model": "n"}]},
        "deployments.1.deployment: stands there twice",
    ),
    "terms that say nothing": (
        {"models": [{"model": "m", "input": 1, "terms": [{"when": {"tier": "default"}, "factor": 2}]}]},
        "models.0.terms.0.when: says only what is standard",
    ),
    "no first step": (
        {"models": [{"model": "m", "input": {"9": 1}}]},
        "models.0.input: must have a price above 0 input",
    ),
    "a bad price in a step": ({"models": [{"model": "m", "input": {"0": -1}}]}, "models.0.input.0: must be from 0"),
    "a bad day": (
        {"models": [{"model": "m", "input": 1, "since": "soon"}]},
        "models.0.since: must be a day like 2026-01-31",
    ),
    "bad hours": (
        {"models": [{"model": "m", "input": 1, "hours": ["noon"]}]},
        "models.0.hours.0: must be hours of the UTC day",
    ),
    "hours that no day has": (
        {"models": [{"model": "m", "input": 1, "hours": ["25:00-26:00"]}]},
        "models.0.hours.0: must be hours of the UTC day like 01:00-04:00, not '25:00-26:00'",
    ),
    "weekdays in a list of lists": (
        {"models": [{"model": "m", "input": 1, "weekdays": [[1]]}]},
        "models.0.weekdays: must be a list of ISO weekdays",
    ),
    "bad weekdays": (
        {"models": [{"model": "m", "input": 1, "weekdays": [8]}]},
        "models.0.weekdays: must be a list of ISO weekdays",
    ),
    "a discount that ends before it begins": (
        {"discounts": [{"percent": 1, "since": "2026-03-01", "until": "2026-02-28"}]},
        "discounts.0.until: must not be before since",
    ),
    "a kind that no deployment has": (
        {"deployments": [{"deployment": "d", "model": "m", "kind": "datazone"}]},
        "deployments.0.kind: must be one of global, data_zone, regional, provisioned, not 'datazone'",
    ),
    "terms of what is free": (
        {"models": [{"model": "m", "free": True, "terms": [{"when": {"batch": True}, "input": 1}]}]},
        "models.0.terms: are not for what is free",
    ),
    "bad aliases": (
        {"models": [{"model": "m", "input": 1, "aliases": "x"}]},
        "models.0.aliases: must be a list of texts",
    ),
    "a bad flag": ({"models": [{"model": "m", "free": "yes"}]}, "models.0.free: must be true or false, not 'yes'"),
    "a bad limit": (
        {"models": [{"model": "m", "max_input_tokens": "8k"}]},
        "max_input_tokens: must be a whole number above 0, not '8k'",
    ),
    "bad terms": (
        {"models": [{"model": "m", "terms": [{"when": {"moon": "full"}}]}]},
        "terms.0.when: must name some of",
    ),
    "no discount": ({"discounts": [{"model": "m"}]}, "discounts.0: must have either percent or rates"),
    "two discounts": ({"discounts": [{"percent": 1, "rates": {}}]}, "discounts.0: must have either percent or rates"),
    "more than all": ({"discounts": [{"percent": 101}]}, "discounts.0.percent: must be from 0 to 100, not 101"),
    "a bad fee": ({"fees": [{"name": "x", "usd": 1, "per": "year"}]}, "fees.0.per: must be month, day or hour"),
    "a word for a model": ({"gpt-4o": 3}, "gpt-4o: must be an object with prices, not 3"),
    "a bad LiteLLM price": ({"gpt-4o": {"input_cost_per_token": -1}}, "gpt-4o.input_cost_per_token: must be from 0"),
    "a bad LiteLLM limit": ({"m": {"max_tokens": "lots"}}, "m.max_tokens: must be a number of tokens, not 'lots'"),
    "bad LiteLLM tiers": ({"m": {"tiered_pricing": [{}]}}, "m.tiered_pricing: must be a list of ranges"),
    "bad LiteLLM hours": ({"m": {"off_peak_pricing": {"a": 1}}}, "m.off_peak_pricing: must have windows of UTC hours"),
    "a key twice": ('{"a": {},\n "a": {}}', "prices.json:2: a stands there twice"),
    "depth": ("[" * 100_000, "nested too deeply"),
}


@pytest.mark.parametrize(("content", "problem"), BAD.values(), ids=BAD)
def test_what_is_wrong_is_said_in_one_line_with_its_place(price_file, content, problem):
    path = price_file(content)

    with pytest.raises(PriceListError) as caught:
        read_price_file(path)

    assert problem in str(caught.value)
    assert str(caught.value).startswith(str(path))
    assert "\n" not in str(caught.value)


BAD_YAML = {
    "not YAML": ("models: [", "not YAML: "),
    "a key twice": ("models: []\nmodels: []", "prices.yaml:2: models stands there twice"),
    "a number for a model": ("2024: {input_cost_per_token: 1}", "prices.yaml:1: 2024: must be a model's name as text"),
    "no name of a model": ("'': {input_cost_per_token: 1}", "must be a model's name as text, not ''"),
    "a number for a field": ("gpt-4o: {1: 2}", "prices.yaml:1: gpt-4o: must be an object with prices"),
    "a list of tiers": (
        "models:\n  - model: m\n    terms:\n      - {when: {tier: [flex, batch]}, factor: 0.5}",
        "prices.yaml:4: models.0.terms.0.when: must name each by a word",
    ),
    "a word for batch": (
        "models: [{model: m, terms: [{when: {batch: 'false'}, factor: 0.5}]}]",
        "models.0.terms.0.when: must name each by a word",
    ),
    "a bad price": ("models:\n  - model: m\n    input: -2\n", "prices.yaml:3: models.0.input: must be from 0"),
    "references to references": (
        "a: &a [" + "x," * 99 + "x]\n" + "".join(f"{b}: &{b} [{f'*{a},' * 99}*{a}]\n" for a, b in ("ab", "bc", "cd")),
        "prices.yaml: not a price list: it has more than a million values",
    ),
    "an odd tag": ("models: !!python/object:os.system {}", "not YAML: "),
}


@pytest.mark.parametrize(("content", "problem"), BAD_YAML.values(), ids=BAD_YAML)
def test_yaml_errors_have_their_line(price_file, content, problem):
    with pytest.raises(PriceListError) as caught:
        read_price_file(price_file(content, "prices.yaml"))

    assert problem in str(caught.value)


def test_the_line_of_a_json_field_is_found(price_file):
    text = '{"models": [\n {"model": "a", "input": 1},\n {"model": "b",\n  "aliases": ["x", "y"],\n  "input": -1}]}'

    with pytest.raises(PriceListError, match=r"prices\.json:5: models\.1\.input: "):
        read_price_file(price_file(text))


def test_the_readme_s_example_is_a_price_file(price_file):
    blocks = re.findall(r"```yaml\n(models:.*?)```", README.read_text(encoding="utf-8"), flags=re.DOTALL)

    (file,) = (read_price_file(price_file(block, "prices.yaml")) for block in blocks)

    assert (len(file.models), len(file.discounts), len(file.deployments), len(file.fees)) == (4, 2, 2, 1)


def test_a_missing_file_is_said(tmp_path):
    with pytest.raises(PriceListError, match="No such file"):
        read_price_file(tmp_path / "none.json")


def test_a_file_that_is_no_text_is_said(tmp_path):
    (tmp_path / "prices.json").write_bytes(b"\xff\xfe\x00")

    with pytest.raises(PriceListError, match="is not UTF-8 text"):
        read_price_file(tmp_path / "prices.json")


def test_a_file_as_windows_writes_it_is_read(tmp_path):
    path = tmp_path / "prices.json"
    path.write_bytes(b'\xef\xbb\xbf{"models": [\r\n {"provider": "acme", "model": "big", "input": 2}]}\r\n')

    assert [each.id for each in read_price_file(path).models] == ["big"]


def test_a_file_that_is_too_large_is_not_read(tmp_path):
    path = tmp_path / "prices.json"
    with path.open("wb") as file:
        file.truncate(200 * 1024 * 1024)

    with pytest.raises(PriceListError, match=f"has 200 MB; at most {MOST_BYTES >> 20} MB"):
        read_price_file(path)


def test_yaml_without_its_library_says_what_to_install(price_file, monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "yaml", None)

    with pytest.raises(PriceListError, match=r"pip install 'costspan\[cli\]', or write JSON"):
        read_price_file(price_file(YAML, "prices.yml"))

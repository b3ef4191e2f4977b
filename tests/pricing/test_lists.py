"""The price list is made of two others: what each says, what they disagree on, and what was known before."""

import json
import re
from dataclasses import replace
from datetime import date, datetime, time, timezone
from decimal import Decimal
from importlib.resources import files
from types import SimpleNamespace

import pytest

from costspan.pricing.card import PriceStatus
from costspan.pricing.catalog import Catalog
from costspan.pricing.compile import active_period, compile_card
from costspan.pricing.document import parse_json
from costspan.pricing.lists import build as building
from costspan.pricing.lists.build import build, changes, leaps, pack_snapshot, read_decisions, read_litellm
from costspan.pricing.lists.genai_prices import read_models
from costspan.pricing.lists.merge import Decision, Merged, patch
from costspan.pricing.litellm import read_model, split_key
from costspan.pricing.model import Period, Variant, Window, new_variants, pack, unpack
from costspan.pricing.pricefile import read_prices
from costspan.pricing.snapshot import Snapshot
from costspan.usage import Terms, Usage

DAY = date(2026, 11, 22)
NOON = datetime(2026, 11, 22, 12, tzinfo=timezone.utc)


def genai(model="m", provider="acme", match=None, **given):
    """A provider with one model, as the genai-prices package has it."""
    fields = {"prices": prices(input_mtok=1), "price_variants": None, "context_window": 1000} | given
    clause = match or SimpleNamespace(equals=model)
    return SimpleNamespace(id=provider, models=[SimpleNamespace(id=model, match=clause, **fields)])


def prices(**fields):
    return SimpleNamespace(**{name: steps_of(value) for name, value in fields.items()})


def steps_of(value):
    if not isinstance(value, dict):
        return Decimal(str(value))
    (_, base), *rest = value.items()
    tiers = [SimpleNamespace(start=start, price=Decimal(str(price))) for start, price in rest]
    return SimpleNamespace(base=Decimal(str(base)), tiers=tiers)


def dated(price, *, since=None, start=None, end=None):
    constraint = None
    if since:
        constraint = SimpleNamespace(start_date=since)
    if start:
        constraint = SimpleNamespace(start_time=start, end_time=end)
    return SimpleNamespace(constraint=constraint, prices=price)


def litellm_entry(**fields):
    return {"litellm_provider": "acme", "mode": "chat", "input_cost_per_token": 1e-6} | fields


def merged(first, second, decisions=()):
    result = Merged(NOON, decisions)
    for model in read_models(first, "first 1"):
        result.add(model)
    for model in read_litellm(second, "second 2"):
        result.take(model)
    return result


def rate(model, bucket="input", at=NOON):
    return active_period(model, at).rates[bucket]


class TestCurated:
    def test_prices_by_the_million_become_femto_dollars(self):
        given = prices(input_mtok={0: 2.5, 272_000: 5}, output_mtok=15, web_searches_kcount=10, audio_hours=0.04)

        (model,) = read_models([genai(prices=given)], "x 1")

        assert rate(model) == ((0, 2_500_000_000), (272_000, 5_000_000_000))
        assert rate(model, "web_searches") == ((0, 10**13),)
        assert rate(model, "input_audio_ms") == ((0, 4 * 10**13),)

    def test_dated_prices_are_periods_and_daily_ones_windows(self):
        given = [
            dated(prices(input_mtok=1)),
            dated(prices(input_mtok=2), since=date(2026, 3, 1)),
            dated(prices(input_mtok=9), start=time(22), end=time(6)),
        ]

        (model,) = read_models([genai(prices=given)], "x 1")

        assert [period.since for period in model.periods] == [None, date(2026, 3, 1), None]
        assert model.periods[2].windows == (Window(22 * 60, 24 * 60), Window(0, 6 * 60))

    def test_a_variant_holds_as_long_as_the_base_price_that_it_was_checked_with(self):
        half = SimpleNamespace(
            when={"service_tier": "flex"},
            prices=prices(input_mtok=0.5),
            constraint=SimpleNamespace(start_date=date(2026, 10, 12)),
        )
        none = SimpleNamespace(when={"route": "x"}, prices=prices(input_mtok=0.5), constraint=None)
        periods = [dated(prices(input_mtok=3)), dated(prices(input_mtok=1), since=date(2026, 5, 1))]

        (model,) = read_models([genai(prices=periods, price_variants=[half, none])], "x 1")

        assert [(variant.when, variant.since) for variant in model.variants] == [({"tier": "flex"}, date(2026, 5, 1))]

    def test_every_name_in_a_match_clause_is_an_alias(self):
        parts = [
            SimpleNamespace(equals="m"),
            SimpleNamespace(starts_with="M-Prefix"),
            SimpleNamespace(contains="/part"),
            SimpleNamespace(and_=[SimpleNamespace(ends_with="end"), SimpleNamespace(regex="^(?!x)")]),
            SimpleNamespace(regex=r"^m-5\.4-\d{8}$"),
        ]

        (model,) = read_models([genai(match=SimpleNamespace(or_=parts))], "x 1")

        assert model.aliases == ("end", "m-5.4", "m-prefix", "part")


class TestBroad:
    def test_fields_with_thresholds_and_tiers_become_steps_and_variants(self):
        entry = litellm_entry(
            input_cost_per_token_above_200k_tokens=2e-6,
            input_cost_per_token_flex=5e-7,
            output_cost_per_token_above_200k_tokens=3e-6,
            output_cost_per_token=1e-6,
            output_cost_per_token_above_200k_tokens_batches=1e-6,
            cache_creation_input_token_cost_above_1hr=4e-6,
        )

        model = read_model("acme/m", entry, "x")

        assert (model.provider, model.id) == ("acme", "m")
        assert rate(model) == ((0, 10**9), (200_000, 2 * 10**9))
        assert rate(model, "cache_write_1h") == ((0, 4 * 10**9),)
        assert {variant.when["tier"]: variant.rates for variant in model.variants} == {
            "flex": {"input": ((0, 5 * 10**8),)},
            "batch": {"output": ((0, 10**9), (200_000, 10**9))},
        }

    @pytest.mark.parametrize(("reasoning", "kept"), [(2e-6, False), (3e-6, True)])
    def test_a_reasoning_price_that_repeats_that_of_output_is_output_on_every_tier(self, reasoning, kept):
        entry = litellm_entry(
            output_cost_per_token=2e-6, output_cost_per_reasoning_token=reasoning, output_cost_per_token_flex=1e-6
        )

        model = read_model("m", entry, "x")

        assert ("reasoning" in model.periods[0].rates) is kept
        card = compile_card(model, Terms(tier="flex"), NOON)
        assert card.rates["reasoning"] == (3 * 10**9 if kept else 10**9)

    def test_ranges_are_thresholds_and_windows_are_cheaper_hours(self):
        ranges = [
            {"range": [0, 1000.0], "input_cost_per_token": 1e-6},
            {"range": [1000.0, 2000.0], "input_cost_per_token": 2e-6},
        ]
        windows = {
            "input_cost_per_token": 5e-7,
            "windows": [{"hours_utc": ["22:00-00:00", "23:00-01:00"], "weekdays": [6]}],
        }

        tiered = read_model("m", {"tiered_pricing": ranges}, "x")
        nightly = read_model("m", litellm_entry(off_peak_pricing=windows), "x")

        assert rate(tiered) == ((0, 10**9), (1000, 2 * 10**9))
        assert nightly.periods[1].windows == (
            Window(22 * 60, 24 * 60, (6,)),
            Window(23 * 60, 24 * 60, (6,)),
            Window(0, 60, (6,)),
        )

    def test_what_a_field_means_depends_on_the_mode(self):
        by_mode = {
            ("output_cost_per_second", "video_generation"): "output_video_ms",
            ("output_cost_per_second", "audio_speech"): "output_audio_ms",
            ("input_cost_per_query", "rerank"): "search_units",
            ("input_cost_per_query", "search"): "requests",
            ("input_cost_per_image", "embedding"): "images",
        }

        found = {key: read_model("m", {key[0]: 1, "mode": key[1]}, "x").periods[0].rates for key in by_mode}

        assert {key: next(iter(rates)) for key, rates in found.items()} == by_mode

    def test_multipliers_are_factors_under_their_terms(self):
        entry = litellm_entry(
            provider_specific_entry={"us": 1.1, "fast": 2.0, "note": "x"},
            regional_processing_uplift_multiplier_eu=1.1,
            regional_endpoint_uplift_multiplier=1.1,
        )

        model = read_model("m", entry, "x")

        assert [(variant.when, variant.factor) for variant in model.variants] == [
            ({"geo": "us"}, (11, 10)),
            ({"geo": "eu"}, (11, 10)),
            ({"geo": "*"}, (11, 10)),
            ({"speed": "fast"}, (2, 1)),
        ]
        assert compile_card(model, Terms(geo="asia-1"), NOON).price(Usage(input=10)).total_femto == 11 * 10**9

    def test_one_multiplier_for_both_zones_of_openai_is_one_for_every_zone(self):
        """OpenAI raises the price at every data-residency endpoint; the list names two."""
        both = {f"regional_processing_uplift_multiplier_{zone}": 1.1 for zone in ("us", "eu")}

        model = read_model("m", litellm_entry(**both), "x")

        assert [(variant.when, variant.factor) for variant in model.variants] == [({"geo": "*"}, (11, 10))]

    def test_searches_cost_by_their_context(self):
        sizes = {"search_context_size_low": 0.01, "search_context_size_medium": 0.02}

        model = read_model("m", litellm_entry(search_context_cost_per_query=sizes), "x")

        assert rate(model, "web_searches") == ((0, 2 * 10**13),)
        assert [variant.when for variant in model.variants] == [{"search_context": "low"}]
        assert (
            "web_searches" not in read_model("m", litellm_entry(search_context_cost_per_query={}), "x").periods[0].rates
        )

    def test_sizes_in_field_names_are_terms(self):
        video = {"output_cost_per_second_720p": 0.1, "mode": "video_generation"}
        image = {"output_cost_per_image_2K": 0.1, "mode": "image_generation"}

        assert [variant.when for name in (video, image) for variant in read_model("m", name, "x").variants] == [
            {"size": "720p"},
            {"size": "2k"},
        ]

    def test_images_by_size_and_quality_become_terms_of_their_model(self):
        entries = {
            "azure/hd/1024-x-1024/dall-e-3": {"litellm_provider": "azure", "input_cost_per_pixel": 8.39233e-08},
            "azure/1024-x-1024/dall-e-3": {"litellm_provider": "azure", "output_cost_per_image": 0.044},
            "512-x-512/50-steps/bedrock/canvas": {"litellm_provider": "bedrock", "output_cost_per_image": 0.04},
            "max-x-max/50-steps/canvas": {"litellm_provider": "bedrock", "output_cost_per_image": 0.08},
            "64-x-64/free": {"litellm_provider": "acme"},
        }

        azure, bedrock = read_litellm(entries, "x")

        assert (azure.provider, azure.id, bedrock.provider, bedrock.id) == (
            "azure.ai.openai",
            "dall-e-3",
            "aws.bedrock",
            "canvas",
        )
        costs = [
            compile_card(azure, Terms(size="1024x1024", quality=quality), NOON).price(Usage(images=1)).total
            for quality in ("hd", "standard")
        ]
        assert costs == [Decimal("0.088"), Decimal("0.044")]
        unsized = compile_card(azure, Terms(), NOON).price(Usage(images=1))
        assert unsized.status is PriceStatus.UNPRICED

    @pytest.mark.parametrize(
        ("key", "host", "found"),
        [
            ("groq/llama", "", ("groq", "llama")),
            ("llama", "", ("", "llama")),
            ("gpt-4", "openai", ("openai", "gpt-4")),
            ("vertex_ai/claude-opus-5", "vertex_ai-anthropic_models", ("gcp.vertex_ai", "claude-opus-5")),
            ("mercury", "text-completion-inception", ("inception", "mercury")),
            ("meta-llama/llama-3", "together_ai", ("together_ai", "meta-llama/llama-3")),
        ],
    )
    def test_a_key_names_provider_and_model(self, key, host, found):
        assert split_key(key, host) == found

    def test_odd_fields_are_left_alone(self):
        entry = {
            "input_cost_per_token": None,
            "output_cost_per_token_above_200k_tokens": 1e-6,
            "output_cost_per_image_2K": 1,
            "output_cost_per_second_720p": 1,
            "mode": "ocr",
            "tiered_pricing": [{"max_results_range": [0, 25], "input_cost_per_query": 0.005}],
        }

        model = read_model("m", entry, "x")

        assert (model.periods[0].rates, [variant.when for variant in model.variants]) == ({}, [{"size": "2k"}])

    def test_keys_without_rates_and_limits_are_left_out(self):
        entries = {
            "sample_spec": {"max_tokens": "x"},
            "bedrock/*/1-month-commitment/m": {},
            "nothing": {},
            "a": litellm_entry(),
        }

        assert [model.id for model in read_litellm(entries, "x")] == ["a"]


class TestMerging:
    def test_the_second_list_fills_what_the_first_does_not_say(self):
        found = merged(
            [genai()],
            {"acme/m": litellm_entry(output_cost_per_token=2e-6, input_cost_per_token_flex=5e-7, max_output_tokens=9)},
        )

        model = found.models["acme"]["m"]
        assert (model.source, model.max_output, rate(model, "output")) == ("first 1", 9, ((0, 2 * 10**9),))
        assert [variant.when for variant in model.variants] == [{"tier": "flex"}]

    def test_terms_of_both_lists_are_completed_by_the_bucket_and_never_multiplied_on_top(self):
        batch = SimpleNamespace(when={"processing": "batch"}, prices=prices(input_mtok=0.5), constraint=None)
        second = litellm_entry(
            input_cost_per_token_batches=4e-7,
            output_cost_per_token_batches=1e-6,
            provider_specific_entry={"fast": 2.0},
        )
        fast = SimpleNamespace(when={"speed": "fast"}, prices=prices(input_mtok=3), constraint=None)

        found = merged([genai(price_variants=[batch, fast])], {"m": second})

        told = [(each.when, each.rates, each.factor) for each in found.models["acme"]["m"].variants]
        assert told == [
            ({"tier": "batch"}, {"input": ((0, 5 * 10**8),)}, (1, 1)),
            ({"speed": "fast"}, {"input": ((0, 3 * 10**9),)}, (1, 1)),
            ({"tier": "batch"}, {"output": ((0, 10**9),)}, (1, 1)),
        ]

    def test_nothing_is_added_to_terms_that_are_a_factor_on_all_rates(self):
        known = read_model("m", litellm_entry(provider_specific_entry={"fast": 2.0}), "x")
        other = replace(known, variants=(Variant({"speed": "fast"}, {"output": ((0, 1),)}),))

        assert list(new_variants(known, other)) == []

    def test_thresholds_that_differ_by_one_token_are_the_same(self):
        one = genai(prices=prices(input_mtok={0: 1, 199_999: 2}))

        assert merged([one], {"m": litellm_entry(input_cost_per_token_above_200k_tokens=2e-6)}).disagreements == []

    @pytest.mark.parametrize(
        ("decision", "price"),
        [
            (None, 10**9),
            (Decision("acme", "m", "first", "why"), 10**9),
            (Decision("a*", "m*", "second", "why"), 3 * 10**9),
        ],
    )
    def test_a_disagreement_is_settled_by_a_decision_else_the_first_list_counts(self, decision, price):
        found = merged([genai()], {"m": litellm_entry(input_cost_per_token=3e-6)}, [decision] if decision else [])

        assert rate(found.models["acme"]["m"]) == ((0, price),)
        assert [each.decision for each in found.disagreements] == [decision]

    def test_an_alias_that_is_decided_to_have_its_own_price_becomes_a_model(self):
        first = genai(match=SimpleNamespace(or_=[SimpleNamespace(equals="m"), SimpleNamespace(equals="m-latest")]))

        found = merged(
            [first], {"m-latest": litellm_entry(input_cost_per_token=3e-6)}, [Decision("*", "*", "second", "why")]
        )

        assert {name: rate(model) for name, model in found.models["acme"].items()} == {
            "m": ((0, 10**9),),
            "m-latest": ((0, 3 * 10**9),),
        }

    def test_an_alias_that_is_decided_to_have_its_own_terms_becomes_a_model(self):
        first = genai(match=SimpleNamespace(or_=[SimpleNamespace(equals="m"), SimpleNamespace(equals="m-new")]))
        second = {"m-new": litellm_entry(provider_specific_entry={"us": 1.1})}

        found = merged([first], second, [Decision("*", "*", "second", "why", apart=True)]).models["acme"]
        assert {name: [each.factor for each in model.variants] for name, model in found.items()} == {
            "m": [],
            "m-new": [(11, 10)],
        }
        assert [each.factor for each in merged([first], second).models["acme"]["m"].variants] == [(11, 10)]

    def test_a_dated_id_with_its_own_price_becomes_a_model_unless_it_is_decided(self):
        second = {"m-2026-01-01": litellm_entry(input_cost_per_token=3e-6)}

        assert set(merged([genai()], second).models["acme"]) == {"m", "m-2026-01-01"}
        decided = [Decision("acme", "m*", "first", "why", dated=True)]
        assert set(merged([genai()], second, decided).models["acme"]) == {"m"}


def snapshot_of(result):
    return Snapshot(pack_snapshot(result))


class TestBuilding:
    def test_the_same_prices_make_the_same_bytes_and_come_back_whole(self):
        def make():
            return build(read_models([genai()], "first 1"), read_litellm({"n": litellm_entry()}, "second 2"), DAY)

        one, other = make(), make()
        assert pack_snapshot(one) == pack_snapshot(other)
        catalog = Catalog(snapshot_of(one))
        assert catalog.by_id("acme", "n") == one.models["acme"]["n"]
        assert catalog.by_id("acme", "x") is None
        assert {model.source for model in catalog.models("acme")} == {"first 1", "second 2"}

    def test_a_retired_model_stays_and_a_changed_price_keeps_its_history(self):
        before = snapshot_of(build(read_models([genai(), genai("old")], "first 1"), (), date(2026, 1, 1)))

        after = build(read_models([genai(prices=prices(input_mtok=2))], "first 2"), (), DAY, before)

        assert "old" in after.models["acme"]
        model = after.models["acme"]["m"]
        assert [(period.since, period.rates["input"]) for period in model.periods] == [
            (None, ((0, 10**9),)),
            (DAY, ((0, 2 * 10**9),)),
        ]

    def test_an_addition_of_our_own_that_was_withdrawn_does_not_stay(self, monkeypatch):
        with monkeypatch.context() as patch:
            patch.setattr(building, "OWN", "first 1")  # as if the list were our own
            before = snapshot_of(build(read_models([genai("withdrawn")], "first 1"), (), date(2026, 1, 1)))
            assert "withdrawn" not in build(read_models([genai()], "first 1"), (), DAY, before).models["acme"]

    def test_a_price_that_leaps_is_refused_until_it_is_reviewed(self, monkeypatch):
        before = snapshot_of(build(read_models([genai()], "first 1"), (), date(2026, 1, 1)))
        after = build(read_models([genai(prices=prices(input_mtok=3.1))], "first 2"), (), DAY, before)

        found = [change for change in changes(before, after) if change.provider == "acme"]

        assert [(change.bucket, change.before, change.after) for change in found] == [("input", 10**9, 31 * 10**8)]
        assert leaps(found) == found
        monkeypatch.setattr(building, "reviewed_leaps", lambda: frozenset({("acme", "m")}))
        assert leaps(found) == []

    def test_a_price_that_moves_less_or_is_new_is_no_leap(self):
        before = snapshot_of(build(read_models([genai()], "first 1"), (), date(2026, 1, 1)))
        after = build(read_models([genai(prices=prices(input_mtok=3, output_mtok=900))], "first 2"), (), DAY, before)

        found = changes(before, after)

        assert {change.bucket for change in found if change.provider == "acme"} == {"input", "output"}
        assert leaps(found) == []

    def test_a_model_survives_its_json_form(self):
        entry = litellm_entry(
            input_cost_per_token_flex=5e-7, regional_endpoint_uplift_multiplier=1.1, source="https://x"
        )
        model = replace(read_model("m", entry, "x"), marginal=True, minimum_audio_ms=10, aliases=("n",), mode="rerank")
        later = Period({"input": ((0, 2), (200, 4))}, DAY, (Window(0, 60, (1,)),))
        dated = tuple(replace(each, since=DAY) for each in model.variants)
        model = replace(model, periods=(*model.periods, later), variants=(*model.variants, *dated))

        assert unpack("acme", "m", json.loads(json.dumps(pack(model))), "x") == model

    def test_every_decision_says_why_and_from_where(self):
        decisions = read_decisions()

        assert len(decisions) > 20
        assert all(each.list in ("first", "second") and each.reason and each.source for each in decisions)

    @pytest.mark.parametrize("name", ["own.json", "patches.json", "decisions.json"])
    def test_every_fact_of_our_own_says_where_and_on_which_day_it_was_looked_up(self, name):
        content = json.loads(files("costspan.pricing.lists").joinpath(name).read_text(encoding="utf-8"))
        facts = [entry for entries in content.values() for entry in entries]

        assert len(facts) > 10
        assert [
            each for each in facts if not re.fullmatch(r"https://.*\b20\d\d-\d\d-\d\d\b.*", each.get("source", ""))
        ] == []


STANDARD = {
    "input_cost_per_token": 2e-6,
    "input_cost_per_token_above_200k_tokens": 4e-6,
    "input_cost_per_audio_token": 6e-6,
    "output_cost_per_token": 8e-6,
}


class TestTiers:
    """A list tells a tier's rates for text; what it leaves out follows them."""

    def billed(self, usage, tier, **told):
        model = build([], read_litellm({"acme/m": litellm_entry(**STANDARD, **told)}, "list"), DAY).models
        return compile_card(next(iter(model["acme"].values())), Terms(tier=tier), NOON).price(usage).total

    @pytest.mark.parametrize(("tier", "above"), [("flex", 2), ("batches", 2), ("priority", 4)])
    def test_steps_of_the_standard_rate_are_steps_of_a_cheaper_tier(self, tier, above):
        """Priority is not served above a step: there the list's own rate is all that is known."""
        rate = {"flex": 1e-6, "batches": 1e-6, "priority": 4e-6}[tier]

        told = {f"input_cost_per_token_{tier}": rate}

        asked = "batch" if tier == "batches" else tier
        assert self.billed(Usage(input=1_000_000), asked, **told) == above

    def test_a_modality_is_as_much_cheaper_as_text(self):
        usage = Usage(input_audio=100_000)

        assert self.billed(usage, "flex", input_cost_per_token_flex=1e-6) == Decimal("0.3")
        assert self.billed(usage, "flex", output_cost_per_token_flex=4e-6) == Decimal("0.6")

    def test_what_the_list_tells_stays(self):
        told = {"input_cost_per_token_flex": 1e-6, "input_cost_per_token_above_200k_tokens_flex": 3e-6}

        assert self.billed(Usage(input=1_000_000), "flex", **told) == 3

    def test_a_free_standard_rate_tells_nothing_of_a_tier(self):
        free = {"input_cost_per_token": 0, "input_cost_per_audio_token": 6e-6, "input_cost_per_token_flex": 1e-6}
        (model,) = build([], read_litellm({"acme/m": litellm_entry(**free)}, "list"), DAY).models["acme"].values()

        assert compile_card(model, Terms(tier="flex"), NOON).price(Usage(input_audio=100_000)).total == Decimal("0.6")

    @pytest.mark.parametrize(
        ("day", "tier", "usd"),
        [
            (30, "flex", "0.5"),
            (30, "priority", "1.8"),
            (30, "batch", "0.5"),
            (1, "flex", 1),
            (1, "priority", "3.6"),
            (1, "batch", "0.7"),
        ],
    )
    def test_tiers_follow_an_announced_change_of_the_standard_rates_unless_theirs_are_told(self, day, tier, usd):
        """Else a tier that one list gives for today would stay behind when the other list's new price begins."""
        start = date(2026, 12, 1)
        batch = [(date(2026, 10, 14), 0.5), (start, 0.7)]
        variants = [
            SimpleNamespace(
                when={"processing": "batch"},
                prices=prices(input_mtok=rate),
                constraint=SimpleNamespace(start_date=since),
            )
            for since, rate in reversed(batch)
        ]
        first = genai(prices=[dated(prices(input_mtok=1)), dated(prices(input_mtok=2), since=start)])
        first.models[0].price_variants = variants
        tiers = {"input_cost_per_token_flex": 0.5e-6, "input_cost_per_token_priority": 1.8e-6}
        models = build(
            read_models([first], "first"), read_litellm({"acme/m": litellm_entry(**tiers)}, "second"), DAY
        ).models
        at = datetime(2026, 11 if day == 30 else 12, day, 23, 59, tzinfo=timezone.utc)

        card = compile_card(models["acme"]["m"], Terms(tier=tier), at)

        assert card.price(Usage(input=1_000_000)).total == Decimal(usd)


def test_a_patch_can_announce_a_price():
    """The patched model's own rates hold until then, and what the patch does not name stays."""
    known = next(read_litellm({"acme/m": litellm_entry(output_cost_per_token=3e-6)}, "list"))
    own = {"provider": "acme", "model": "m", "periods": [{"since": "2026-12-01", "input": 2}]}
    (announced,) = read_prices(parse_json(json.dumps({"models": [own]}), "patches")).models

    rates = [period.rates for period in patch(known, announced).periods]

    assert rates == [
        {"input": ((0, 10**9),), "output": ((0, 3 * 10**9),)},
        {"input": ((0, 2 * 10**9),), "output": ((0, 3 * 10**9),)},
    ]

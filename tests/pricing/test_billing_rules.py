"""Providers' billing rules of 2026-11-21, a test for each with its worked example, numbered as they are there."""

from datetime import datetime, timezone
from decimal import Decimal

import pytest

from costspan.adapters import openai
from costspan.pricing import Pricer, PriceStatus
from costspan.replies import read_reply
from costspan.usage import ModelUsage, Terms, Usage

NOON = datetime(2026, 11, 19, 12, tzinfo=timezone.utc)  # a Thursday, off-peak everywhere


@pytest.fixture(scope="module")
def pricer():
    return Pricer()


@pytest.fixture(scope="module")
def cost(pricer):
    def price_of(provider, model, usage, at=NOON, **terms):
        return pricer.price(usage, provider=provider, model=model, at=at, terms=Terms(**terms)).total

    return price_of


def usd(text):
    return Decimal(text)


class TestAnthropic:
    def test_1_cache_counts_stand_beside_the_input_count(self, cost):
        usage = Usage(input=100, cache_read=50_000, cache_write_5m=6_000, cache_write_1h=4_000, output=500)

        assert usage.total_input == 60_100
        assert cost("anthropic", "claude-sonnet-4-6", usage) == usd("0.0693")

    def test_2_the_last_cumulative_usage_of_a_stream_is_what_is_billed(self, cost):
        # start {in 700, out 8}, delta {in 2,400, out 150}: never their sum
        assert cost("anthropic", "claude-sonnet-4-6", Usage(input=2_400, output=150)) == usd("0.00945")

    def test_3_thinking_is_a_part_of_the_output_and_billed_like_it(self, cost):
        apart = cost("anthropic", "claude-sonnet-4-6", Usage(output=70, reasoning=50))

        assert apart == cost("anthropic", "claude-sonnet-4-6", Usage(output=120)) == usd("0.0018")

    def test_4_other_iterations_are_billed_besides_at_their_own_model(self, pricer):
        compaction = ModelUsage("", Usage(input=55_000, output=125))
        advisor = ModelUsage("claude-opus-4-8", Usage(input=2_500, output=20))

        def price(*parts):
            usage = Usage(input=220, output=8)
            return pricer.price(usage, provider="anthropic", model="claude-sonnet-4-6", parts=parts).total

        assert price(compaction) == usd("0.167655")
        assert price(advisor) - price() == usd("0.013")

    def test_5_web_searches_cost_and_web_fetches_do_not(self, cost):
        assert cost("anthropic", "claude-sonnet-4-6", Usage(web_searches=2)) == usd("0.02")
        assert cost("anthropic", "claude-sonnet-4-6", Usage(web_fetches=3)) == 0

    def test_6_fast_doubles_us_adds_a_tenth_batch_halves(self, cost):
        usage = Usage(input=10_000, output=1_000)

        prices = [cost("anthropic", "claude-opus-5", usage, **terms) for terms in TERMS_OF_OPUS]

        assert prices == [usd("0.075"), usd("0.15"), usd("0.0825"), usd("0.0375"), usd("0.0375")]


TERMS_OF_OPUS = ({}, {"speed": "fast"}, {"geo": "us"}, {"batch": True}, {"tier": "batch"})


SEARCHING = {
    "gpt-4o": ("gpt-4o-search-preview", "gpt-4o-search-preview-2025-03-11"),
    "gpt-4o-mini": ("gpt-4o-mini-search-preview", "gpt-4o-mini-search-preview-2025-03-11"),
    "gpt-5": ("gpt-5-search-api", "gpt-5-search-api-2025-10-14"),
}


class TestOpenAI:
    def test_7_cached_tokens_are_inside_the_prompt_and_reasoning_inside_the_completion(self, cost):
        usage = Usage(input=2_000, cache_read=8_000, output=400, reasoning=600)

        assert cost("openai", "gpt-5", usage) == usd("0.0135")

    def test_8_cache_writes_are_billed_above_the_input_rate(self, cost):
        usage = Usage(input=2_000, cache_read=10_000, cache_write=8_000, output=1_000)

        assert cost("openai", "gpt-6-sol", usage) == usd("0.036")

    def test_9_the_tier_that_served_sets_the_rates(self, cost):
        usage = Usage(input=1_000, output=1_000)

        prices = {tier: cost("openai", "gpt-5", usage, tier=tier) for tier in ("default", "flex", "priority", "auto")}

        assert prices == {
            "default": usd("0.01125"),
            "flex": usd("0.005625"),
            "priority": usd("0.0225"),
            "auto": usd("0.01125"),
        }
        assert cost("openai", "gpt-5", usage, batch=True) == usd("0.005625")

    def test_10_past_the_long_context_threshold_the_whole_request_is_dearer(self, cost):
        assert cost("openai", "gpt-5.4", Usage(input=300_000, output=2_000)) == usd("1.545")
        assert cost("openai", "gpt-5.4", Usage(input=272_000)) == usd("0.68")

    def test_11_tool_calls_have_fees(self, cost):
        assert cost("openai", "gpt-4.1", Usage(web_searches=1)) == usd("0.01")
        assert cost("openai", "gpt-4.1", Usage(web_searches=1), search_tool="web_search_preview") == usd("0.025")
        assert cost("openai", "gpt-5", Usage(web_searches=1), search_tool="web_search_preview") == usd("0.01")
        for model, fee in (("gpt-4o", "0.025"), ("gpt-4o-mini", "0.025"), ("gpt-5", "0.01")):
            for name in SEARCHING[model]:
                assert cost("openai", name, Usage(input=1_000)) == cost("openai", model, Usage(input=1_000)) + usd(fee)
                assert cost("openai", name, Usage(web_searches=1)) == usd(fee)
        assert cost("openai", "gpt-4o", Usage(file_searches=1)) == usd("0.0025")
        assert cost("openai", "gpt-5", Usage(code_sessions=1)) == usd("0.03")

    def test_12_audio_has_its_own_rates_in_both_directions_and_from_the_cache(self, cost):
        usage = Usage(input=200, input_audio=800, output=100, output_audio=400)

        assert cost("openai", "gpt-4o-audio-preview", usage) == usd("0.0655")
        cached, fresh = (cost("openai", "gpt-realtime", Usage(**{of: 1})) for of in ("cache_read_audio", "input_audio"))
        assert 0 < cached < fresh

    def test_13_no_usage_is_no_count(self):
        _, reply = read_reply({"model": "gpt-4o", "choices": [], "usage": None})

        assert reply.usage is None

    def test_13_usage_in_every_chunk_is_cumulative_the_last_wins(self):
        chunks = [{"prompt_tokens": 10, "completion_tokens": out} for out in (1, 5, 9)]

        usage = openai.CHAT_USAGE.read(chunks).usage

        assert usage == Usage(input=10, output=9)

    def test_14_an_incomplete_response_bills_what_it_used(self):
        answer = {
            "status": "incomplete",
            "model": "gpt-5",
            "usage": {"input_tokens": 10, "output_tokens": 4},
            "output": [],
        }

        assert read_reply(answer)[1].usage == Usage(input=10, output=4)

    def test_15_a_fine_tuned_model_is_priced_by_its_fine_tuned_base(self, cost):
        usage = Usage(input=1_000, output=1_000)

        assert cost("openai", "ft:gpt-4o-mini-2024-07-18:org::id", usage) == usd("0.0015")
        assert cost("openai", "gpt-4o-mini", usage) == usd("0.00075")

    def test_16_images_by_tokens_or_by_count_and_size_and_speech_by_the_second(self, cost, pricer):
        assert cost("openai", "gpt-image-1", Usage(output_image=1_000, images=1)) == usd("0.04")
        assert cost("openai", "dall-e-3", Usage(images=2), size="1024x1024", quality="hd") == usd("0.16")
        assert cost("openai", "dall-e-3", Usage(images=1), size="1024x1792", quality="standard") == usd("0.08")
        assert cost("openai", "whisper-1", Usage(input_audio_ms=10_000)) == usd("0.001")
        hosted = {"parts": (ModelUsage("image_generation", Usage(images=1)),), "provider": "openai", "model": "gpt-5"}
        price = pricer.price(Usage(input=10, output=10), **hosted)
        assert (price.status, price.missing) == (PriceStatus.PARTIAL, ("image_generation",))

    def test_17_data_residency_adds_a_tenth_on_newer_families(self, cost):
        usage = Usage(input=1_000_0, output=1_000)

        for geo in ("us", "eu", "jp", "au", "in", "ae"):
            assert cost("openai", "gpt-5.4", usage, geo=geo) == cost("openai", "gpt-5.4", usage) * usd("1.1")
        assert cost("openai", "gpt-4o", usage, geo="eu") == cost("openai", "gpt-4o", usage)
        assert cost("openai", "gpt-realtime-2.1-mini", usage, geo="eu") == usd("0.00924")
        assert cost("openai", "gpt-realtime-mini-2025-12-15", usage, geo="eu") == usd("0.0084")


HEARD = {"input_audio": 1_000}


class TestGoogle:
    def test_18_thoughts_are_output_and_tool_use_is_input(self, cost):
        usage = Usage(input=4_500, cache_read=6_000, output=300, reasoning=700)

        assert cost("gcp.gemini", "gemini-2.5-flash", usage) == usd("0.00403")

    def test_19_audio_input_has_its_rate_cached_too(self, cost):
        usage = Usage(input=2_000, input_audio=8_000, output=1_000)

        assert cost("gcp.gemini", "gemini-2.5-flash", usage) == usd("0.0111")
        assert cost("gcp.gemini", "gemini-2.5-flash", Usage(cache_read_audio=1_000_000)) == usd("0.1")

    def test_20_above_200k_the_whole_request_is_dearer(self, cost):
        assert cost("gcp.gemini", "gemini-2.5-pro", Usage(input=250_000, output=1_000)) == usd("0.64")

    def test_20_half_the_price_is_half_of_the_dearer_one_above_200k(self, cost):
        usage = Usage(input=150_000, cache_read=100_000, output=1_000)

        for host in ("gcp.gemini", "gcp.vertex_ai"):
            flex = cost(host, "gemini-2.5-pro", usage, tier="ON_DEMAND_FLEX")
            assert flex == (usd("0.1875") + usd("0.025") + usd("0.0075"))  # the lists give no discount on cached input

    def test_21_a_tier_is_cheaper_or_dearer_for_pictures_and_sound_too(self, cost):
        for tier, factor in (("FLEX", "0.5"), ("PRIORITY", "1.8")):
            for model, used in (("gemini-2.5-flash-image", {"output_image": 1_290}), ("gemini-3.5-flash", HEARD)):
                usage = Usage(**used)
                served = cost("gcp.gemini", model, usage, tier=f"ON_DEMAND_{tier}")
                assert served == cost("gcp.gemini", model, usage) * usd(factor)

    def test_21_the_traffic_type_is_the_tier(self, cost, pricer):
        usage = Usage(input=1_000_000)
        by_traffic = {
            kind: cost("gcp.vertex_ai", "gemini-2.5-flash", usage, tier=kind)
            for kind in ("ON_DEMAND", "ON_DEMAND_FLEX", "ON_DEMAND_PRIORITY")
        }

        assert by_traffic == {
            "ON_DEMAND": usd("0.3"),
            "ON_DEMAND_FLEX": usd("0.15"),
            "ON_DEMAND_PRIORITY": usd("0.54"),
        }
        thought = Usage(input=5, output=1, reasoning=51)
        assert cost("gcp.vertex_ai", "gemini-3-flash-preview", thought, tier="ON_DEMAND_FLEX") == usd("0.00007925")
        heard = Usage(input_audio=1_000_000)
        assert cost("gcp.vertex_ai", "gemini-3-flash-preview", heard, tier="ON_DEMAND_FLEX") == usd("0.5")
        reserved = pricer.price(
            usage, provider="gcp.vertex_ai", model="gemini-2.5-flash", terms=Terms(tier="PROVISIONED_THROUGHPUT")
        )
        assert (reserved.status, reserved.total) == (PriceStatus.FREE, 0)

    def test_22_grounding_costs_by_prompt_or_by_query(self, cost):
        assert cost("gcp.gemini", "gemini-2.5-flash", Usage(web_searches=1)) == usd("0.035")
        assert cost("gcp.gemini", "gemini-3.5-flash", Usage(web_searches=2)) == usd("0.028")

    def test_23_vertex_has_its_own_prices_and_regional_endpoints_cost_a_tenth_more(self, cost):
        usage = Usage(input=10_000, output=1_000)

        at_vertex = cost("gcp.vertex_ai", "gemini-3.5-flash", usage)
        assert cost("gcp.vertex_ai", "gemini-3.5-flash", usage, geo="europe-west4") == at_vertex * usd("1.1")
        assert cost("gcp.vertex_ai", "gemini-3.5-flash", usage, geo="global") == at_vertex
        by_host = [cost(host, "gemini-2.0-flash", Usage(input=1_000_000)) for host in ("gcp.vertex_ai", "gcp.gemini")]
        assert by_host == [usd("0.15"), usd("0.1")]

    def test_22_what_a_search_found_makes_no_long_prompt(self, cost):
        found = Usage(input=150_000, input_grounding=60_000)

        assert cost("gcp.gemini", "gemini-2.5-pro", found) == usd("0.1875")

    @pytest.mark.parametrize("host", ["gcp.gemini", "gcp.vertex_ai"])
    @pytest.mark.parametrize(("tier", "factor"), [("", "1"), ("flex", "0.5"), ("batch", "0.5"), ("priority", "1.8")])
    def test_40_every_tier_takes_part_when_an_introductory_price_ends(self, pricer, host, tier, factor):
        usage = Usage(input=1_000_000)
        told = {"provider": host, "model": "gemini-4-argon", "terms": Terms(tier=tier)}

        before, after = (
            pricer.price(usage, at=datetime(*day, tzinfo=timezone.utc), **told).total
            for day in ((2026, 11, 30, 23, 59, 59), (2026, 12, 1))
        )

        assert (before, after) == (2 * Decimal(factor), 4 * Decimal(factor))

    def test_24_thoughts_that_come_late_in_a_stream_are_kept(self):
        answer = {
            "modelVersion": "gemini-2.5-flash",
            "usageMetadata": {"promptTokenCount": 5, "candidatesTokenCount": 3, "thoughtsTokenCount": 7},
        }

        assert read_reply(answer)[1].usage == Usage(input=5, output=3, reasoning=7)


class TestBedrock:
    def test_25_converse_counts_cache_apart_and_nova_reads_at_a_quarter(self, cost):
        usage = Usage(input=22, cache_read=2_492, output=13)

        assert usage.total_input == 2_514
        assert cost("aws.bedrock", "us.amazon.nova-lite-v1:0", usage) == usd("0.00004182")
        assert cost("aws.bedrock", "amazon.nova-lite-v1:0", Usage(cache_write=1_000_000)) == usd("0.06")

    def test_26_the_region_is_in_the_id(self, cost):
        usage = Usage(input=1_000, output=1_000)

        assert cost("aws.bedrock", "global.anthropic.claude-haiku-4-5-20251001-v1:0", usage) == usd("0.006")
        assert cost("aws.bedrock", "eu.anthropic.claude-haiku-4-5-20251001-v1:0", usage) == usd("0.0066")
        assert cost("aws.bedrock", "anthropic.claude-haiku-4-5-20251001-v1:0", usage) == usd("0.0066")

    def test_26_europe_and_japan_have_prices_of_their_own(self, cost):
        zones = ("us", "eu", "jp", "global")
        found = [cost("aws.bedrock", f"{zone}.amazon.nova-2-lite-v1:0", Usage(input=1_000_000)) for zone in zones]

        assert found == [usd("0.33"), usd("0.429"), usd("0.396"), usd("0.3")]

    def test_27_what_is_billed_by_the_query_is_not_free_because_only_tokens_are_told(self, pricer):
        price = pricer.price(Usage(input=100), provider="aws.bedrock", model="cohere.rerank-v3-5:0")

        assert price.status is PriceStatus.UNPRICED

    def test_27_a_body_of_anthropics_on_bedrock_counts_as_anthropics(self):
        body = {"model": "claude-haiku-4-5-20251001", "usage": {"input_tokens": 5, "cache_read_input_tokens": 7}}

        assert read_reply(body)[1].usage == Usage(input=5, cache_read=7)

    def test_28_a_profile_arn_holds_the_model_and_an_application_profile_does_not(self, pricer):
        arn = "arn:aws:bedrock:eu-west-1:123456789012"
        model = "eu.anthropic.claude-haiku-4-5-20251001-v1:0"

        for asked in ("", f"{arn}:default-prompt-router/anthropic.claude:1"):
            told = {"model": f"{arn}:inference-profile/{model}", "request_model": asked}
            assert pricer.price(Usage(input=1_000), provider="aws.bedrock", **told).total == usd("0.0011")
        opaque = pricer.price(Usage(input=1), provider="aws.bedrock", model=f"{arn}:application-inference-profile/a1b2")
        assert opaque.status is PriceStatus.UNPRICED
        hourly = pricer.price(Usage(input=1), provider="aws.bedrock", model=f"{arn}:provisioned-model/a1b2")
        assert hourly.status is PriceStatus.FREE


class TestOthers:
    def test_29_azure_prices_by_the_answering_model_and_by_the_kind_of_deployment(self, cost, pricer):
        usage = Usage(input=1_000_000)

        assert cost("azure.ai.openai", "gpt-4o-2024-08-06", usage) == usd("2.5")
        assert cost("azure.ai.openai", "gpt-4o-2024-08-06", usage, deployment="data_zone") == usd("2.75")
        assert cost("azure.ai.openai", "gpt-4o", usage, geo="eu", deployment="data_zone") == usd("2.75")
        assert cost("azure.ai.openai", "gpt-4-turbo-2024-04-09", usage, deployment="regional") == usd("11")
        named = pricer.price(usage, provider="azure.ai.openai", model="our-chat-prod")
        assert named.status is PriceStatus.UNPRICED

    def test_30_deepseek_prices_by_the_utc_hour_and_weekday(self, cost):
        usage = Usage(input=1_000, output=1_000)
        thursday_peak = datetime(2026, 11, 19, 2, tzinfo=timezone.utc)
        friday_peak, sunday_same_hour = (thursday_peak.replace(day=day) for day in (20, 22))

        prices = [
            cost("deepseek", "deepseek-v4-flash", usage, at=at)
            for at in (thursday_peak, NOON, friday_peak, sunday_same_hour)
        ]

        assert prices == [usd("0.0015"), usd("0.00075"), usd("0.0015"), usd("0.00075")]

    @pytest.mark.parametrize(
        ("day", "price"),
        [
            ("2025-09-01T12:00", "0.00137"),
            ("2025-09-01T20:00", "0.000685"),
            ("2025-09-06T12:00", "0.00224"),
            ("2025-09-29T12:00", "0.0007"),
            ("2026-05-01T12:00", "0.00042"),  # the name stood for deepseek-v4-flash
        ],
    )
    def test_30_deepseeks_older_names_have_the_price_of_their_day(self, cost, day, price):
        at = datetime.fromisoformat(day).replace(tzinfo=timezone.utc)

        assert cost("deepseek", "deepseek-chat", Usage(input=1_000, output=1_000), at=at) == usd(price)

    def test_31_mistrals_cached_tokens_cost_a_tenth(self, cost):
        fresh, cached = (
            cost("mistral_ai", "mistral-large-latest", Usage(**{of: 10**6})) for of in ("input", "cache_read")
        )

        assert (fresh, cached) == (usd("0.5"), usd("0.05"))

    def test_31_a_transcription_is_billed_by_its_minutes_alone(self, pricer):
        heard = Usage(input=4, output=635, input_audio_ms=120_000)

        price = pricer.price(heard, provider="mistral_ai", model="voxtral-mini-latest")

        assert (price.status, price.total) == (PriceStatus.PRICED, Decimal("0.006"))

    def test_32_xais_reasoning_beside_the_completion_is_output(self):
        usage, _, _ = openai.CHAT_USAGE.read(
            [
                {
                    "prompt_tokens": 100,
                    "completion_tokens": 20,
                    "total_tokens": 420,
                    "completion_tokens_details": {"reasoning_tokens": 300},
                }
            ]
        )

        assert usage.total_output == 320

    def test_33_cohere_bills_its_billed_units(self, cost):
        answer = {"meta": {"billed_units": {"input_tokens": 3, "output_tokens": 2}, "tokens": {"input_tokens": 70}}}

        assert read_reply(answer)[1].usage == Usage(input=3, output=2)
        assert cost("cohere", "rerank-v3.5", Usage(search_units=1)) == usd("0.002")

    def test_34_openrouters_stated_charge_wins_even_if_it_is_nothing(self, pricer):
        for stated in (usd("0.00042"), usd(0)):
            price = pricer.price(
                Usage(input=10**6), provider="openrouter", model="anthropic/claude-opus-5", stated_cost=stated
            )
            assert (price.total, price.stated) == (stated, True)

    def test_35_perplexity_adds_a_fee_by_search_context(self, cost):
        usage = Usage(input=1_000, output=500)

        prices = [cost("perplexity", "sonar", usage, search_context=size) for size in ("low", "medium", "high", "")]

        assert prices == [usd("0.0065"), usd("0.0095"), usd("0.0135"), usd("0.0065")]

    def test_36_groqs_compound_systems_have_no_price_of_their_own(self, pricer):
        assert pricer.price(Usage(input=1), provider="groq", model="groq/compound").status is PriceStatus.UNPRICED

    def test_37_a_local_server_is_free_whatever_the_model_is_called(self, pricer):
        for provider in ("ollama", "vllm", "localhost:8000", "127.0.0.1"):
            price = pricer.price(Usage(input=1_000), provider=provider, model="gpt-4o")
            assert (price.status, price.total) == (PriceStatus.FREE, 0)


class TestMore:
    def test_groq_bills_a_recording_as_ten_seconds_at_least(self, cost):
        short, ten, long = (
            cost("groq", "whisper-large-v3", Usage(input_audio_ms=length)) for length in (1, 10_000, 20_000)
        )

        assert short == ten < long
        assert cost("groq", "whisper-large-v3", Usage(input=5)) is None

    def test_fireworks_halves_cached_input_where_its_list_has_no_rate(self, cost):
        fresh, cached = (
            cost("fireworks_ai", "accounts/fireworks/models/llama-v3p1-8b-instruct", Usage(**{of: 10**6}))
            for of in ("input", "cache_read")
        )

        assert cached == fresh / 2

    def test_what_a_list_says_is_free_is_free(self, pricer):
        price = pricer.price(Usage(input=5), provider="gcp.gemini", model="gemma-3-27b-it")

        assert price.status is PriceStatus.FREE
        deployed = pricer.price(Usage(input=5), provider="gcp.vertex_ai", model="gemma-3-27b-it")
        assert deployed.status is PriceStatus.UNPRICED  # the same model there runs on the user's own machines


class TestAll:
    def test_38_an_unknown_model_has_no_price_and_0_means_free(self, pricer):
        unknown = pricer.price(Usage(input=1), provider="openai", model="gpt-99")
        free = pricer.price(Usage(input=1), provider="openrouter", model="someone/some-model:free")
        others = [("openrouter", "someone/some-model"), ("openai", "some-model:free")]

        assert (unknown.status, unknown.total) == (PriceStatus.UNPRICED, None)
        assert all(pricer.price(Usage(input=1), provider=host, model=name).total is None for host, name in others)
        assert (free.status, free.total) == (PriceStatus.FREE, 0)

    def test_39_what_an_answer_reported_before_its_error_is_billed(self):
        failed = {
            "response": {"model": "gpt-5", "error": {"code": "x"}, "usage": {"input_tokens": 9, "output_tokens": 2}}
        }

        usage = openai.RESPONSES_USAGE.read([failed["response"]["usage"]]).usage

        assert usage == Usage(input=9, output=2)

    def test_40_the_price_is_that_of_the_call_s_own_time(self, cost):
        before, after = (datetime(2026, month, 1, tzinfo=timezone.utc) for month in (8, 10))
        usage = Usage(input=1_000_000)

        assert cost("deepseek", "deepseek-v4-flash", usage, at=before) == usd("0.14")
        assert cost("deepseek", "deepseek-v4-flash", usage, at=after) == usd("0.15")

    def test_40_embeddings_have_no_output_and_the_answering_model_counts(self, cost, pricer):
        assert cost("openai", "text-embedding-3-small", Usage(input=1_000_000)) == usd("0.02")
        routed = pricer.price(Usage(input=10**6), provider="openai", model="gpt-4o-mini", request_model="gpt-4o")
        assert routed.total == usd("0.15")

    def test_41_a_usage_is_priced_once_however_it_is_divided(self, cost):
        whole = Usage(input=1_000, output=500)
        parts = Usage(input=400, output=500) + Usage(input=600)

        assert cost("openai", "gpt-4o", whole) == cost("openai", "gpt-4o", parts)

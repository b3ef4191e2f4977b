from decimal import Decimal
from itertools import permutations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from openai import NOT_GIVEN

from costspan.adapters import dashscope
from costspan.adapters._openai_fields import CHAT_USAGE, RESPONSES_USAGE
from costspan.adapters._usage import UsageMap
from costspan.usage import Usage

APART = UsageMap(
    input="input_tokens",
    output="output_tokens",
    cache_read="cache_read",
    cache_write_total="cache_write",
    cache_write_1h="written.hour",
    reasoning="thoughts",
    total="total",
    extra_input="tools",
)


def test_what_a_total_contains_is_taken_out_of_it():
    usage, cut, _ = CHAT_USAGE.read(
        [
            {
                "prompt_tokens": 1000,
                "completion_tokens": 200,
                "total_tokens": 1200,
                "prompt_tokens_details": {"cached_tokens": 600, "audio_tokens": 100},
                "completion_tokens_details": {"reasoning_tokens": 50},
            }
        ]
    )

    assert usage == Usage(input=300, cache_read=600, input_audio=100, output=150, reasoning=50)
    assert not cut


def test_cached_audio_is_one_bucket_of_its_own():
    usage, _, _ = CHAT_USAGE.read(
        [
            {
                "prompt_tokens": 1000,
                "prompt_tokens_details": {
                    "cached_tokens": 500,
                    "audio_tokens": 400,
                    "cached_tokens_details": {"audio_tokens": 100},
                },
            }
        ]
    )

    assert usage == Usage(input=200, cache_read=400, cache_read_audio=100, input_audio=300)


def test_audio_that_is_all_cached_is_counted_once():
    details = {"cached_tokens": 100, "audio_tokens": 100, "cached_tokens_details": {"audio_tokens": 100}}

    usage, _, _ = CHAT_USAGE.read([{"prompt_tokens": 100, "prompt_tokens_details": details}])

    assert usage == Usage(cache_read_audio=100)


@pytest.mark.parametrize(
    ("told", "wanted", "marked"),
    [
        ({"prompt_tokens": 10, "prompt_tokens_details": {"cached_tokens": 10}}, Usage(cache_read=10), False),
        ({"prompt_tokens": 10, "prompt_tokens_details": {"cached_tokens": 11}}, Usage(cache_read=10), True),
        ({"completion_tokens": 5, "completion_tokens_details": {"reasoning_tokens": 5}}, Usage(reasoning=5), False),
        ({"completion_tokens": 5, "completion_tokens_details": {"reasoning_tokens": 6}}, Usage(reasoning=5), True),
    ],
)
def test_a_part_that_is_more_than_what_holds_it_is_cut_and_marked(told, wanted, marked):
    usage, cut, _ = CHAT_USAGE.read([told])

    assert (usage, cut) == (wanted, marked)


@pytest.mark.parametrize("order", ["".join(each) for each in permutations("abc")])
def test_of_several_places_the_first_one_counts_wherever_it_stands(order):
    told = {name: "abc".index(name) + 3 for name in order}
    assert UsageMap(input="a|b|c", output="b|c").read([told]).usage == Usage(input=3, output=4)


def test_counts_that_stand_apart_are_not_taken_out():
    usage, _, _ = APART.read([{"input_tokens": 22, "output_tokens": 9, "cache_read": 2492, "thoughts": 5}])

    assert usage == Usage(input=22, cache_read=2492, output=9, reasoning=5)
    assert usage.total_input == 2514


def test_writes_told_apart_are_taken_out_of_all_writes():
    usage, _, _ = APART.read([{"input_tokens": 1, "cache_write": 10, "written": {"hour": 4}}])

    assert usage == Usage(input=1, cache_write=6, cache_write_1h=4)


def test_more_fresh_input_is_added():
    usage, _, _ = APART.read([{"input_tokens": 100, "tools": 7, "output_tokens": 3}])

    assert usage == Usage(input=107, output=3)


@pytest.mark.parametrize(
    ("total", "wanted"),
    [
        (420, Usage(input=100, output=20, reasoning=300)),  # xAI: beside
        (120, Usage(input=100, reasoning=20)),  # inside, and more than there is: cut
    ],
)
def test_the_providers_own_total_decides_whether_reasoning_is_inside(total, wanted):
    usage, _, _ = CHAT_USAGE.read(
        [
            {
                "prompt_tokens": 100,
                "completion_tokens": 20,
                "total_tokens": total,
                "completion_tokens_details": {"reasoning_tokens": 300},
            }
        ]
    )

    assert usage == wanted


@pytest.mark.parametrize(
    ("told", "wanted"),
    [
        ({"input_tokens": 10, "total": 40}, Usage(input=10, output=10, reasoning=20)),
        ({"input_tokens": 10, "total": 60}, Usage(input=10, output=30, reasoning=20)),
        ({"input_tokens": 10, "total": 45}, Usage(input=10, output=30, reasoning=20)),  # which fits neither
        (
            {"input_tokens": 8, "tools": 2, "cache_read": 5, "total": 45},
            Usage(input=10, cache_read=5, output=10, reasoning=20),
        ),
        ({"total": 40}, Usage(output=30, reasoning=20)),  # of an input that is not told
    ],
)
def test_a_total_may_show_that_thoughts_were_inside_after_all(told, wanted):
    usage, _, _ = APART.read([{"output_tokens": 30, "thoughts": 20, **told}])

    assert usage == wanted


def test_later_objects_win_count_by_count():
    usage, _, _ = APART.read([{"input_tokens": 700, "output_tokens": 8, "cache_read": 5}, {"output_tokens": 150}])

    assert usage == Usage(input=700, cache_read=5, output=150)


def test_seconds_become_milliseconds():
    assert UsageMap(input_audio_s="seconds").read([{"seconds": 1.5}]) == (Usage(input_audio_ms=1500), False, None)


def test_both_times_to_live_of_openais_cache_are_kept():
    details = {"cache_write_tokens": 30, "cache_write_tokens_details": {"ttl_30m_tokens": 10, "ttl_12h_tokens": 20}}
    usage, _, _ = RESPONSES_USAGE.read([{"input_tokens": 100, "output_tokens": 1, "input_tokens_details": details}])

    assert usage == Usage(input=70, cache_write_30m=10, cache_write_12h=20, output=1)


@pytest.mark.parametrize("usage_map", [CHAT_USAGE, dashscope.USAGE])
def test_what_qwens_explicit_cache_is_given_is_told_apart(usage_map):
    details = {"cached_tokens": 600, "cache_creation_input_tokens": 300, "cache_type": "ephemeral"}
    usage, _, _ = usage_map.read([{"prompt_tokens": 1000, "completion_tokens": 1, "prompt_tokens_details": details}])

    assert usage == Usage(input=100, cache_read=600, cache_write=300, output=1)


def test_a_count_in_digits_is_a_count():
    assert CHAT_USAGE.read([{"prompt_tokens": "10", "completion_tokens": 3}]).usage == Usage(input=10, output=3)


@pytest.mark.parametrize("odd", ["five", "-5", "9" * 5000, True, -1, float("nan"), float("inf"), [5], {"n": 5}, b"5"])
def test_what_is_no_count_is_left_out_and_marked(odd):
    usage, marked, _ = CHAT_USAGE.read([{"prompt_tokens": odd, "completion_tokens": 3}])

    assert usage == Usage(output=3)
    assert marked
    parts = [{"prompt_tokens": odd, "completion_tokens": NOT_GIVEN}, {"completion_tokens": 3}]
    assert all(CHAT_USAGE.read(each)[1] for each in (parts, parts[::-1]))


@pytest.mark.parametrize("nothing", [{}, {"prompt_tokens": None}, {"other": 5}, None, "text", 5])
def test_no_count_at_all_is_none_and_not_zero(nothing):
    assert CHAT_USAGE.read([nothing]) == (None, False, None)


def test_zero_is_a_count():
    assert CHAT_USAGE.read([{"prompt_tokens": 0, "completion_tokens": 0}]) == (Usage(), False, None)


def test_a_map_with_an_unknown_bucket_is_refused():
    with pytest.raises(ValueError, match="no such usage count: tokens"):
        UsageMap(tokens="tokens")


COUNT = st.integers(0, 10**9)


@given(total=COUNT, out=COUNT, cached=COUNT, audio=COUNT, reasoning=COUNT)
def test_buckets_always_add_up_to_what_the_provider_said(total, out, cached, audio, reasoning):
    """Whatever the parts claim, no token is billed twice, none is lost, and none is negative."""
    usage, _, _ = CHAT_USAGE.read(
        [
            {
                "prompt_tokens": total,
                "completion_tokens": out,
                "prompt_tokens_details": {"cached_tokens": cached, "audio_tokens": audio},
                "completion_tokens_details": {"reasoning_tokens": reasoning},
            }
        ]
    )

    assert usage.total_input == total
    assert usage.total_output == out
    assert all(count > 0 for _, count in usage)


@pytest.mark.parametrize("count", [10**30, 1e300, 10**12 + 1])
def test_what_no_call_can_have_used_is_no_count(count):
    """It would not fit into what carries the sums: one such count would end all metrics of the process."""
    assert CHAT_USAGE.read([{"prompt_tokens": count, "completion_tokens": count}]) == (None, True, None)
    assert CHAT_USAGE.read([{"prompt_tokens": 7, "completion_tokens": count}]) == (Usage(input=7), True, None)


@pytest.mark.parametrize(
    ("told", "cost"),
    [
        ({"cost": 0.1}, "0.1"),
        ({"cost": "0.1"}, "0.1"),
        ({"cost": 0}, "0"),
        ({"cost": {"total_cost": 0.25, "request_cost": 0.2}}, "0.25"),
        ({"estimated_cost": 0.5}, "0.5"),
        ({"cost_in_usd_ticks": 25_000_000}, "0.0025"),
        ({"cost_in_usd_ticks": 3_000_000_000_000}, "300"),
    ],
)
def test_what_a_host_says_it_charges_is_read_beside_the_counts(told, cost):
    usage, cut, stated = CHAT_USAGE.read([{"prompt_tokens": 10}, told])
    assert (usage, cut, stated) == (Usage(input=10), False, Decimal(cost))


@pytest.mark.parametrize("odd", ["NaN", "Infinity", "free", "", -1, 10**9, True])
def test_a_charge_that_is_no_amount_is_left_out_and_marked(odd):
    assert CHAT_USAGE.read([{"prompt_tokens": 10, "cost": odd}]) == (Usage(input=10), True, None)


def test_a_cost_alone_is_no_usage():
    assert CHAT_USAGE.read([{"cost": 1}]) == (None, False, 1)

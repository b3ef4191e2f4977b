"""A prompt's parts add up to what the provider reported, to the token."""

from hypothesis import given
from hypothesis import strategies as st
from test_missing import QUESTION, finished_call

from costspan.tokens.dividing import divide_prompt, scaled
from costspan.tokens.reading import PARTS
from costspan.usage import Usage


@given(
    counts=st.dictionaries(st.sampled_from(PARTS), st.integers(1, 10**6), min_size=1),
    total=st.integers(1, 10**9),
)
def test_shares_add_up_exactly_and_none_is_negative(counts, total):
    shares = scaled(counts, total)
    assert sum(shares.values()) == total
    assert min(shares.values()) >= 0
    assert shares.keys() == counts.keys()


def test_what_the_provider_adds_by_itself_is_told_as_hidden():
    call = finished_call({"messages": QUESTION})
    call.reply.usage = Usage(input=100, cache_read=14)
    divide_prompt(call)
    assert call.reply.prompt == {"system": 24, "newest": 90, "hidden": 100}


def test_without_usage_or_prompt_nothing_is_divided():
    for body, usage in (
        ({"messages": QUESTION}, None),
        ({"messages": QUESTION}, Usage()),
        ({"prompt": ""}, Usage(input=5)),
    ):
        call = finished_call(body)
        call.reply.usage = usage
        divide_prompt(call)
        assert call.reply.prompt is None

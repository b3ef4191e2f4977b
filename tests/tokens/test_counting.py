"""Counts of parts, put together."""

import pytest

from costspan.call import UsageSource
from costspan.tokens.count import TokenCount
from costspan.tokens.counting import add

EXACT = TokenCount(3, UsageSource.TOKENIZER, 0.0)
ROUGH = TokenCount(4, UsageSource.HEURISTIC, 0.2)


@pytest.mark.parametrize(("one", "other"), [(EXACT, ROUGH), (ROUGH, EXACT)])
def test_a_sum_is_as_sure_as_the_less_sure_of_its_parts(one, other):
    both = add(one, other)

    assert (both, both.exact, both.error) == (7, False, 0.2)


def test_a_sum_of_exact_counts_is_exact():
    both = add(EXACT, EXACT)

    assert (both, both.exact, both.error) == (6, True, 0.0)
    assert add(None, EXACT) is EXACT

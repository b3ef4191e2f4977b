import copy
import pickle

import pytest

from costspan.usage import BUCKETS, Usage


def test_totals_count_every_side_once():
    usage = Usage(input=400, cache_read=600, cache_write_1h=20, output=150, reasoning=50, output_audio=5, images=3)

    assert usage.total_input == 1020
    assert usage.total_output == 205
    assert usage.total_cache_read == 600
    assert usage.total_cache_write == 20
    assert usage.images == 3


def test_an_absent_bucket_is_zero_and_not_kept():
    assert Usage(input=0, output=5).counts == {"output": 5}
    assert Usage(output=5).cache_read == 0
    assert not Usage()
    assert Usage(output=5)


def test_two_usages_add_bucket_by_bucket():
    assert Usage(input=1, output=2) + Usage(output=3, images=1) == Usage(input=1, output=5, images=1)


def test_a_count_may_be_as_large_as_said():
    assert Usage(input=10**12).total_input == 10**12


@pytest.mark.parametrize("count", [-1, 1.5, True, "3", None, 10**12 + 1])
def test_a_count_that_is_no_whole_number_is_refused(count):
    with pytest.raises(ValueError, match="usage bucket input must be a whole number"):
        Usage(input=count)


def test_an_unknown_bucket_is_refused():
    with pytest.raises(ValueError, match="unknown usage bucket 'tokens'"):
        Usage(tokens=1)
    with pytest.raises(AttributeError, match="no attribute 'tokens'"):
        _ = Usage().tokens


def test_a_usage_cannot_be_changed():
    with pytest.raises(AttributeError, match="cannot be changed"):
        Usage(input=1).input = 2


def test_equal_usages_are_one_key_and_survive_copies():
    usage = Usage(input=1, output=2)

    assert {usage: 1}[Usage(output=2, input=1)] == 1
    assert usage not in ("Usage(input=1, output=2)", Usage(input=1, output=3))
    assert pickle.loads(pickle.dumps(usage)) == copy.deepcopy(usage) == usage  # noqa: S301 our own bytes
    assert dict(usage) == {"input": 1, "output": 2}
    assert repr(usage) == "Usage(input=1, output=2)"


def test_the_annotations_for_editors_name_every_bucket():
    annotated = {name for name in Usage.__annotations__ if not name.startswith(("_", "total_"))}

    assert annotated in (set(), BUCKETS)  # only type checkers see them

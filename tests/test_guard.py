import logging
import re

import pytest

from costspan.guard import FAILURES, Guard
from costspan.pricing.document import PriceListError


@pytest.fixture(autouse=True)
def _forget():
    FAILURES.clear()
    yield
    FAILURES.clear()


def test_our_failure_is_kept_counted_and_logged_once(caplog):
    for _ in range(3):
        with Guard("price a call"):
            raise KeyError("gpt-9")

    assert FAILURES.counts == {("price a call", "KeyError"): 3}
    assert [record.levelno for record in caplog.records] == [logging.WARNING]
    assert re.search(r"could not price a call \(KeyError at test_guard\.py:\d+\); the program is not", caplog.text)


def test_a_failure_is_told_by_its_place_and_not_by_what_was_read(caplog):
    caplog.set_level(logging.DEBUG)

    with Guard("read the response"):
        int("what the user asked")

    assert "ValueError at test_guard.py" in caplog.text
    assert "what the user asked" not in caplog.text


def test_a_failure_that_is_for_the_user_says_what_is_wrong_and_where(caplog):
    with Guard("use the price file"):
        raise PriceListError("prices.yaml:3: models.0.input: must be from 0 to 1000000 dollars, not -2")

    assert "could not use the price file (prices.yaml:3: models.0.input: must be" in caplog.text


def test_kinds_of_failure_are_told_apart(caplog):
    with Guard("a"):
        raise KeyError
    with Guard("a"):
        raise ValueError
    with Guard("b"):
        raise ValueError

    assert len(caplog.records) == 3


@pytest.mark.parametrize("signal", [KeyboardInterrupt, SystemExit, GeneratorExit])
def test_what_is_no_failure_of_ours_passes_through(signal):
    with pytest.raises(signal), Guard("a"):
        raise signal

    assert not FAILURES.counts


def test_the_panic_of_a_rust_extension_is_a_failure(caplog):
    panic = type("PanicException", (BaseException,), {})

    with Guard("count tokens"):
        raise panic

    assert FAILURES.counts == {("count tokens", "PanicException"): 1}


def test_nothing_happens_where_nothing_fails(caplog):
    with Guard("a"):
        pass

    assert not caplog.records

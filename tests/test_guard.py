import functools
import logging
import re
import signal

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


class TimeLimitError(Exception):
    """What the program's own handler of a signal raises, as those of Celery and RQ do."""


def late(_signal, _frame):
    raise TimeLimitError


def late_whatever_comes(*_given):
    raise TimeLimitError


class Limit:
    def late(self, _signal, _frame):
        raise TimeLimitError


@pytest.mark.parametrize("handler", [late, late_whatever_comes, Limit().late, functools.partial(late)])
def test_what_the_handler_of_a_signal_raises_amid_our_code_reaches_the_program(handler):
    before = signal.signal(signal.SIGALRM, handler)
    try:
        with pytest.raises(TimeLimitError), Guard("a"):
            signal.raise_signal(signal.SIGALRM)
    finally:
        signal.signal(signal.SIGALRM, before)

    assert not FAILURES.counts


def test_a_failure_while_functions_of_ours_run_stays_ours():
    def fail(*_values):
        raise TimeLimitError

    with Guard("a"):
        fail(1, 2)

    assert FAILURES.counts == {("a", "TimeLimitError"): 1}


def test_a_program_whose_log_handler_fails_is_not_stopped_by_ours():
    def refuse(_record):
        raise ValueError

    log = logging.getLogger("costspan")
    log.addFilter(refuse)
    try:
        with Guard("a"):
            raise KeyError
    finally:
        log.removeFilter(refuse)

    assert FAILURES.counts == {("a", "KeyError"): 1}


def test_a_time_limit_that_passes_while_our_failure_is_logged_reaches_the_program():
    def log_slowly(_record):
        signal.raise_signal(signal.SIGALRM)
        return True

    before = signal.signal(signal.SIGALRM, late)
    log = logging.getLogger("costspan")
    log.addFilter(log_slowly)
    try:
        with pytest.raises(TimeLimitError), Guard("a"):
            raise KeyError
    finally:
        log.removeFilter(log_slowly)
        signal.signal(signal.SIGALRM, before)

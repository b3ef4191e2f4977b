"""A long text is counted by all threads of the pool, each part once."""

import threading
import time

import pytest

from costspan.tokens.sharing import ANY_EFFORT, Effort, SharedCount
from costspan.tokens.workers import Workers

PART = 6
TEXT = "hello world " * 50  # may be cut before any word


@pytest.fixture
def helpers():
    """One thread that helps, beside the test's own."""
    pool = Workers(2, "helper")
    yield pool
    assert pool.drain(10)


def test_two_threads_count_parts_at_the_same_time_and_every_character_once(helpers):
    both = threading.Barrier(2, timeout=10)
    met = threading.Event()

    def length(part):
        if not met.is_set():
            both.wait()
            met.set()
        return len(part)

    assert SharedCount(TEXT, PART, length, Effort(helpers=helpers)).totals() == (len(TEXT), len(TEXT))


def test_who_asked_counts_alone_while_the_others_are_busy(helpers):
    held = threading.Event()
    helpers.run(held.wait)
    helpers.run(held.wait)
    assert SharedCount(TEXT, PART, len, Effort(helpers=helpers)).totals() == (len(TEXT), len(TEXT))
    held.set()


def test_a_part_that_a_helper_fails_on_is_an_error_not_a_wrong_count_and_not_a_wait(helpers):
    failed = threading.Event()

    def length(part):
        if threading.current_thread().name == "helper":
            failed.set()
            raise MemoryError
        failed.wait(10)
        return len(part)

    with pytest.raises(TypeError):
        SharedCount(TEXT, PART, length, Effort(helpers=helpers)).totals()


def test_past_the_deadline_no_more_parts_are_taken():
    characters, tokens = SharedCount(TEXT, PART, len, Effort(deadline=time.monotonic() - 1)).totals()
    assert 0 < characters == tokens < len(TEXT)


def test_without_helpers_the_parts_come_one_by_one():
    parts = []

    def length(part):
        parts.append(part)
        return 1

    assert SharedCount(TEXT, PART, length, ANY_EFFORT).totals() == (len(TEXT), len(parts))
    assert "".join(parts) == TEXT

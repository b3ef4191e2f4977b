"""The end of the program: everything is flushed, side by side, and not waited for without limit."""

from __future__ import annotations

import time
from threading import Event, Thread

import pytest

from costspan.guard import FAILURES
from costspan.telemetry.setup import shut_down, within


class Provider:
    """Takes its time, or hangs."""

    def __init__(self, seconds=0.0):
        self._seconds = seconds
        self.ended = Event()

    def shutdown(self):
        time.sleep(self._seconds)
        self.ended.set()


@pytest.fixture
def no_threads(monkeypatch):
    """As Python 3.12.0 and 3.12.1 are at exit, and any at its system's limit; the test's own server goes on."""
    start = Thread.start

    def refuse(thread):
        if thread.name.startswith("costspan-"):
            msg = "can't create new thread at interpreter shutdown"
            raise RuntimeError(msg)
        start(thread)

    monkeypatch.setattr(Thread, "start", refuse)


def test_providers_end_side_by_side():
    providers = [Provider(0.2) for _ in range(5)]
    begun = time.monotonic()
    shut_down((*providers, object()), 5)

    assert all(each.ended.is_set() for each in providers)
    assert time.monotonic() - begun < 0.8


def test_one_that_hangs_is_left_and_the_others_are_done():
    slow, quick = Provider(3), Provider()
    begun = time.monotonic()
    shut_down((slow, quick), 0.2)

    assert (slow.ended.is_set(), quick.ended.is_set()) == (False, True)
    assert time.monotonic() - begun < 1.5


def test_where_no_thread_starts_any_more_nothing_is_lost(no_threads):
    providers, done = (Provider(), Provider()), []
    shut_down(providers, 5)
    within(5, lambda: done.append(1))

    assert all(each.ended.is_set() for each in providers)
    assert done == [1]


def test_a_call_is_told_where_no_thread_starts(no_threads, telling):
    told = telling()
    told.client.chat.completions.create(model="gpt-4o", messages=[])

    assert len(told.spans) == 1
    assert not FAILURES.counts


def test_one_that_fails_harms_no_other():
    class Broken(Provider):
        def shutdown(self):
            raise OSError

    good = Provider()
    shut_down((Broken(), good), 5)

    assert good.ended.wait(5)
    assert FAILURES.counts["shut OpenTelemetry down", "OSError"] == 1
    FAILURES.clear()

"""Counting happens on daemon threads, once per call, also in a forked child and when too much is asked."""

import gc
import os
import sys
import threading
import time
import weakref

import pytest

from costspan.call import UsageSource
from costspan.guard import FAILURES
from costspan.tokens import pool as pools
from costspan.tokens.pool import CountingPool
from costspan.tokens.workers import NICENESS, Workers
from costspan.usage import Usage

from test_missing import QUESTION, finished_call  # isort: skip


def test_a_call_is_counted_and_goes_on_from_another_thread():
    seen = []
    pool = CountingPool()
    pool.submit(finished_call({"messages": QUESTION}), lambda call: seen.append((call, threading.current_thread())))
    assert pool.drain(10)
    [(call, thread)] = seen
    assert call.reply.usage.input == 14
    assert thread is not threading.current_thread()
    assert thread.daemon


def test_every_call_goes_on_exactly_once():
    seen = []
    pool = CountingPool(workers=3)
    for _ in range(200):
        pool.submit(finished_call({"messages": QUESTION}), seen.append)
    assert pool.drain(20)
    assert len(seen) == len(set(map(id, seen))) == 200


def test_beyond_its_limit_the_pool_estimates_at_once_and_says_so():
    held, seen = threading.Event(), []
    pool = CountingPool(workers=1, waiting=2)
    pool._workers.run(held.wait)
    while pool._workers.waiting:
        time.sleep(0.001)
    for _ in range(3):
        pool.submit(finished_call({"messages": QUESTION}), seen.append)
    [call] = seen
    assert call.reply.source is UsageSource.HEURISTIC
    assert call.reply.usage.total_input > 0
    assert not pool.drain(0.01)
    held.set()
    assert pool.drain(10)
    assert len(seen) == 3


def test_a_count_that_fails_lets_the_call_go_on_with_an_estimate(monkeypatch):
    def fail(call):
        raise LookupError

    monkeypatch.setattr(pools, "count_missing", fail)
    FAILURES.clear()
    seen = []
    pool = CountingPool()
    pool.submit(finished_call({"messages": QUESTION}), seen.append)
    assert pool.drain(10)
    assert (seen[0].reply.usage.total_input > 0, seen[0].reply.source) == (True, UsageSource.HEURISTIC)
    assert FAILURES.counts == {("count tokens", "LookupError"): 1}
    FAILURES.clear()


def test_at_the_end_what_is_not_counted_yet_goes_on_once_as_an_estimate(monkeypatch):
    """One call is being counted, one waits, one comes after the end."""
    held, seen = threading.Event(), []
    count = pools.count_missing

    def slowly(call):
        held.wait()
        count(call)

    monkeypatch.setattr(pools, "count_missing", slowly)
    pool = CountingPool(workers=1)
    calls = [finished_call({"messages": QUESTION}) for _ in range(3)]
    for call in calls[:2]:
        pool.submit(call, seen.append)
    pool.conclude(0.01)
    pool.submit(calls[2], seen.append)
    estimated = [call.reply.usage for call in seen]
    held.set()
    assert pool.drain(10)
    assert seen == calls
    assert [call.reply.usage for call in calls] == estimated
    assert {call.reply.source for call in calls} == {UsageSource.HEURISTIC}
    assert all(usage.total_input for usage in estimated)


def test_at_the_end_a_call_that_is_just_being_told_is_waited_for():
    begun, seen = threading.Event(), []

    def tell(call):
        begun.set()
        time.sleep(0.1)
        seen.append(call)

    pool = CountingPool()
    pool.submit(finished_call({"messages": QUESTION}), tell)
    begun.wait(10)
    pool.conclude(0)
    assert [call.reply.source for call in seen] == [UsageSource.TOKENIZER]


def test_the_end_waits_no_longer_than_it_may_for_a_call_that_is_being_told(monkeypatch):
    monkeypatch.setattr(pools, "_TELLING_SECONDS", 0.01)
    begun, held = threading.Event(), threading.Event()
    pool = CountingPool()
    pool.submit(finished_call({"messages": QUESTION}), lambda call: begun.set() or held.wait())
    begun.wait(10)
    pool.conclude(0)
    held.set()
    assert pool.drain(10)


def test_an_end_with_nothing_to_count_waits_for_nothing():
    CountingPool().conclude(0)


def test_on_linux_counting_stands_back_behind_the_programs_own_threads(monkeypatch):
    found, sys_is_linux = [], sys.platform == "linux"

    def priority():
        found.append(os.getpriority(os.PRIO_PROCESS, 0))  # of the thread itself

    on_linux = Workers(1)
    on_linux.run(priority)
    assert on_linux.drain(30)
    monkeypatch.setattr(sys, "platform", "darwin")
    elsewhere = Workers(1)
    elsewhere.run(priority)
    assert elsewhere.drain(30)

    own = os.getpriority(os.PRIO_PROCESS, 0)
    assert found == [min(own + NICENESS * sys_is_linux, 19), own]


def test_threads_start_when_needed_and_no_more_than_allowed():
    workers = Workers(2, "counted-threads")
    assert not named("counted-threads")
    held = threading.Event()
    for _ in range(6):
        workers.run(held.wait)
    assert len(named("counted-threads")) == 2
    held.set()
    assert workers.drain(10)


def named(name):
    return [each for each in threading.enumerate() if each.name == name]


def test_a_thread_that_another_call_is_just_starting_is_not_started_twice():
    workers = Workers(1)
    with workers._lock:
        workers.run(lambda: None)
    assert workers._threads == 0
    workers.run(lambda: None)
    assert workers.drain(10)
    workers._start()
    assert workers._threads == 1


def test_a_system_that_gives_no_thread_is_asked_again_by_the_next_call(monkeypatch):
    def refuse(_self):
        msg = "can't start new thread"
        raise RuntimeError(msg)

    seen, pool = [], CountingPool(workers=1)
    with monkeypatch.context() as patched:
        patched.setattr(threading.Thread, "start", refuse)
        pool.submit(finished_call({"messages": QUESTION}), seen.append)
    pool.submit(finished_call({"messages": QUESTION}), seen.append)

    assert pool.drain(10)
    assert len(seen) == 2


@pytest.mark.filterwarnings("ignore:This process .* is multi-threaded:DeprecationWarning")
def test_a_forked_child_counts_its_own_calls_and_not_its_parents():
    held, seen = threading.Event(), []
    pool = CountingPool(workers=1)
    pool._workers.run(held.wait)
    pool.submit(finished_call({"messages": QUESTION}), seen.append)
    child = os.fork()
    if not child:
        pool.submit(finished_call({"messages": QUESTION}), seen.append)
        os._exit(0 if pool.drain(20) and len(seen) == 1 else 1)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    held.set()
    assert pool.drain(10)
    assert len(seen) == 1


def test_a_pool_that_only_divides_leaves_missing_usage_missing():
    seen = []
    pool = CountingPool(fills=False, divides=True)
    missing, reported = finished_call({"messages": QUESTION}), finished_call({"messages": QUESTION})
    reported.reply.usage = Usage(input=14)
    assert not pool.wants(missing)
    assert pool.wants(reported)
    pool.estimate(missing)
    for call in (missing, reported):
        pool.submit(call, seen.append)
    assert pool.drain(10)
    assert missing.reply.usage is None
    assert reported.reply.prompt == {"system": 3, "newest": 11, "hidden": 0}


def test_a_pool_that_does_not_divide_tells_no_parts():
    pool = CountingPool()
    reported = finished_call({"messages": QUESTION})
    reported.reply.usage = Usage(input=14)
    assert not pool.wants(reported)
    pool.submit(reported, lambda call: None)
    assert pool.drain(10)
    assert reported.reply.prompt is None


def test_where_a_system_cannot_fork_the_workers_work(monkeypatch):
    monkeypatch.delattr(os, "register_at_fork")
    workers, done = Workers(1), threading.Event()
    workers.run(done.set)
    assert done.wait(10)


def test_a_pool_that_is_gone_is_not_kept_by_the_fork_hook():
    workers = Workers(1)
    gone = weakref.ref(workers)
    del workers
    gc.collect()
    assert gone() is None

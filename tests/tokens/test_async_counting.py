"""Counting never holds up an event loop, and always gives a number."""

import asyncio
import threading

import pytest

import costspan
from costspan.tokens import functions
from costspan.tokens.workers import Workers

LARGE = "hello world " * 5000  # 60 kB, 10,001 tokens


@pytest.fixture
def workers(monkeypatch):
    """The pool of this test alone."""
    pool = Workers(1)
    monkeypatch.setattr(functions, "_workers", lambda most: pool)
    yield pool
    assert pool.drain(10)


async def test_small_texts_are_counted_inline_once_the_vocabulary_is_loaded(workers):
    costspan.encode("gpt-4o", "load it")
    assert await costspan.async_token_counter("gpt-4o", text="hello world") == 2
    assert workers._threads == 0


async def test_the_first_use_of_a_vocabulary_is_not_inline(workers, monkeypatch):
    monkeypatch.setattr(functions.ENCODINGS, "has", lambda encoding: False)
    assert await costspan.async_token_counter("gpt-4o", text="hello world") == 2
    assert workers._threads == 1


async def test_a_busy_pool_is_waited_for_and_then_an_estimate_is_given(workers, monkeypatch):
    held = threading.Event()
    workers.run(held.wait)
    monkeypatch.setattr(costspan, "tokenizer_timeout_seconds", 0.05, raising=False)
    late = await costspan.async_token_counter("gpt-4o", text=LARGE)
    held.set()
    assert late.source == "heuristic"
    assert late == len(LARGE) / 4


async def test_a_count_that_nobody_waits_for_is_not_made(workers):
    held = threading.Event()
    workers.run(held.wait)
    task = asyncio.create_task(costspan.async_token_counter("gpt-4o", text=LARGE))
    await asyncio.sleep(0.01)
    task.cancel()
    held.set()
    with pytest.raises(asyncio.CancelledError):
        await task


async def test_a_count_that_comes_after_its_time_is_dropped(workers, monkeypatch):
    started, held = threading.Event(), threading.Event()
    count = functions.Question.count

    def slow(question, effort):
        started.set()
        held.wait(10)
        return count(question, effort)

    monkeypatch.setattr(functions.Question, "count", slow)
    monkeypatch.setattr(costspan, "tokenizer_timeout_seconds", 0.05, raising=False)
    late = await costspan.async_token_counter("gpt-4o", text=LARGE)
    assert started.is_set()
    held.set()
    workers.drain(10)
    await asyncio.sleep(0.01)
    assert late.source == "heuristic"


def test_a_loop_that_is_closed_before_the_count_comes_is_no_failure(workers, monkeypatch):
    held = threading.Event()
    count = functions.Question.count

    def slow(question, effort):
        held.wait(10)
        return count(question, effort)

    monkeypatch.setattr(functions.Question, "count", slow)
    monkeypatch.setattr(costspan, "tokenizer_timeout_seconds", 0.05, raising=False)
    assert asyncio.run(costspan.async_token_counter("gpt-4o", text=LARGE)) > 0
    held.set()
    assert workers.drain(10)


async def test_disabled_it_estimates_without_a_tokenizer(workers, monkeypatch):
    monkeypatch.setattr(costspan, "disable_token_counter", True, raising=False)
    assert (await costspan.async_token_counter("gpt-4o", text=LARGE)).source == "heuristic"
    assert workers._threads == 0


def test_disabled_the_plugin_finds_nothing_missing(monkeypatch):
    from test_missing import QUESTION, finished_call  # noqa: PLC0415 a call made there

    from costspan.tokens.missing import is_missing  # noqa: PLC0415 as above

    call = finished_call({"messages": QUESTION})
    assert is_missing(call)
    monkeypatch.setattr(costspan, "disable_token_counter", True, raising=False)
    assert not is_missing(call)


def test_settings_read_from_the_environment_are_there_to_read():
    assert costspan.disable_token_counter is False
    assert costspan.async_tokenizer_threshold_bytes == 8192
    assert costspan.tokenizer_threadpool_max_workers == 2
    assert costspan.tokenizer_timeout_seconds == 5.0


def test_two_workers_pools_of_different_size_do_not_mix():
    assert functions._workers(3) is functions._workers(3)
    assert functions._workers(3) is not functions._workers(5)

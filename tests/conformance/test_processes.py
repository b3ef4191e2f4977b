"""A whole program, started unchanged: its output, its exit code and its end are its own."""

from __future__ import annotations

import os
import signal
import time
from contextlib import closing

import pytest
from fake_providers import openai

from conformance import processes
from conformance.processes import Collector

pytestmark = pytest.mark.slow

WORK = """
print(call().choices[0].message.content)
print(sum(1 for chunk in stream()), flush=True)
"""
LEFT_OPEN = """
left_open = stream()
print(next(left_open).choices[0].delta.role, flush=True)
"""
SEEN = f"{openai.TEXT}\n12\n"
EXITS = {  # by collector: how a program ends, its exit code, its last words on stderr if it has some of its own
    "down": [("sys.exit(7)", 7, ""), ("os.kill(os.getpid(), 15)", -signal.SIGTERM, "")],
    "silent": [("raise LookupError('its own')", 1, "LookupError: its own")],
}


@pytest.mark.parametrize("collector", EXITS)
def test_a_dead_collector_changes_nothing_and_the_end_is_bounded(collector, fake_openai):
    """The programs run side by side, each ending in its own way."""
    with processes.silent_collector() as silent:
        address = silent if collector == "silent" else processes.no_collector()
        environ = {"OTEL_EXPORTER_OTLP_ENDPOINT": address, "COSTSPAN_EXIT_TIMEOUT": "1"}
        begun = time.monotonic()
        started = [processes.start(WORK + last, fake_openai.url, **environ) for last, _, _ in EXITS[collector]]
        ended = [processes.end(process, begun) for process in started]

    assert [(each.code, each.output) for each in ended] == [(code, SEEN) for _, code, _ in EXITS[collector]]
    assert all(words in each.errors for each, (_, _, words) in zip(ended, EXITS[collector], strict=True))
    assert "costspan could not" not in "".join(each.errors for each in ended)


def test_the_last_call_before_the_end_arrives_and_so_does_a_stream_left_open(fake_openai):
    with closing(Collector()) as collector:
        ended = processes.run(
            WORK + LEFT_OPEN, fake_openai.url, OTEL_EXPORTER_OTLP_ENDPOINT=collector.url, COSTSPAN_EXIT_TIMEOUT="30"
        )
        names = [span.name for span in collector.spans]
        calls = collector.last_sums("costspan.calls")

    # Python 3.13.0 crashes when it collects the SDK's stream at its end
    assert ended.code == 0 or ended.code == processes.run(LEFT_OPEN, fake_openai.url, bare=True).code
    assert "costspan could not" not in ended.errors
    assert names == ["chat gpt-4o"] * 3
    assert calls == [3]


def test_a_call_that_is_still_being_counted_at_the_end_arrives_as_an_estimate(fake_openai):
    program = """
import time
from costspan.tokens import pool
pool.count_missing = lambda call: time.sleep(60)
for chunk in stream(): pass
"""
    with closing(Collector()) as collector:
        ended = processes.run(
            program, fake_openai.url, OTEL_EXPORTER_OTLP_ENDPOINT=collector.url, COSTSPAN_EXIT_TIMEOUT="8"
        )
        sources = [
            each.value.string_value
            for span in collector.spans
            for each in span.attributes
            if each.key.endswith("usage.source")
        ]
        calls = collector.last_sums("costspan.calls")

    assert ended.code == 0, ended.errors
    assert (sources, calls) == (["heuristic"], [1])
    assert ended.seconds < 50


def test_a_forked_child_tells_its_own_calls_and_not_its_parents(fake_openai):
    program = """
call(); call()
child = os.fork()
if child == 0:
    client = openai.OpenAI()
    call()
    sys.exit(0)
print(os.waitpid(child, 0)[1])
"""
    with closing(Collector()) as collector:
        ended = processes.run(program, fake_openai.url, OTEL_EXPORTER_OTLP_ENDPOINT=collector.url)
        told = len(collector.spans)
        calls = collector.last_sums("costspan.calls")

    assert (ended.code, ended.output) == (0, "0\n"), ended.errors
    assert told == 3
    assert sum(calls) == 3


def test_a_forked_child_does_not_tell_what_its_parent_has_open(fake_openai):
    """The child has copies of the parent's streams: one is collected there, one is still held when it ends."""
    program = """
import gc
held, dropped = stream(), [stream()]
next(held), next(dropped[0])
child = os.fork()
if child == 0:
    dropped.clear()
    gc.collect()
    print("child ends", flush=True)
    sys.exit(0)
print(os.waitpid(child, 0)[1])
"""
    with closing(Collector()) as collector:
        ended = processes.run(
            program, fake_openai.url, OTEL_EXPORTER_OTLP_ENDPOINT=collector.url, COSTSPAN_EXIT_TIMEOUT="30"
        )
        told = len(collector.spans)
        calls = collector.last_sums("costspan.calls")

    assert ended.output.startswith("child ends\n"), ended.errors
    whole = ended.code, ended.output
    assert (
        whole == (0, "child ends\n0\n") or whole == processes.run(program, fake_openai.url, bare=True)[:2]
    )  # as above
    assert (told, sum(calls)) == (2, 2)


def test_a_child_of_multiprocessing_tells_its_calls_though_it_skips_the_end_of_programs(fake_openai):
    program = """
import multiprocessing
def work():
    global client, left_open
    client = openai.OpenAI()
    call()
    left_open = stream()
    next(left_open)
child = multiprocessing.get_context("fork").Process(target=work)
child.start()
child.join()
call()
print(child.exitcode)
"""
    with closing(Collector()) as collector:
        ended = processes.run(
            program, fake_openai.url, OTEL_EXPORTER_OTLP_ENDPOINT=collector.url, COSTSPAN_EXIT_TIMEOUT="30"
        )
        told = len(collector.spans)
        calls = collector.last_sums("costspan.calls")

    assert (ended.code, ended.output) == (0, "0\n"), ended.errors
    assert (told, calls) == (3, [1, 2])


def test_the_fork_in_which_airflow_runs_a_task_tells_its_calls_though_nothing_is_left_to_atexit(fake_openai, tmp_path):
    """Airflow itself is too large for every run of the tests: its names, and what its supervisor's child does."""
    runner = tmp_path / "airflow" / "sdk" / "execution_time" / "task_runner.py"
    runner.parent.mkdir(parents=True)
    runner.write_text(
        "import openai\ndef main():\n    openai.OpenAI().chat.completions.create(model='gpt-4o', messages=[])"
    )
    program = """
import atexit
child = os.fork()
if child == 0:
    atexit._clear()
    from airflow.sdk.execution_time.task_runner import main
    main()
    atexit._run_exitfuncs()
    os._exit(0)
print(os.waitpid(child, 0)[1])
"""
    with closing(Collector()) as collector:
        where = {"PYTHONPATH": os.pathsep.join(filter(None, (str(tmp_path), os.environ.get("PYTHONPATH"))))}
        ended = processes.run(
            program, fake_openai.url, OTEL_EXPORTER_OTLP_ENDPOINT=collector.url, COSTSPAN_EXIT_TIMEOUT="30", **where
        )
        told = len(collector.spans)
        calls = collector.last_sums("costspan.calls")

    assert (ended.code, ended.output) == (0, "0\n"), ended.errors
    assert (told, calls) == (1, [1])


def test_a_program_that_ctrl_c_ends_amid_a_stream_ends_by_that_signal(fake_openai):
    program = """
import signal
signal.signal(signal.SIGINT, signal.default_int_handler)  # the tests may run in the background of a shell
import time
with stream() as amid:  # Python 3.13.0 crashes when it collects one that nobody closed
    next(amid)
    os.kill(os.getpid(), signal.SIGINT)
    time.sleep(60)
"""
    ended = processes.run(
        program, fake_openai.url, OTEL_EXPORTER_OTLP_ENDPOINT=processes.no_collector(), COSTSPAN_EXIT_TIMEOUT="30"
    )
    assert ended.code == processes.run(program, fake_openai.url, bare=True).code == -signal.SIGINT


def test_a_server_of_uvicorn_that_sigterm_stops_tells_its_last_calls(fake_openai):
    program = """
import uvicorn
async def app(scope, receive, send):
    await receive()
    call()
    await send({"type": "lifespan.startup.complete"})
    os.kill(os.getpid(), 15)
    await receive()
    await send({"type": "lifespan.shutdown.complete"})
uvicorn.run(app, port=0, log_level="critical")
"""
    with closing(Collector()) as collector:
        ended = processes.run(
            program, fake_openai.url, OTEL_EXPORTER_OTLP_ENDPOINT=collector.url, COSTSPAN_EXIT_TIMEOUT="30"
        )
        told = len(collector.spans)
        calls = collector.last_sums("costspan.calls")

    assert ended.code == processes.run(program, fake_openai.url, bare=True).code == -signal.SIGTERM, ended.errors
    assert (told, calls) == (1, [1])

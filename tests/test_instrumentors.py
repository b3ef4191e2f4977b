"""Switching on and off: in code, under opentelemetry-instrument, with and without the program's own providers."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import textwrap
import threading
import time
from decimal import Decimal
from pathlib import Path

import openai
import pytest
from openai._base_client import AsyncAPIClient, SyncAPIClient
from opentelemetry.sdk import resources
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

import costspan
from costspan import instrumentors
from costspan.adapters._adapter import load
from costspan.config import SettingError
from costspan.instrumentors import PLUGIN
from costspan.telemetry import setup

BIN = Path(sys.executable).parent
QUESTION = [{"role": "user", "content": "hi"}]


@pytest.fixture
def providers():
    yield {"tracer_provider": TracerProvider(shutdown_on_exit=False), "meter_provider": MeterProvider()}
    costspan.uninstrument()


def test_off_is_off_every_original_is_put_back_by_identity(providers):
    seats = [(SyncAPIClient, "request"), (AsyncAPIClient, "request"), (openai.Stream, "close")]
    before = [owner.__dict__[name] for owner, name in seats]
    costspan.instrument(**providers)
    during = [owner.__dict__[name] for owner, name in seats]
    costspan.uninstrument()

    assert all(now is not was for now, was in zip(during, before, strict=True))
    assert [owner.__dict__[name] for owner, name in seats] == before
    assert PLUGIN.recorder is None
    assert PLUGIN.active == {}


def test_switching_on_twice_is_switching_on_once(providers):
    costspan.instrument(**providers)
    placed = SyncAPIClient.__dict__["request"]
    costspan.instrument(**providers)

    assert SyncAPIClient.__dict__["request"] is placed


def test_what_a_program_says_in_code_takes_effect_where_costspan_is_on_already(providers, monkeypatch):
    """As under `opentelemetry-instrument`: nothing is sent unredacted because it came first."""
    monkeypatch.setenv(instrumentors.CONTENT_VARIABLE, "SPAN_ONLY")
    costspan.instrument(**providers, hosts="127.0.0.1=openai")
    recorder = PLUGIN.recorder
    costspan.instrument()
    assert PLUGIN.recorder is recorder

    original = SyncAPIClient.__dict__["request"].__wrapped__
    costspan.instrument(redact=str.upper, dialects="openlit")
    assert PLUGIN.recorder.content._redact is str.upper
    assert PLUGIN.settings.dialects == ("openlit",)
    assert PLUGIN.settings.hosts == {"127.0.0.1": "openai"}
    assert PLUGIN.providers == {**providers, "redact": str.upper}
    assert SyncAPIClient.__dict__["request"].__wrapped__ is original


def test_an_sdk_that_opentelemetrys_variable_names_is_left_alone(providers, monkeypatch):
    original = SyncAPIClient.__dict__["request"]
    monkeypatch.setenv(instrumentors.DISABLED_VARIABLE, "requests, openai")
    costspan.instrument(**providers)
    assert "openai" not in PLUGIN.active
    assert PLUGIN.active  # whatever else is installed
    assert SyncAPIClient.__dict__["request"] is original


def test_a_thread_that_switches_on_while_another_does_waits_for_it(providers, monkeypatch):
    """A wrapper placed twice would stay when all is switched off."""
    original = SyncAPIClient.__dict__["request"]
    amid, go_on = threading.Event(), threading.Event()

    def load_slowly(name):
        if name == "openai":
            amid.set()
            go_on.wait(60)
        return load(name)

    def switch_on():
        costspan.instrument(**providers)

    first, second = threading.Thread(target=switch_on), threading.Thread(target=switch_on)
    with monkeypatch.context() as patched:
        patched.setattr(instrumentors, "load", load_slowly)
        first.start()
        assert amid.wait(60)
    second.start()
    second.join(0.2)  # it gets no further than the lock
    go_on.set()
    first.join()
    second.join()

    wrapped = SyncAPIClient.__dict__["request"].__wrapped__
    costspan.uninstrument()
    assert wrapped is original
    assert SyncAPIClient.__dict__["request"] is original


def test_off_and_on_again_goes_on_with_the_sums_of_before(fake_openai):
    """A meter keeps the first callback of an instrument: those of a second one would never be asked."""
    reader = InMemoryMetricReader()
    provider = MeterProvider([reader], shutdown_on_exit=False)
    client = openai.OpenAI(base_url=fake_openai.url + "/v1", api_key="k")
    for _ in range(2):
        costspan.instrument(tracer_provider=TracerProvider(shutdown_on_exit=False), meter_provider=provider)
        for _ in range(3):
            client.chat.completions.create(model="gpt-4o", messages=QUESTION)
        costspan.uninstrument()
    reader.get_metrics_data()  # shows new series as 0
    read = reader.get_metrics_data().resource_metrics[0].scope_metrics[0].metrics
    provider.shutdown()

    points = {each.name: each.data.data_points for each in read}
    assert [each.value for each in points["costspan.calls"]] == [6]
    assert [each.count for each in points["gen_ai.client.operation.duration"]] == [6]


def test_a_wrapper_of_another_tool_on_top_of_ours_stays_and_ours_passes_through(providers, fake_openai):
    exporter = InMemorySpanExporter()
    providers["tracer_provider"].add_span_processor(SimpleSpanProcessor(exporter))
    original = SyncAPIClient.__dict__["request"]
    costspan.instrument(**providers)
    ours = SyncAPIClient.__dict__["request"]

    def theirs(self, *args, **kwargs):
        return ours.__get__(self)(*args, **kwargs)

    SyncAPIClient.request = theirs
    costspan.uninstrument()
    try:
        client = openai.OpenAI(base_url=fake_openai.url + "/v1", api_key="k")
        client.chat.completions.create(model="gpt-4o", messages=QUESTION)
        assert SyncAPIClient.__dict__["request"] is theirs
        assert exporter.get_finished_spans() == ()
    finally:
        SyncAPIClient.request = original


def test_prices_given_in_code_are_those_of_the_functions_too_until_it_is_off(providers, tmp_path):
    file = tmp_path / "prices.json"
    file.write_text(json.dumps({"models": [{"provider": "acme", "model": "m", "input": 2}]}))

    costspan.instrument(prices=str(file), **providers)
    assert costspan.price(costspan.Usage(input=1000), model="m", provider="acme").total == Decimal("0.002")
    assert costspan.cost_per_token("m", 1000, 0, custom_llm_provider="acme") == (0.002, 0.0)
    costspan.uninstrument()

    assert costspan.price(costspan.Usage(input=1000), model="m", provider="acme").total is None


def test_a_bad_setting_in_code_is_an_error(providers):
    with pytest.raises(SettingError, match="COSTSPAN_EVENTS=sometimes is not allowed"):
        costspan.instrument(events="sometimes", **providers)

    assert PLUGIN.recorder is None


def test_an_entry_point_makes_an_instrumentor(providers):
    instrumentor = instrumentors.openai()

    assert instrumentor is instrumentors.openai()
    assert list(instrumentor.instrumentation_dependencies()) == ["openai >= 1.26"]
    instrumentor.instrument(**providers)
    assert PLUGIN.active["openai"].count > 5
    instrumentor.uninstrument()


def test_what_is_no_adapter_is_no_instrumentor():
    with pytest.raises(AttributeError, match="no attribute 'cobol'"):
        _ = instrumentors.cobol
    with pytest.raises(AttributeError):
        _ = instrumentors._private


def test_the_public_api_is_pinned_and_all_of_it_can_be_had():
    assert {"Usage", "instrument", "uninstrument"} <= set(costspan.__all__) == set(costspan._HOMES)
    assert all(getattr(costspan, name) is not None for name in costspan.__all__)
    assert set(costspan.__all__) <= set(dir(costspan))
    with pytest.raises(AttributeError, match="no attribute 'cost_of_living'"):
        _ = costspan.cost_of_living


PROGRAM = """
    import sys
    sys.path.insert(0, {tests!r})
    import openai
    from fake_providers import FakeProvider, openai as fake_openai
    fake = FakeProvider(fake_openai.ROUTES)
    client = openai.OpenAI(base_url=fake.url + "/v1", api_key="k")
    client.chat.completions.create(model="gpt-4o", messages=[{{"role": "user", "content": "hi"}}])
    fake.close()
"""


@pytest.fixture
def run_program(tmp_path):
    """`run_program(*lines_before, **environ)`: the sample program in a process of its own; what it printed."""

    def run(*launcher, before="", **environ):
        script = tmp_path / "program.py"
        tests = str(Path(__file__).parent)
        script.write_text(before + textwrap.dedent(PROGRAM.format(tests=tests)), encoding="utf-8")
        clean = {name: value for name, value in os.environ.items() if not name.startswith(("OTEL_", "COSTSPAN_"))}
        command = [*launcher, sys.executable, str(script)]
        started = time.monotonic()
        done = subprocess.run(command, env=clean | environ, capture_output=True, text=True, check=False, timeout=180)
        assert done.returncode == 0, done.stderr
        return done.stdout, done.stderr, time.monotonic() - started

    return run


def spans_of(printed):
    """The spans that OpenTelemetry's console exporter printed."""
    decoder, found, at = json.JSONDecoder(), [], printed.find("{")
    while at >= 0:
        value, end = decoder.raw_decode(printed, at)
        found.append(value)
        at = printed.find("{", end)
    return [each for each in found if "kind" in each]


CONSOLE = {"OTEL_TRACES_EXPORTER": "console", "OTEL_METRICS_EXPORTER": "none", "OTEL_LOGS_EXPORTER": "none"}
LAUNCHER = str(BIN / "opentelemetry-instrument")


def test_an_unchanged_program_under_opentelemetry_instrument_tells_its_calls(run_program):
    printed, _, _ = run_program(LAUNCHER, **CONSOLE)
    [span] = spans_of(printed)

    assert span["name"] == "chat gpt-4o"
    assert span["attributes"]["gen_ai.usage.input_tokens"] == 19


def test_the_disabled_instrumentations_of_opentelemetry_are_left_alone(run_program):
    printed, _, _ = run_program(LAUNCHER, OTEL_PYTHON_DISABLED_INSTRUMENTATIONS="openai", **CONSOLE)

    assert spans_of(printed) == []


def test_instrument_in_code_sets_up_providers_where_there_are_none(run_program):
    printed, _, _ = run_program(before="import costspan\ncostspan.instrument()\n", **CONSOLE)

    assert [span["name"] for span in spans_of(printed)] == ["chat gpt-4o"]


def test_instrument_in_code_uses_the_programs_own_providers(run_program):
    own = """
from opentelemetry import trace
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import ConsoleSpanExporter, SimpleSpanProcessor
trace.set_tracer_provider(TracerProvider())
trace.get_tracer_provider().add_span_processor(SimpleSpanProcessor(ConsoleSpanExporter()))
import costspan
costspan.instrument()
"""
    printed, _, _ = run_program(before=own, OTEL_TRACES_EXPORTER="none", OTEL_METRICS_EXPORTER="none")

    assert len(spans_of(printed)) == 1


def test_each_process_has_an_instance_id_and_one_that_is_given_stays(run_program):
    def instance_id(**environ):
        [span] = spans_of(run_program(LAUNCHER, **CONSOLE, **environ)[0])
        return span["resource"]["attributes"].get("service.instance.id")

    assert len({instance_id(), instance_id(OTEL_RESOURCE_ATTRIBUTES="a=b"), None}) == 3
    assert instance_id(OTEL_RESOURCE_ATTRIBUTES="service.instance.id=pod-1,a=b") == "pod-1"


def test_where_an_older_sdk_gives_no_instance_id_costspan_does(monkeypatch):
    monkeypatch.delattr(resources, "ServiceInstanceIdResourceDetector", raising=False)
    monkeypatch.setenv("OTEL_RESOURCE_ATTRIBUTES", "a=b")
    one, other = (setup._instance()["OTEL_RESOURCE_ATTRIBUTES"] for _ in range(2))

    assert one.startswith("a=b,service.instance.id=")
    assert one != other


def test_where_spans_are_sent_nowhere_an_event_tells_each_call(run_program):
    printed, _, _ = run_program(LAUNCHER, **CONSOLE | {"OTEL_TRACES_EXPORTER": "none", "OTEL_LOGS_EXPORTER": "console"})

    assert printed.count('"event_name": "costspan.call"') == 1


def test_a_disabled_sdk_stays_silent(run_program):
    printed, _, _ = run_program(LAUNCHER, OTEL_SDK_DISABLED="true", **CONSOLE)

    assert spans_of(printed) == []


def test_a_program_without_opentelemetry_has_its_costs_and_sends_nothing(run_program):
    before = (
        "import atexit, costspan\ncostspan.instrument()\natexit.register(lambda: print(costspan.last_call().cost))\n"
    )
    printed, said, _ = run_program(before=before, OTEL_SDK_DISABLED="true", COSTSPAN_HOSTS="127.0.0.1=openai")

    assert (printed.strip(), said) == ("0.0001475", "")


def test_what_a_program_starts_gets_the_environment_that_the_program_was_given(run_program):
    before = "import costspan, os\ncostspan.instrument()\nprint(os.environ.get('OTEL_TRACES_EXPORTER'))\n"
    printed, _, _ = run_program(
        before=before, OTEL_EXPORTER_OTLP_ENDPOINT="http://127.0.0.1:9", COSTSPAN_EXIT_TIMEOUT="0"
    )

    assert printed.splitlines()[0] == "None"


def test_a_collector_that_hangs_does_not_hold_the_end_of_the_program(run_program):
    with socket.create_server(("127.0.0.1", 0)) as hanging:
        endpoint = f"http://127.0.0.1:{hanging.getsockname()[1]}"
        _, _, seconds = run_program(LAUNCHER, OTEL_EXPORTER_OTLP_ENDPOINT=endpoint, COSTSPAN_EXIT_TIMEOUT="1")

    assert seconds < 30  # the exporters alone would wait for 10 s each, and twice


def test_a_bad_setting_under_opentelemetry_instrument_is_a_warning(run_program):
    printed, errors, _ = run_program(LAUNCHER, COSTSPAN_EVENTS="sometimes", **CONSOLE)

    assert len(spans_of(printed)) == 1
    assert "COSTSPAN_EVENTS=sometimes is not allowed" in errors


@pytest.mark.parametrize("name", instrumentors.adapter_names())
def test_an_entry_point_names_the_module_that_its_sdk_is_imported_as(name):
    assert f"{load(name).seats[0].module}.".startswith(f"{instrumentors._adapter_modules()[name]}.")


def test_a_server_that_is_not_as_we_know_it_is_let_be(run_program):
    before = """
import sys, types
sys.modules["uvicorn.server"] = types.ModuleType("uvicorn.server")
import costspan
costspan.instrument()
"""
    printed, said, _ = run_program(before=before, **CONSOLE)

    assert [span["name"] for span in spans_of(printed)] == ["chat gpt-4o"]
    assert "costspan could not follow how processes end" in said

"""Requests of web frameworks and tasks of queues show what their calls cost, each framework really installed."""

import importlib.util
import os
import subprocess
import sys
import time
from contextlib import closing
from pathlib import Path

import pytest
from conformance.processes import STARTER, Collector

import costspan

pytestmark = [pytest.mark.real, pytest.mark.filterwarnings("default")]  # their warnings are not ours
EXAMPLE = Path(__file__).parent.parent.parent / "examples" / "web_service.py"
CALL = 8.85e-06


def shown(span):
    return {name: span.attributes.get(name) for name in ("user.id", "costspan.rollup.calls")} | {
        "cost": pytest.approx(span.attributes["costspan.rollup.cost"])
    }


def test_the_fastapi_example_shows_per_user_spend_on_each_request(telling, monkeypatch):
    from fastapi.testclient import TestClient
    from opentelemetry.instrumentation.fastapi import FastAPIInstrumentor

    program = telling()
    monkeypatch.setenv("OPENAI_BASE_URL", program.where["base_url"])
    monkeypatch.setenv("OPENAI_API_KEY", "k")
    original = FastAPIInstrumentor.instrument_app
    monkeypatch.setattr(
        FastAPIInstrumentor, "instrument_app", lambda app: original(app, tracer_provider=program.tracer_provider)
    )
    monkeypatch.setattr(costspan, "instrument", lambda **_settings: None)  # it is on, with exporters in memory
    spec = importlib.util.spec_from_file_location("web_service", EXAMPLE)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    with TestClient(module.app) as client:
        for user in ("alice", "bob"):
            answer = client.get("/answer", params={"question": "cats?"}, headers={"x-user-id": user})
            assert answer.json()["usd"] == pytest.approx(2 * CALL)
    requests = [each for each in program.spans if each.name == "GET /answer"]
    assert [shown(each) for each in requests] == [
        {"user.id": user, "costspan.rollup.calls": 2, "cost": 2 * CALL} for user in ("alice", "bob")
    ]


def test_a_middleware_outside_of_fastapis_own_span_is_not_lost(telling):
    from fastapi import FastAPI
    from fastapi.testclient import TestClient
    from opentelemetry.instrumentation.fastapi import FastAPIInstrumentor

    program, app = telling(), FastAPI()
    app.get("/answer")(lambda: program.ask() and "x")
    FastAPIInstrumentor.instrument_app(app, tracer_provider=program.tracer_provider)
    with TestClient(costspan.AsgiAttribution(app, headers={"x-user-id": "user"})) as client:
        client.get("/answer", headers={"x-user-id": "alice"})
        client.get("/answer")
    assert [each.attributes.get("user.id") for each in program.spans if each.name == "GET /answer"] == ["alice", None]
    assert [each.attributes.get("user.id") for each in program.spans if each.name.startswith("chat")] == ["alice", None]


def test_a_flask_request_shows_what_its_calls_cost(telling):
    from flask import Flask
    from opentelemetry.instrumentation.flask import FlaskInstrumentor

    program, app = telling(), Flask("test")
    app.wsgi_app = costspan.WsgiAttribution(app.wsgi_app, headers={"x-user-id": "user"})
    FlaskInstrumentor().instrument_app(app, tracer_provider=program.tracer_provider)

    @app.get("/answer")
    def answer():
        program.ask()

        def chunks():
            program.ask()
            yield "x"

        return chunks()

    assert app.test_client().get("/answer", headers={"x-user-id": "alice"}).text == "x"
    [request] = [each for each in program.spans if each.name.startswith("GET")]
    assert request.attributes["costspan.rollup.calls"] >= 1
    assert request.attributes["user.id"] == "alice"


def test_a_celery_task_shows_what_its_calls_cost(telling):
    from celery import Celery
    from opentelemetry.instrumentation.celery import CeleryInstrumentor

    program = telling()
    CeleryInstrumentor().instrument(tracer_provider=program.tracer_provider)
    app = Celery("test", broker="memory://", backend="cache+memory://")

    @app.task
    def answer():
        program.ask()
        program.ask()

    answer.apply()
    CeleryInstrumentor().uninstrument()
    [task] = [each for each in program.spans if each.name.startswith("run/")]
    assert shown(task) == {"user.id": None, "costspan.rollup.calls": 2, "cost": 2 * CALL}


CELERY = """
from celery import Celery
app = Celery("tasks", broker="filesystem://")
app.conf.broker_transport_options = {"data_folder_in": "queue", "data_folder_out": "queue", "control_folder": "queue"}
@app.task
def answer():
    import openai
    openai.OpenAI().chat.completions.create(model="gpt-4o", messages=[])
    open("answered", "w").close()
"""


def test_a_celery_worker_that_was_forked_tells_its_calls_before_it_ends(fake_openai, tmp_path):
    (tmp_path / "queue").mkdir()
    (tmp_path / "tasks.py").write_text(CELERY)
    with closing(Collector()) as collector:
        provider = {"OPENAI_BASE_URL": f"{fake_openai.url}/v1", "OPENAI_API_KEY": "k"}
        late = {"OTEL_EXPORTER_OTLP_ENDPOINT": collector.url, "OTEL_BSP_SCHEDULE_DELAY": "60000"}
        inside = {"cwd": tmp_path, "env": {**os.environ, **provider, **late}}
        subprocess.run([sys.executable, "-c", "import tasks; tasks.answer.delay()"], **inside, check=True)
        worker = [STARTER, sys.executable, "-m", "celery", "-A", "tasks", "worker", "-c", "1"]
        with subprocess.Popen(worker, **inside) as process:
            deadline = time.monotonic() + 60
            while not (tmp_path / "answered").exists() and time.monotonic() < deadline:
                time.sleep(0.05)
            process.terminate()
        assert [span.name for span in collector.spans if span.name.startswith("chat")] == ["chat gpt-4o"]
        assert collector.last_sums("costspan.calls") == [1]


RQ = """
import fakeredis, rq, tasks
queue = rq.Queue(connection=fakeredis.FakeStrictRedis())
queue.enqueue(tasks.answer)
rq.Worker([queue], connection=queue.connection).work(burst=True)
"""
TASKS = """
import openai
def answer():
    openai.OpenAI().chat.completions.create(model="gpt-4o", messages=[])
"""


def test_the_fork_in_which_an_rq_worker_does_a_job_tells_its_calls_before_it_ends(fake_openai, tmp_path):
    (tmp_path / "tasks.py").write_text(TASKS)
    with closing(Collector()) as collector:
        provider = {"OPENAI_BASE_URL": f"{fake_openai.url}/v1", "OPENAI_API_KEY": "k"}
        late = {"OTEL_EXPORTER_OTLP_ENDPOINT": collector.url, "OTEL_BSP_SCHEDULE_DELAY": "60000"}
        env = {**os.environ, **provider, **late}
        subprocess.run([STARTER, sys.executable, "-c", RQ], cwd=tmp_path, env=env, check=True)
        assert [span.name for span in collector.spans if span.name.startswith("chat")] == ["chat gpt-4o"]
        assert collector.last_sums("costspan.calls") == [1]


def test_threads_of_the_threading_instrumentation_inherit(telling):
    from concurrent.futures import ThreadPoolExecutor

    from opentelemetry.instrumentation.threading import ThreadingInstrumentor

    program = telling()
    ThreadingInstrumentor().instrument()
    with costspan.observe(name="batch"), costspan.attribution(user="alice"), ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda _: program.ask(), range(4)))
    ThreadingInstrumentor().uninstrument()
    assert program.span("invoke_workflow batch").attributes["costspan.rollup.calls"] == 4
    assert {each.attributes["user.id"] for each in program.spans if each.name.startswith("chat")} == {"alice"}

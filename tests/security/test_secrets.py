"""Keys, prompts and answers stay where they are: nothing that leaves the process, or is kept of it, has any of them.

A program is full of planted words: its keys, its prompts, tools and files, the provider's answers and errors, odd ones
that our own reading fails on too. Then everything is searched for them: the telemetry as it goes over the wire, what is
printed with costspan's log at DEBUG, the ledger's files, the page and the API, and what the commands say.
"""

from __future__ import annotations

import json
import os
import sqlite3
import subprocess
import sys
from contextlib import closing
from itertools import pairwise
from pathlib import Path

import pytest
from conformance.processes import STARTER
from fake_providers import FakeProvider, anthropic, openai
from fake_providers.openai_odd import ODD_USAGE
from ledger.ledger_served import Served, fetch

pytestmark = pytest.mark.slow

PLANTED = "PLANTED"
PROGRAM = """
import logging, anthropic, openai, costspan
logging.getLogger("costspan").setLevel(logging.DEBUG)
logging.basicConfig(level=logging.WARNING)
clients = openai.OpenAI(api_key="sk-PLANTED-key", organization="org-PLANTED", max_retries=0,
                        default_headers={"x-secret": "PLANTED-header"}, default_query={"key": "PLANTED-query"})
claude = anthropic.Anthropic(api_key="sk-ant-PLANTED", max_retries=0)
said = "PLANTED prompt"
tool = {"name": "PLANTED_tool", "description": "PLANTED", "parameters": {"type": "object", "properties": {}}}
asks = [
    lambda stream: clients.chat.completions.create(
        model="gpt-4o", messages=[{"role": "system", "content": said}, {"role": "user", "content": said}],
        tools=[{"type": "function", "function": tool}], stream=stream, stop=["END"]),
    lambda stream: clients.responses.create(model="gpt-4o", input=said, instructions=said, stream=stream),
    lambda stream: clients.embeddings.create(model="text-embedding-3-small", input=[said]),
    lambda stream: claude.messages.create(
        model="claude-sonnet-4-5", max_tokens=9, system=said, stream=stream,
        messages=[{"role": "user", "content": said}]),
]
with costspan.attribution(team="search"), costspan.observe(name="step"):
    for ask in asks * 12:
        for stream in (False, True):
            try:
                answer = ask(stream)
                list(answer) if stream else costspan.cost_of(answer)
            except Exception:
                pass
    try:
        costspan.record_call("acme", "acme-large", usage=costspan.Usage(input=400))
        costspan.token_counter("gpt-4o", messages=[{"role": "user", "content": said}])
        costspan.completion_cost({"model": "gpt-4o", "choices": [{"message": {"content": said}}]})
    except Exception:
        pass
try:
    with costspan.observe(kind="agent", name="failing"):
        raise RuntimeError(said)
except RuntimeError:
    pass
"""
KEYS = {  # of the environment, which commands read
    "OPENAI_API_KEY": "sk-PLANTED",
    "ANTHROPIC_API_KEY": "sk-PLANTED",
    "COSTSPAN_TOKEN": "PLANTED",
    "OTEL_EXPORTER_OTLP_HEADERS": "authorization=Bearer%20PLANTED",
}


@pytest.fixture(scope="module")
def provider():
    """It answers with planted words, and mostly in ways that no reader expects."""
    fake = FakeProvider((*openai.ROUTES, *anthropic.ROUTES))
    planted = {f"PLANTED {key}": value for key, value in openai.CACHED.items()}
    odd = [*ODD_USAGE.values(), planted, {key: f"PLANTED {value}" for key, value in openai.CACHED.items()}]
    fake.play(*(openai.chat(usage=usage, system_fingerprint="PLANTED") for usage in odd))
    fake.play(
        openai.error(401, "Incorrect API key provided: sk-PLANTED"), openai.error(400, "PLANTED prompt is refused")
    )
    yield fake
    fake.close()


def run(provider, *command, **environ):
    """What the command printed, on both."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("OTEL_", "COSTSPAN_"))}
    ours = {"OPENAI_BASE_URL": f"{provider.url}/v1", "ANTHROPIC_BASE_URL": provider.url, "NO_PROXY": "127.0.0.1"}
    done = subprocess.run(
        command, env=kept | ours | KEYS | environ, capture_output=True, text=True, check=False, timeout=120
    )
    return done.returncode, done.stdout + done.stderr


@pytest.fixture(scope="module")
def told(provider, tmp_path_factory):
    """Everything that got out of a run of the program, by where."""
    served = Served(tmp_path_factory.mktemp("secrets") / "ledger.db")
    submit, arrived = served.ingest.submit, []
    served.ingest.submit = lambda job: arrived.append(job.body) or submit(job)
    code, printed = run(
        provider, str(STARTER), sys.executable, "-c", PROGRAM,
        OTEL_EXPORTER_OTLP_ENDPOINT=served.running.url, OTEL_EXPORTER_OTLP_PROTOCOL="http/protobuf",
        OTEL_EXPORTER_OTLP_COMPRESSION="none", COSTSPAN_EVENTS="always", COSTSPAN_PROMPT_PARTS="true",
        COSTSPAN_DIALECTS="openinference,openlit,logfire", COSTSPAN_HOSTS="127.0.0.1=openai",
    )  # fmt: skip
    assert code == 0, printed
    out = {"printed": printed.encode(), "telemetry": b"".join(arrived)}
    for path in ("/", "/healthz", "/api/usage?group_by=model", "/api/calls?limit=1000", "/api/summary", "/api/advice"):
        out[path] = fetch(served.running.url + path, None, {})[1]
    out["calls"] = len(json.loads(out["/api/calls?limit=1000"])["calls"])
    served.close()
    with closing(sqlite3.connect(served.path)) as connection:
        out["ledger"] = "\n".join(connection.iterdump()).encode()
    out |= {file.name: file.read_bytes() for file in served.path.parent.iterdir()}
    return out


def test_the_program_was_watched(told):
    """Else the search below would find nothing because there is nothing."""
    assert told["calls"] > 30
    for kind in (b"gen_ai.request.model", b"gen_ai.client.token.usage", b"costspan.call", b"costspan.prompt.newest"):
        assert kind in told["telemetry"]


def test_nothing_that_leaves_the_process_has_a_key_or_a_text(told):
    leaks = {where: found(text) for where, text in told.items() if isinstance(text, bytes) and PLANTED.encode() in text}

    assert leaks == {}


def found(text):
    """What is around each."""
    parts = text.split(PLANTED.encode())
    return [before[-60:] + b"*" + after[:60] for before, after in pairwise(parts)][:5]


@pytest.mark.parametrize(
    "command",
    [
        "doctor",
        "doctor --json",
        "report",
        "up --port 99999",
        "up --host 0.0.0.0 --port 0 --db {home}/no/such.db --tls-cert x --token PLANTED",
        "prices update --url http://127.0.0.1:9/PLANTED",
    ],
)
def test_no_command_says_a_key(provider, tmp_path, command):
    costspan = str(Path(sys.executable).with_name("costspan"))
    given = {
        "OTEL_EXPORTER_OTLP_ENDPOINT": "http://PLANTED:PLANTED@127.0.0.1:9",
        "COSTSPAN_LEDGER": "clickhouse://user:PLANTED@127.0.0.1:9/otel",
        "HOME": str(tmp_path),
    }
    asked = command.format(home=tmp_path).split()
    _, printed = run(provider, costspan, *asked, **given)

    assert printed
    assert PLANTED not in printed.replace("127.0.0.1:9/PLANTED", "")  # the address that was just typed

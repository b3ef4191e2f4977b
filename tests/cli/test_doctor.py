import json
import os
import socket
import threading
from importlib import metadata

import pytest
from click.testing import CliRunner

from costspan.cli.commands import costspan
from costspan.ledger import server


@pytest.fixture
def doctor(monkeypatch):
    """`doctor(**environ)`: exit code and findings by what they are about."""
    for name in os.environ:
        if name.startswith("OTEL_"):
            monkeypatch.delenv(name)

    def look(**environ):
        for name, value in environ.items():
            monkeypatch.setenv(name, value)
        done = CliRunner().invoke(costspan, ["doctor", "--json"])
        return done.exit_code, {each["about"]: each for each in json.loads(done.output)}

    return look


def test_a_ledger_that_answers_is_good(doctor, tmp_path):
    with server.start(tmp_path / "ledger.db", port=0) as ledger:
        code, found = doctor(OTEL_EXPORTER_OTLP_ENDPOINT=ledger.url)

    assert code == 0
    assert found["telemetry"]["level"] == "good"
    assert found["openai"]["text"].startswith(metadata.version("openai"))
    assert found["prices"]["level"] == "good"
    assert found["settings"]["text"] == "all defaults"


def test_where_nobody_answers_it_says_what_to_do(doctor):
    code, found = doctor(OTEL_EXPORTER_OTLP_ENDPOINT="http://127.0.0.1:9")

    assert code == 1
    assert found["telemetry"]["level"] == "bad"
    assert "start a collector there, or `costspan up`" in found["telemetry"]["text"]


def test_an_address_of_another_kind_is_bad(doctor):
    assert "is no http://" in doctor(OTEL_EXPORTER_OTLP_ENDPOINT="collector:4318")[1]["telemetry"]["text"]


def test_a_server_that_is_no_collector_is_bad(doctor, fake_openai):
    _, found = doctor(OTEL_EXPORTER_OTLP_ENDPOINT=fake_openai.url)

    assert "answers 404" in found["telemetry"]["text"]


@pytest.mark.parametrize("address", ["http://localhost:port", "http://[bad"])
def test_what_is_no_address_is_bad(doctor, address):
    code, found = doctor(OTEL_EXPORTER_OTLP_ENDPOINT=address)

    assert code == 1
    assert "is no address" in found["telemetry"]["text"]


def test_a_header_that_cannot_be_sent_is_bad_and_not_told(doctor):
    code, found = doctor(OTEL_EXPORTER_OTLP_HEADERS="authorization=secret%0Akey")

    assert code == 1
    assert "OTEL_EXPORTER_OTLP_HEADERS" in found["telemetry"]["text"]
    assert "secret" not in found["telemetry"]["text"]


def test_grpc_s_port_asked_by_http_is_bad(doctor, tmp_path):
    with server.start(tmp_path / "ledger.db", listen=server.Listen(port=0, grpc_port=0)) as ledger:
        code, found = doctor(OTEL_EXPORTER_OTLP_ENDPOINT=f"http://127.0.0.1:{ledger.grpc_port}")

    assert code == 1
    assert "4317 is gRPC's port" in found["telemetry"]["text"]


@pytest.mark.parametrize(
    ("port", "level", "said"),
    [("grpc", "good", "(grpc) answers"), ("http", "bad", "4318 is that of HTTP"), (None, "bad", "does not answer")],
)
def test_grpc_is_good_where_it_is_spoken(doctor, tmp_path, port, level, said):
    with server.start(tmp_path / "ledger.db", listen=server.Listen(port=0, grpc_port=0)) as ledger:
        address = {"grpc": f"http://127.0.0.1:{ledger.grpc_port}", "http": ledger.url, None: "http://127.0.0.1:9"}[port]
        _, found = doctor(OTEL_EXPORTER_OTLP_PROTOCOL="grpc", OTEL_EXPORTER_OTLP_ENDPOINT=address)

    assert found["telemetry"]["level"] == level
    assert said in found["telemetry"]["text"]


def test_grpc_over_tls_is_good_where_somebody_listens(doctor):
    with socket.create_server(("127.0.0.1", 0)) as held:
        address = f"https://127.0.0.1:{held.getsockname()[1]}"
        _, found = doctor(OTEL_EXPORTER_OTLP_PROTOCOL="grpc", OTEL_EXPORTER_OTLP_ENDPOINT=address)

    assert found["telemetry"]["level"] == "good"


def test_beside_opentelemetry_s_distribution_grpc_is_what_is_spoken(doctor, monkeypatch):
    """It sets this protocol for every program that `opentelemetry-instrument` starts."""
    installed = metadata.version
    monkeypatch.setattr(
        metadata, "version", lambda name: "0.66b2" if name == "opentelemetry-distro" else installed(name)
    )

    _, found = doctor()

    assert "http://localhost:4317 (grpc)" in found["telemetry"]["text"]
    assert "opentelemetry-distro makes gRPC the default" in found["telemetry"]["text"]
    assert found["telemetry"]["level"] == "warning"  # `costspan.instrument()` does without it

    exporters = {f"OTEL_{signal}_EXPORTER": "otlp_proto_http" for signal in ("TRACES", "METRICS", "LOGS")}
    _, found = doctor(**exporters)

    assert "http://localhost:4318 (http/protobuf)" in found["telemetry"]["text"]


@pytest.mark.parametrize("said", [b"<html>no status line</html>", b"", b"\x15\x03\x01\x00\x02\x02\x46"])
def test_what_does_not_speak_http_2_is_no_grpc(doctor, said):
    def answer(connection):
        connection.recv(64)
        connection.sendall(said)
        connection.close()

    with socket.create_server(("127.0.0.1", 0)) as held:
        threading.Thread(target=lambda: answer(held.accept()[0]), daemon=True).start()
        address = f"http://127.0.0.1:{held.getsockname()[1]}"
        _, found = doctor(OTEL_EXPORTER_OTLP_PROTOCOL="grpc", OTEL_EXPORTER_OTLP_ENDPOINT=address)

    assert found["telemetry"]["level"] == "bad"


@pytest.mark.parametrize(("insecure", "level"), [("true", "good"), ("", "bad")])
def test_an_address_without_its_scheme_is_asked_for_by_tls_unless_a_variable_says_otherwise(
    doctor, tmp_path, insecure, level
):
    with server.start(tmp_path / "ledger.db", listen=server.Listen(port=0, grpc_port=0)) as ledger:
        _, found = doctor(
            OTEL_EXPORTER_OTLP_ENDPOINT=f"127.0.0.1:{ledger.grpc_port}",
            OTEL_EXPORTER_OTLP_PROTOCOL="grpc",
            OTEL_EXPORTER_OTLP_INSECURE=insecure,
        )

    assert found["telemetry"]["level"] == level


def test_headers_of_the_user_are_sent(doctor, fake_openai):
    doctor(OTEL_EXPORTER_OTLP_ENDPOINT=fake_openai.url, OTEL_EXPORTER_OTLP_HEADERS="x-tenant=a")

    assert fake_openai.requests[-1].headers["x-tenant"] == "a"


def test_an_sdk_that_is_switched_off_is_told(doctor):
    assert doctor(OTEL_PYTHON_DISABLED_INSTRUMENTATIONS="openai")[1]["openai"]["level"] == "warning"


def test_bad_and_unknown_settings_are_told(doctor):
    assert "COSTSPAN_EVENTS=x is not allowed" in doctor(COSTSPAN_EVENTS="x")[1]["settings"]["text"]
    _, found = doctor(COSTSPAN_EVENTS="never", COSTSPAN_COLOUR="blue")
    assert "COSTSPAN_COLOUR is no setting of costspan: see the table" in found["settings"]["text"]
    _, found = doctor(COSTSPAN_EVENT="never")
    assert "COSTSPAN_EVENT is no setting of costspan: did you mean COSTSPAN_EVENTS?" in found["settings"]["text"]


def test_a_disabled_sdk_is_bad(doctor):
    assert doctor(OTEL_SDK_DISABLED="true")[0] == 1


def test_it_is_good_to_read():
    done = CliRunner().invoke(costspan, ["doctor"])

    assert "✓" in done.output
    assert "opentelemetry-sdk" in done.output


def test_help_groups_the_commands():
    done = CliRunner().invoke(costspan, ["--help"])

    assert done.exit_code == 0
    assert done.output.index("Start") < done.output.index("doctor") < done.output.index("Ask")
    assert CliRunner().invoke(costspan, ["no-such-command"]).exit_code == 2
    assert "Did you mean 'report'?" in CliRunner().invoke(costspan, ["reprot"]).output


def test_a_signal_with_an_endpoint_of_its_own_is_probed_there_and_as_it_is(doctor, fake_openai, tmp_path):
    with server.start(tmp_path / "ledger.db", port=0) as ledger:
        code, found = doctor(
            OTEL_EXPORTER_OTLP_ENDPOINT=ledger.url,
            OTEL_EXPORTER_OTLP_TRACES_ENDPOINT=f"{fake_openai.url}/own/path",
            OTEL_EXPORTER_OTLP_TRACES_HEADERS="x-tenant=a",
        )

    assert code == 1
    assert (found["traces"]["level"], found["metrics, logs"]["level"]) == ("bad", "good")
    assert fake_openai.requests[-1].path == "/own/path"
    assert fake_openai.requests[-1].headers["x-tenant"] == "a"


def test_a_signal_with_a_protocol_of_its_own_is_probed_by_that(doctor, tmp_path):
    with server.start(tmp_path / "ledger.db", listen=server.Listen(port=0, grpc_port=0)) as ledger:
        _, found = doctor(
            OTEL_EXPORTER_OTLP_ENDPOINT=ledger.url,
            OTEL_EXPORTER_OTLP_METRICS_ENDPOINT=f"http://127.0.0.1:{ledger.grpc_port}",
            OTEL_EXPORTER_OTLP_METRICS_PROTOCOL="grpc",
        )

    assert "(grpc) answers" in found["metrics"]["text"]
    assert found["traces, logs"]["level"] == "good"


def test_a_signal_that_is_not_sent_is_not_probed(doctor, fake_openai):
    _, found = doctor(OTEL_EXPORTER_OTLP_ENDPOINT=fake_openai.url, OTEL_TRACES_EXPORTER="none")

    assert "answers 404" in found["telemetry"]["text"]
    assert {each.path for each in fake_openai.requests} == {"/v1/metrics"}


def test_files_of_the_user_s_own_that_cannot_be_used_are_bad(doctor, tmp_path):
    broken = tmp_path / "broken.yaml"
    broken.write_text("budgets: [")
    code, found = doctor(COSTSPAN_PRICES=str(tmp_path / "none.yaml"), COSTSPAN_BUDGETS=str(broken))

    assert code == 1
    assert "No such file" in found["own prices"]["text"]
    assert "broken.yaml cannot be used" in found["budgets"]["text"]
    assert {found["own prices"]["level"], found["budgets"]["level"]} == {"bad"}


def test_a_budget_file_that_can_be_used_is_good(doctor, tmp_path):
    path = tmp_path / "budgets.yaml"
    path.write_text("budgets: [{team: search, usd: 5, per: day}]")

    assert doctor(COSTSPAN_BUDGETS=str(path))[1]["budgets"] == {"about": "budgets", "level": "good", "text": str(path)}


def test_a_set_up_that_does_not_end_is_bad(doctor, monkeypatch):
    monkeypatch.setattr("costspan.cli.doctor._TRY", "import time; time.sleep(60)")
    monkeypatch.setattr("costspan.cli.doctor._PATIENCE", 0.1)

    code, found = doctor()

    assert code == 1
    assert "takes over 0.1 s" in found["OpenTelemetry"]["text"]


@pytest.mark.parametrize(
    ("variable", "value", "said"),
    [
        ("OTEL_EXPORTER_OTLP_PROTOCOL", "http/json", "protocol 'http/json'"),  # which OpenTelemetry for Python has not
        ("OTEL_METRICS_EXPORTER", "acme", "'acme' not found"),
        ("OTEL_METRIC_EXPORT_INTERVAL", "0", "interval value 0"),
    ],
)
def test_variables_by_which_opentelemetry_cannot_be_set_up_are_bad(doctor, tmp_path, variable, value, said):
    with server.start(tmp_path / "ledger.db", port=0) as ledger:
        code, found = doctor(OTEL_EXPORTER_OTLP_ENDPOINT=ledger.url, **{variable: value})

    assert code == 1
    assert said in found["OpenTelemetry"]["text"]

"""What listens: only to this machine unless told otherwise, and no client can take more than its share of it."""

from __future__ import annotations

import gzip
import http.client
import inspect
import socket
import ssl
import threading
import time
import zlib

import grpc
import pytest
import trustme
from click.testing import CliRunner
from ledger.ledger_served import Served
from ledger.ledger_spans import call, traces

from costspan.cli.up import command as up
from costspan.demo.server import LoopbackServer
from costspan.ledger import gate, ingest, patience, receiver
from costspan.ledger.gate import LOOPBACK
from costspan.ledger.schema import LedgerError
from costspan.ledger.server import Listen
from costspan.telemetry import scrape
from costspan.telemetry.scrape import ScrapeReader

EXPORT = "/opentelemetry.proto.collector.trace.v1.TraceService/Export"
HEAD = (
    b"POST /v1/traces HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/x-protobuf\r\ncontent-length: %d\r\n\r\n"
)
ENDLESS = b"GET / HTTP/1.1\r\nhost: localhost\r\n" + 10_000 * (b"x-more: " + b"y" * 1000 + b"\r\n")


@pytest.fixture
def served(tmp_path):
    made = Served(tmp_path / "ledger.db")
    yield made
    made.close()


@pytest.fixture
def certificate(tmp_path):
    """Paths of a certificate for localhost and of its key, and who vouches for it."""
    authority = trustme.CA()
    made = authority.issue_cert("localhost", "127.0.0.1")
    made.cert_chain_pems[0].write_to_path(tmp_path / "cert.pem")
    made.private_key_pem.write_to_path(tmp_path / "key.pem")
    return str(tmp_path / "cert.pem"), str(tmp_path / "key.pem"), authority


def raw(served, request):
    """The status line of the answer to these very bytes."""
    with socket.create_connection(("127.0.0.1", served.running.http_port), 10) as connection:
        connection.sendall(request)
        return connection.makefile("rb").readline().decode()


def test_loopback_is_the_default_of_everything_that_listens():
    assert Listen().host in LOOPBACK
    assert next(each.default for each in up.params if each.name == "host") in LOOPBACK
    assert inspect.signature(ScrapeReader).parameters["host"].default == ""
    reader, demo = ScrapeReader(port=0), LoopbackServer(lambda _: None)
    try:
        assert reader._server.server_address[0] in LOOPBACK
        assert demo.url.startswith("http://127.0.0.1:")
    finally:
        reader.shutdown()
        demo.close()


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.0.2.7", "ledger.example"])  # noqa: S104 what is refused
def test_nobody_else_is_let_in_by_accident(tmp_path, host):
    with pytest.raises(LedgerError, match="--token, or --open"):
        Served(tmp_path / "x.db", host=host)

    told = CliRunner().invoke(up, ["--host", host, "--port", "0", "--db", str(tmp_path / "x.db")])
    assert (told.exit_code, told.output) == (
        1,
        f"Error: listening on {host} lets others in: give --token, or --open to allow everyone\n",
    )


@pytest.mark.parametrize(
    "path",
    [
        "/page/../../ledger/schema.py",
        "/page/%2e%2e/__init__.py",
        "/page/..%2f..%2fcli%2fup.py",
        "/page//etc/passwd",
        "/../../../../etc/passwd",
        "/page/..\\__init__.py",
        "/api/traces/..%2f..%2fetc%2fpasswd",
        "/api/prices/../../etc/passwd",
    ],
)
def test_no_path_leads_out_of_what_is_served(served, path):
    assert raw(served, f"GET {path} HTTP/1.1\r\nhost: localhost\r\n\r\n".encode()).split()[1] in ("400", "404")


def test_a_web_site_can_neither_read_nor_write(served):
    """A page elsewhere is told apart by its origin, one that calls itself 127.0.0.1 by its name."""
    span, like_a_form = traces(call()), {"content_type": "text/plain"}

    assert served.post(span, origin="https://evil.example")[0] == 403
    assert served.post(span, origin="null")[0] == 403
    assert served.post(span, **like_a_form)[0] == 415
    assert served.get("/api/usage", host="evil.example:4318")[0] == 403
    preflight = b"OPTIONS /v1/traces HTTP/1.1\r\nhost: localhost\r\norigin: https://evil.example\r\n\r\n"
    assert "403" in raw(served, preflight)
    assert served.post(span, origin=served.running.url)[0] == 200
    assert served.post(span, host="host.docker.internal:4318")[0] == 200  # a program in a container


def test_nothing_changes_by_being_asked(served):
    """Everything but telemetry is GET and only reads, so a forged request has nothing to do."""
    for path in ("/", "/api/usage", "/api/budgets", "/api/prices", "/healthz"):
        assert "405" in raw(served, f"POST {path} HTTP/1.1\r\nhost: localhost\r\ncontent-length: 0\r\n\r\n".encode())


def test_a_small_request_cannot_become_a_large_one(served):
    """Telemetry packs to a tenth of its size, a bomb to a thousandth."""
    bomb = gzip.compress(b"\x0a\x00" * 2**23)
    started = time.process_time()

    assert len(bomb) * ingest.MOST_RATIO < 2**24
    assert served.post(bomb, content_encoding="gzip")[0] == 413
    assert time.process_time() - started < 2
    assert served.post(gzip.compress(traces(call())), content_encoding="gzip")[0] == 200


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        (b"\x0a\x00" * 2**19, "application/x-protobuf"),
        (b'{"resourceSpans": [' + b"{}," * 2**18 + b"{}]}", "application/json"),
    ],
)
def test_millions_of_empty_messages_are_refused_before_they_are_looked_at(served, body, kind):
    """Each has two bytes, and would cost the one thread that writes a thousand times that."""
    status, said = served.post(body, content_type=kind)

    assert status == 400
    assert b"send fewer at once" in said


def test_what_unpacks_to_a_megabyte_is_never_a_bomb():
    body = zlib.compress(bytes(2**20))

    assert len(ingest.unpack(body, "deflate")) == 2**20


def test_bodies_that_arrive_at_once_do_not_fill_the_memory(served, monkeypatch):
    monkeypatch.setattr(receiver, "MOST_ARRIVING", 1000)
    with socket.create_connection(("127.0.0.1", served.running.http_port), 10) as slow:
        slow.sendall(HEAD % 2000 + b"x" * 900)
        assert wait_for(lambda: served.post(b"x" * 200)[0] == 429)
    assert wait_for(lambda: served.post(traces(call()))[0] == 200)  # what it held is free again


def test_too_many_requests_at_once_are_told_to_come_again(served, monkeypatch):
    monkeypatch.setattr(gate, "MOST_AT_ONCE", 1)
    for _before_and_after_others_were_answered in range(2):
        with socket.create_connection(("127.0.0.1", served.running.http_port), 10) as slow:
            slow.sendall(HEAD % 9)
            assert wait_for(lambda: served.get("/healthz")[0] == 503)
        assert wait_for(lambda: served.get("/healthz")[0] == 200)


@pytest.mark.parametrize("sent", [b"", b"GET /", b"GET / HTTP/1.1\r\nhost: localhost\r\nx-slow: "])
def test_a_connection_that_asks_for_nothing_is_closed(served, monkeypatch, sent):
    monkeypatch.setattr(patience, "HEAD_SECONDS", 0.2)
    with socket.create_connection(("127.0.0.1", served.running.http_port), 10) as idle:
        idle.sendall(sent)
        assert idle.recv(100) == b""


def test_a_head_without_an_end_is_cut(served):
    address = ("127.0.0.1", served.running.http_port)
    with socket.create_connection(address, 10) as endless, pytest.raises(ConnectionError):
        endless.sendall(ENDLESS)
    assert served.get("/healthz")[0] == 200


def test_a_body_that_does_not_come_is_not_waited_for(served, monkeypatch):
    monkeypatch.setattr(receiver, "_BODY_SECONDS", 0.2)

    assert "408" in raw(served, HEAD % 9)


def test_tls_and_a_token_for_those_beyond_this_machine(tmp_path, certificate):
    cert, key, authority = certificate
    made = Served(
        tmp_path / "x.db",
        host="0.0.0.0",  # noqa: S104 tested
        token="secret",
        tls_cert=cert,
        tls_key=key,
        grpc_port=0,
    )
    trusting = ssl.create_default_context()
    authority.configure_trust(trusting)
    connection = http.client.HTTPSConnection("127.0.0.1", made.running.http_port, context=trusting, timeout=20)
    named = {"content-type": "application/x-protobuf", "authorization": "Bearer secret"}
    connection.request("POST", "/v1/traces", traces(call()), named)
    answer = connection.getresponse()
    assert (answer.status, answer.read(), made.running.url[:8]) == (200, b"", "https://")
    connection.request("GET", "/?token=secret")
    cookie = connection.getresponse().headers["set-cookie"].lower()
    assert {"httponly", "samesite=strict", "secure"} <= {part.strip() for part in cookie.split(";")}
    connection.close()
    known = grpc.ssl_channel_credentials(authority.cert_pem.bytes())
    with grpc.secure_channel(f"localhost:{made.running.grpc_port}", known) as channel:
        export = channel.unary_unary(EXPORT)
        assert export(traces(call()), metadata=[("authorization", "Bearer secret")], timeout=20) == b""
        with pytest.raises(grpc.RpcError) as refused:
            export(traces(call()), timeout=20)
    assert refused.value.code() is grpc.StatusCode.UNAUTHENTICATED
    made.close()

    assert made.report().total.calls == 2


@pytest.mark.parametrize(
    ("files", "why"),
    [
        ({"tls_key": "key.pem"}, "--tls-cert"),
        ({"tls_cert": "none.pem"}, "No such file"),
        ({"tls_cert": "cert.pem"}, "TLS cannot be set up"),  # the key is in another file
    ],
)
def test_tls_that_cannot_be_is_said_at_the_start(tmp_path, certificate, files, why):
    with pytest.raises(LedgerError, match=why):
        Served(tmp_path / "x.db", **{name: str(tmp_path / file) for name, file in files.items()})
    assert not (tmp_path / "x.db").exists()


def test_the_file_of_a_ledger_is_read_by_its_owner_only(served):
    assert served.path.stat().st_mode & 0o077 == 0


def test_scrapers_are_answered_a_few_at_a_time_and_hanging_ones_are_closed(monkeypatch):
    monkeypatch.setattr(scrape, "SCRAPERS", 2)
    monkeypatch.setattr(scrape, "_SECONDS", 0.5)
    reader = ScrapeReader(port=0)
    before = threading.active_count()
    hanging = [socket.create_connection(("localhost", reader.port), 10) for _ in range(6)]
    try:
        assert threading.active_count() <= before + 2
        assert [each.recv(10) for each in hanging] == [b""] * 6
        assert wait_for(lambda: scraped(reader, "localhost") == 200)
    finally:
        for each in hanging:
            each.close()
        reader.shutdown()


def test_a_web_site_that_names_itself_127_0_0_1_scrapes_nothing():
    reader = ScrapeReader(port=0)
    try:
        assert {host: scraped(reader, host) for host in ("localhost", "[::1]:9464", "evil.example", "")} == {
            "localhost": 200,
            "[::1]:9464": 200,
            "evil.example": 403,
            "": 403,
        }
    finally:
        reader.shutdown()


def scraped(reader, host):
    connection = http.client.HTTPConnection("localhost", reader.port, timeout=10)
    try:
        connection.request("GET", "/metrics", headers={"Host": host})
        return connection.getresponse().status
    except OSError:
        return 0
    finally:
        connection.close()


def wait_for(holds, seconds=10):
    """Whether it comes to be."""
    deadline = time.monotonic() + seconds
    while not (found := holds()) and time.monotonic() < deadline:
        time.sleep(0.01)
    return found

"""The loopback server keeps to HTTP, and misbehaves only when told."""

from __future__ import annotations

import http.client
import socket
import threading
from contextlib import closing

import pytest

from costspan.demo.server import Answer, LoopbackServer, events, reply


@pytest.fixture
def serve():
    """`serve(answer)` is a connection to a server that always answers so."""
    opened = []

    def start(answer):
        server = LoopbackServer(lambda received: answer)
        connection = http.client.HTTPConnection(server.url.removeprefix("http://"), timeout=5)
        opened.extend([connection, server])
        return server, connection

    yield start
    for each in opened:
        each.close()


def _get(connection, **request):
    connection.request("POST", "/v1/x?a=1", **request)
    return connection.getresponse()


def test_a_connection_serves_many_requests(serve):
    server, connection = serve(reply({"ok": True}, retry_after_ms="1"))
    answers = [(got.status, got.headers["retry-after-ms"], got.read()) for got in (_get(connection) for _ in "ab")]

    assert answers == [(200, "1", b'{"ok": true}')] * 2
    assert [(each.path, each.query) for each in server.requests] == [("/v1/x", "a=1")] * 2


def test_a_body_may_come_in_chunks(serve):
    server, connection = serve(reply({}))
    _get(connection, body=iter([b"ab", b"cde"]), encode_chunked=True).read()

    assert server.requests[0].body == b"abcde"
    assert server.requests[0].json == {}


def test_events_are_named_when_asked(serve):
    _, connection = serve(events([{"type": "a"}], named=True))

    assert _get(connection).read() == b'event: a\ndata: {"type": "a"}\n\ndata: [DONE]\n\n'


def test_a_status_of_zero_hangs_up(serve):
    _, connection = serve(Answer(status=0))

    with pytest.raises(http.client.RemoteDisconnected):
        _get(connection)


@pytest.mark.parametrize("streamed", [True, False])
def test_a_broken_answer_is_cut_before_its_end(serve, streamed):
    _, connection = serve(Answer((b"abc",), streamed=streamed, broken=True))

    with pytest.raises(http.client.IncompleteRead):
        _get(connection).read()


def test_nothing_follows_the_first_part_until_the_gate_opens(serve):
    gate = threading.Event()
    _, connection = serve(Answer((b"a", b"b"), streamed=True, gate=gate))
    answer = _get(connection)
    first = answer.read(1)
    gate.set()

    assert (first, answer.read()) == (b"a", b"b")


def test_a_client_may_leave_in_the_middle(serve):
    server, connection = serve(Answer((b"x" * 100_000,) * 200, streamed=True))
    _get(connection).read(1)
    connection.close()

    with socket.create_connection(("127.0.0.1", int(server.url.rsplit(":", 1)[1]))) as again:
        again.sendall(b"GET / HTTP/1.1\r\ncontent-length: 0\r\n\r\n")
        assert again.recv(15) == b"HTTP/1.1 200 OK"


def test_close_ends_it_though_a_client_holds_its_connection():
    with closing(LoopbackServer(lambda received: reply({}))) as server:
        connection = http.client.HTTPConnection(server.url.removeprefix("http://"), timeout=5)
        _get(connection).read()

    assert connection.sock.recv(1) == b""
    connection.close()

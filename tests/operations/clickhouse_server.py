"""ClickHouse's HTTP interface in front of its real engine (`chdb`), as far as the Collector's exporter speaks it.

    python clickhouse_server.py PORT FOLDER

The engine owns a process, so this is one. It ends when its standard input does.
"""

from __future__ import annotations

import re
import sys
import tempfile
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Lock, Thread
from urllib.parse import parse_qs, unquote, urlsplit

from chdb.session import Session

INSERT = re.compile(r"\s*INSERT\s+INTO\s+(.*?)\s*(?:VALUES.*|FORMAT\s+\w+\s*)?$", re.IGNORECASE | re.DOTALL)


# The driver asks who is there in its own protocol version; from then on it speaks the old one that we name, in which a
# block of the Native format differs from the engine's by the eight bytes before it.
BLOCK_INFO = bytes((1, 0, 2, 255, 255, 255, 255, 0))
REVISION = 54_400


def text(value):
    """A string as the Native format has it; all of ours are short."""
    return bytes((len(value),)) + value.encode()


def hello():
    """The answer to `SELECT displayName(), version(), revision(), timezone()`: four columns, one row."""
    columns = (("displayName()", "String", text("chdb")), ("version()", "String", text("26.3.1.1")))
    columns += (("revision()", "UInt32", REVISION.to_bytes(4, "little")), ("timezone()", "String", text("UTC")))
    body = b"".join(text(name) + text(kind) + b"\0" + value for name, kind, value in columns)
    return BLOCK_INFO + bytes((len(columns), 1)) + body


class Engine:
    """One session of the engine."""

    def __init__(self, folder):
        self.session = Session(folder)
        self.lock = Lock()
        self.session.query("CREATE DATABASE IF NOT EXISTS otel")

    def run(self, sql, body, database, form):
        if database:
            self.session.query(f"USE {database}")
        if body and (found := INSERT.match(sql)):
            with tempfile.NamedTemporaryFile(suffix=".native") as file:
                Path(file.name).write_bytes(body)
                self.session.query(f"INSERT INTO {found[1]} SELECT * FROM file('{file.name}', Native)")
            return b""
        if "displayName()" in sql:
            return hello()
        found = self.session.query(sql, form).bytes()
        return BLOCK_INFO + found if form == "Native" and found else found


def body_of(request):
    """A request's body, in one piece or in chunks."""
    if request.headers.get("Transfer-Encoding") != "chunked":
        return request.rfile.read(int(request.headers.get("Content-Length") or 0))
    body = b""
    while size := int(request.rfile.readline().split(b";")[0], 16):
        body += request.rfile.read(size)
        request.rfile.readline()
    request.rfile.readline()
    return body


def handler(engine):
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def answer(self, status, body):
            self.send_response(status)
            self.send_header("X-ClickHouse-Server-Display-Name", "chdb")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def do_POST(self):
            given = {name: values[0] for name, values in parse_qs(urlsplit(self.path).query).items()}
            body = body_of(self)
            sql = given.get("query") or body.decode()
            form = self.headers.get("X-ClickHouse-Format") or given.get("default_format") or "TabSeparated"
            if "query" not in given:
                body = b""
            try:
                with engine.lock:
                    found = engine.run(sql, body, given.get("database", ""), form)
            except RuntimeError as error:
                self.answer(500, str(error).encode())
            else:
                self.answer(200, found)

        def do_GET(self):
            self.answer(200, b"Ok.\n")

        def log_message(self, *args):
            print(unquote(self.path)[:300], args[1:], file=sys.stderr)

    return Handler


if __name__ == "__main__":
    server = ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1])), handler(Engine(sys.argv[2])))
    Thread(target=server.serve_forever, daemon=True).start()
    sys.stdin.read()

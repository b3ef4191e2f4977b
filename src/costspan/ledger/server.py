"""The running ledger: receiver, store and page in background threads of this process.

`with start(db="ledger.db", port=0) as ledger: ...` is all a test or another command needs.
"""

from __future__ import annotations

import contextlib
import http.client
import json
import socket
import ssl
import sys
import threading
import time
import urllib.request
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import uvicorn

from costspan.config import tolerant_settings
from costspan.ledger.app import make_app
from costspan.ledger.gate import LOOPBACK, Gate
from costspan.ledger.grpc_receiver import start_grpc
from costspan.ledger.ingest import Ingest
from costspan.ledger.lock import lock, tell
from costspan.ledger.patience import PatientProtocol
from costspan.ledger.schema import CLICKHOUSE, LedgerError, default_db
from costspan.ledger.store import Keep, Store
from costspan.pricing import Pricer

if TYPE_CHECKING:
    from types import TracebackType

HTTP_PORT = 4318
_SOON_SECONDS = 10


@dataclass(frozen=True)
class Listen:
    """Where to listen. Port 0 is any free one; `grpc_port` None is no gRPC."""

    host: str = "127.0.0.1"
    port: int = HTTP_PORT
    grpc_port: int | None = None
    token: str = ""
    open: bool = False  # beyond this machine without a token
    tls_cert: str = ""  # paths of PEM files: certificates …
    tls_key: str = ""  # … and their key, if it is not in the same file
    keep: Keep = field(default_factory=Keep)


class RunningLedger:
    """A ledger that answers. `stop()` stores what has arrived and frees the ports."""

    def __init__(self, db: Path, listen: Listen, pricer: Pricer) -> None:
        if listen.host not in LOOPBACK and not (listen.token or listen.open):
            raise LedgerError(f"listening on {listen.host} lets others in: give --token, or --open to allow everyone")
        tls = _read_tls(listen)
        self.db = db
        self.host = listen.host
        self._socket = _bind(listen.host, listen.port)
        self.http_port: int = self._socket.getsockname()[1]
        self.url = (
            f"{'https' if tls else 'http'}://{f'[{self.host}]' if ':' in self.host else self.host}:{self.http_port}"
        )
        with contextlib.ExitStack() as undo:
            undo.callback(self._socket.close)
            self._lock = lock(db)
            undo.callback(self._lock.close)
            tell(self._lock, self.url)
            self.ingest = Ingest(Store(db), pricer, listen.keep)
            undo.callback(self.ingest.stop)
            self._start_grpc(listen, tls)
            undo.pop_all()
        app = Gate(make_app(self.ingest, str(db.absolute())), listen.host, listen.token)
        config = uvicorn.Config(
            app, lifespan="off", ws="none", log_level="warning", access_log=False, timeout_graceful_shutdown=2,
            server_header=False, http=PatientProtocol,
            ssl_certfile=listen.tls_cert or None, ssl_keyfile=listen.tls_key or None,
        )  # fmt: skip
        self._server = uvicorn.Server(config)
        self._thread = threading.Thread(
            target=self._server.run, kwargs={"sockets": [self._socket]}, name="costspan-http", daemon=True
        )
        self._thread.start()
        self._wait_until_ready()

    def _start_grpc(self, listen: Listen, tls: tuple[bytes, bytes] | None) -> None:
        self._grpc: Any = None
        self.grpc_port: int | None = None
        if listen.grpc_port is not None:
            _bind(listen.host, listen.grpc_port, "--grpc-port").close()  # gRPC itself would write a line of its own
            address = f"{f'[{listen.host}]' if ':' in listen.host else listen.host}:{listen.grpc_port}"
            self._grpc, self.grpc_port = start_grpc(self.ingest, address, listen.token, tls)

    def _wait_until_ready(self) -> None:
        deadline = time.monotonic() + _SOON_SECONDS
        while not self._server.started:
            if time.monotonic() > deadline or not self._thread.is_alive():
                raise LedgerError("the HTTP server did not start; its log says why")
            time.sleep(0.005)

    def stop(self) -> None:
        """Answer what is under way, store it, free the ports. May be called again."""
        if self._grpc is not None:
            self._grpc.stop(1).wait()
            self._grpc = None
        if self._thread.is_alive():
            self._server.should_exit = True
            self._thread.join()
            self.ingest.stop()
            self._socket.close()
            self._lock.close()

    def __enter__(self) -> RunningLedger:  # noqa: PYI034 typing.Self needs Python 3.11
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None) -> None:
        self.stop()


def start(
    db: Path | str | None = None,
    *,
    port: int = HTTP_PORT,
    grpc_port: int | None = None,
    pricer: Pricer | None = None,
    listen: Listen | None = None,
) -> RunningLedger:
    """A ledger in threads of this process, ready when this returns. `listen` says more than the ports.

    Raises:
        LedgerError: A port or the file is in use, or the file cannot be used; one line with cause and cure.
    """
    if str(db).startswith(CLICKHOUSE):
        raise LedgerError("ClickHouse is filled by a Collector: set OTEL_EXPORTER_OTLP_ENDPOINT to it, or name a file")
    path, settings = Path(db) if db else default_db(), tolerant_settings()
    pricer = pricer or Pricer(settings.prices, settings.hosts)
    return RunningLedger(path, listen or Listen(port=port, grpc_port=grpc_port), pricer)


def find_running(url: str = f"http://127.0.0.1:{HTTP_PORT}", timeout: float = 2) -> dict[str, Any] | None:
    """What the costspan ledger at `url` says of itself; None if there is none (or something else is there)."""
    try:
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        with opener.open(f"{url}/healthz", timeout=timeout) as answer:
            said = json.load(answer)
    except (OSError, ValueError, http.client.HTTPException):  # gRPC on this port answers in no HTTP/1
        return None
    return said if isinstance(said, dict) and said.get("service") == "costspan" else None


def _read_tls(listen: Listen) -> tuple[bytes, bytes] | None:
    """Key and certificates, once they are known to fit; None without TLS.

    Raises:
        LedgerError: They cannot be read, or do not belong together.
    """
    if not listen.tls_cert:
        if listen.tls_key:
            raise LedgerError("--tls-key needs its certificate: give --tls-cert too")
        return None
    try:
        ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_cert_chain(listen.tls_cert, listen.tls_key or None)
        return Path(listen.tls_key or listen.tls_cert).read_bytes(), Path(listen.tls_cert).read_bytes()
    except OSError as error:  # ssl.SSLError is one
        raise LedgerError(f"TLS cannot be set up with {listen.tls_cert}: {error.strerror or error}") from error


def _bind(host: str, port: int, option: str = "--port") -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    try:
        if sys.platform != "win32":  # there, it would let two programs share the port
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((host, port))
        listener.listen(256)
    except OSError as error:
        listener.close()
        raise LedgerError(_taken(host, port, option, error)) from error
    return listener


def _taken(host: str, port: int, option: str, error: OSError) -> str:
    if running := find_running(f"http://127.0.0.1:{port}"):
        return (
            f"costspan already listens on port {port} (ledger {running['ledger']}): use it, or choose another {option}"
        )
    return f"cannot listen on {host} port {port} ({error.strerror}): choose another with {option}, 0 for any free one"

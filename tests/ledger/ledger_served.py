"""A ledger for tests, with or without its HTTP server, and a way to send to it and ask it."""

from __future__ import annotations

import json
import urllib.error
import urllib.request
from typing import TYPE_CHECKING, Any

from costspan.ledger.ingest import Ingest, Job
from costspan.ledger.question import Question, parse_by, parse_where
from costspan.ledger.reader import Reader
from costspan.ledger.server import Listen, start
from costspan.ledger.store import Store
from costspan.pricing import Pricer
from costspan.reports.usage import read_usage

if TYPE_CHECKING:
    from pathlib import Path


class Ledger:
    """A ledger over a file of its own; requests go to the thread that writes, as the servers hand them over."""

    def __init__(self, path: Path, pricer: Pricer | None = None) -> None:
        self.path = path
        self.ingest = Ingest(Store(path), pricer or Pricer())

    def send(self, body: bytes, signal: str = "traces", **job: Any) -> Any:
        """What the request held, once it is stored."""
        return self.ingest.submit(Job(signal, body, **job)).result(20)

    def report(self, by: str = "", *where: str, **period: Any) -> Any:
        with Reader(self.path) as reader:
            return read_usage(reader, Question(by=parse_by(by), where=parse_where(where), **period))

    def sql(self, query: str) -> list[Any]:
        with Reader(self.path) as reader:
            return reader.fetch(query)

    def close(self) -> None:
        self.ingest.stop()


class Served(Ledger):
    """A ledger spoken to over HTTP."""

    def __init__(self, path: Path, **listen: Any) -> None:
        self.path = path
        self.running = start(path, listen=Listen(**{"port": 0} | listen))
        self.ingest = self.running.ingest

    def post(self, body: bytes, signal: str = "traces", **headers: str) -> tuple[int, bytes]:
        """Status and body of the answer."""
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return fetch(f"{self.running.url}/v1/{signal}", body, {"content-type": "application/x-protobuf"} | named)

    def get(self, path: str, **headers: str) -> tuple[int, Any]:
        """Status and JSON of the answer."""
        status, body = fetch(self.running.url + path, None, headers)
        return status, json.loads(body)

    def close(self) -> None:
        self.running.stop()


def fetch(url: str, body: bytes | None, headers: dict[str, str]) -> tuple[int, bytes]:
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with opener.open(urllib.request.Request(url, body, headers), timeout=20) as answer:
            return answer.status, answer.read()
    except urllib.error.HTTPError as error:
        with error:
            return error.code, error.read()

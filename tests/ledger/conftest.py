"""A running ledger for tests, and a way to send to it and ask it."""

from __future__ import annotations

import json
import urllib.error
import urllib.request
from typing import Any

import pytest

from costspan.ledger.question import Question, parse_by, parse_where
from costspan.ledger.reader import Reader
from costspan.ledger.server import start
from costspan.reports.usage import read_usage


class Ledger:
    """A ledger over a file of its own, spoken to over HTTP."""

    def __init__(self, path: Any) -> None:
        self.path = path
        self.running = start(path, port=0)

    def send(self, body: bytes, signal: str = "traces", **headers: str) -> tuple[int, bytes]:
        """Status and body of the answer."""
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        headers = {"content-type": "application/x-protobuf"} | named
        return fetch(f"{self.running.url}/v1/{signal}", body, headers)

    def get(self, path: str, **headers: str) -> tuple[int, Any]:
        """Status and JSON of the answer."""
        status, body = fetch(self.running.url + path, None, headers)
        return status, json.loads(body)

    def report(self, by: str = "", *where: str, **period: Any) -> Any:
        with Reader(self.path) as reader:
            return read_usage(reader, Question(by=parse_by(by), where=parse_where(where), **period))

    def sql(self, query: str) -> list[Any]:
        with Reader(self.path) as reader:
            return reader.fetch(query)


def fetch(url: str, body: bytes | None, headers: dict[str, str]) -> tuple[int, bytes]:
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with opener.open(urllib.request.Request(url, body, headers), timeout=20) as answer:
            return answer.status, answer.read()
    except urllib.error.HTTPError as error:
        with error:
            return error.code, error.read()


@pytest.fixture
def ledger(tmp_path):
    made = Ledger(tmp_path / "ledger.db")
    yield made
    made.running.stop()

from __future__ import annotations

import contextlib

import pytest

from costspan.demo.provider import Provider
from costspan.demo.running import environment
from costspan.ledger.server import start


@pytest.fixture
def provider():
    with contextlib.closing(Provider()) as provider:
        yield provider


@pytest.fixture
def ledger(tmp_path):
    with start(tmp_path / "ledger.db", port=0) as ledger:
        yield ledger


@pytest.fixture
def environ(monkeypatch, provider, ledger):
    """The environment of the demo's programs, also set here: they can be run in this process too."""
    made = environment(provider.url, provider.host, ledger.url)
    for name, value in made.items():
        monkeypatch.setenv(name, value)
    return made

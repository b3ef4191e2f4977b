"""A ledger for each test, or one server for all that need HTTP."""

from __future__ import annotations

import pytest
from ledger_served import Ledger, Served


@pytest.fixture
def ledger(tmp_path):
    made = Ledger(tmp_path / "ledger.db")
    yield made
    made.close()


@pytest.fixture(scope="session")
def shared_served(tmp_path_factory):
    made = Served(tmp_path_factory.mktemp("ledger") / "ledger.db")
    yield made
    made.close()


@pytest.fixture
def served(shared_served):
    """One server of the session; what other tests sent to it is there too, under their own service names."""
    return shared_served

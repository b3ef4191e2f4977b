"""What tests of pricing share: a small price list, and prices that no test leaves behind."""

from __future__ import annotations

import json

import pytest

from costspan.pricing import lookup
from costspan.pricing.pricer import Pricer
from costspan.pricing.registry import REGISTERED


@pytest.fixture(autouse=True)
def own_cache(tmp_path, monkeypatch):
    """Nothing that a test updates or registers is there for another one, or for the person who runs it."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.delenv("COSTSPAN_PRICES", raising=False)
    lookup.pricer_of_environment.cache_clear()
    yield tmp_path / "cache" / "costspan"
    REGISTERED.clear()
    lookup.pricer_of_environment.cache_clear()


@pytest.fixture
def price_file(tmp_path):
    """Writes a price file, and gives its path."""

    def write(content, name="prices.json"):
        path = tmp_path / name
        path.write_text(content if isinstance(content, str) else json.dumps(content))
        return path

    return write


@pytest.fixture
def pricer_with(price_file):
    """A Pricer over the bundled list with models, discounts … of the user's own."""

    def make(**sections):
        return Pricer(str(price_file(sections)))

    return make

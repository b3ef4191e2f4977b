"""Fixtures that every test may ask for. Fake providers speak real HTTP on loopback, one server per session."""

from __future__ import annotations

import pytest
from fake_providers import FakeProvider, openai


@pytest.fixture(scope="session")
def openai_server():
    """The fake OpenAI of the whole session; ask for `fake_openai`, which is clean."""
    fake = FakeProvider(openai.ROUTES)
    yield fake
    fake.close()


@pytest.fixture
def fake_openai(openai_server):
    """A fake OpenAI that was asked nothing yet. Base URL of a client: `fake_openai.url + "/v1"`."""
    openai_server.clear()
    return openai_server

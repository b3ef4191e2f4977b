"""Sync and async clients that outlive the cases, so that most are older than the instrumentation they are used under."""

from __future__ import annotations

import asyncio

import openai
import pytest

from conformance.suite import Client


@pytest.fixture(scope="session")
def loop():
    loop = asyncio.new_event_loop()
    yield loop
    loop.close()


@pytest.fixture(scope="session")
def openai_clients(openai_server, loop):
    """By name: sync, async. No retries unless a case says so: failures must be quick."""
    where = {"base_url": openai_server.url + "/v1", "api_key": "k", "max_retries": 0}
    one, other = openai.OpenAI(**where), openai.AsyncOpenAI(**where)
    yield {"sync": Client("sync", one), "async": Client("async", other, loop.run_until_complete)}
    one.close()
    loop.run_until_complete(other.close())

"""The anthropic SDK: the host program sees with costspan what it sees without."""

from __future__ import annotations

import copyreg

import anthropic
import pytest
from fake_providers import FakeProvider
from fake_providers import anthropic as wire

from conformance.anthropic_table import GROUPS
from conformance.suite import Client


@pytest.fixture(scope="module")
def fake():
    served = FakeProvider(wire.ROUTES)
    yield served
    served.close()


@pytest.fixture(scope="module")
def clients(fake, loop):
    """By name: sync, async, both older than the instrumentation they are used under."""
    for each in (anthropic.Stream, anthropic.AsyncStream):
        copyreg._slotnames(each)  # noted on the class when the SDK first copies a stream, with us or without
    where = {"base_url": fake.url, "api_key": "k", "max_retries": 0}
    one, other = anthropic.Anthropic(**where), anthropic.AsyncAnthropic(**where)
    yield {"sync": Client("sync", one), "async": Client("async", other, loop.run_until_complete)}
    one.close()
    loop.run_until_complete(other.close())


@pytest.mark.parametrize("group", GROUPS, ids=str)
def test_the_host_sees_what_the_bare_sdk_shows(group, clients, fake, instrumented):
    assert group.differences(clients[group.client], fake, instrumented) == {}
    assert instrumented.failures == {}

"""Every SDK of this environment: the host sees with costspan what it sees without, and each call is told once."""

from __future__ import annotations

import pytest
from adapters import close
from adapters.environments import ENVIRONMENTS, NAME
from fake_providers import FakeProvider

from conformance.host import finish
from conformance.sdks import ROWS
from conformance.suite import Client, collect

pytestmark = [pytest.mark.slow, pytest.mark.filterwarnings("ignore")]  # the SDKs' own
HERE = [row for row in ROWS if row.name in ENVIRONMENTS[NAME].sdks]
GROUPS = [(row, group) for row in HERE for group in row.groups()]


@pytest.fixture(scope="module")
def fakes():
    """By SDK: its provider, and clients that are older than the instrumentation they are used under."""
    made = {row.name: FakeProvider(row.wire.ROUTES) for row in HERE}
    yield made
    for fake in made.values():
        fake.close()


@pytest.fixture(scope="module")
def clients(fakes, loop):
    made = {(row.name, kind): sdk for row in HERE for kind, sdk in row.clients(fakes[row.name].url).items()}
    yield made
    for sdk in made.values():
        loop.run_until_complete(close(sdk))
    del sdk
    made.clear()
    collect()


@pytest.mark.parametrize(("row", "group"), GROUPS, ids=lambda each: getattr(each, "name", str(each)))
def test_the_host_sees_what_the_bare_sdk_shows(row, group, clients, fakes, instrumented, loop):
    sdk, run = clients[row.name, group.client], finish if group.client == "sync" else loop.run_until_complete
    assert group.differences(Client(group.client, sdk, run), fakes[row.name], instrumented) == {}
    assert instrumented.failures == {}

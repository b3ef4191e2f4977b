"""The openai SDK: the host program sees with costspan what it sees without."""

from __future__ import annotations

import pytest

from conformance.openai_table import GROUPS

pytestmark = pytest.mark.filterwarnings("ignore:deprecated:DeprecationWarning")  # two operations that the SDK retires


@pytest.mark.parametrize("group", GROUPS, ids=str)
def test_the_host_sees_what_the_bare_sdk_shows(group, openai_clients, fake_openai, instrumented):
    assert group.differences(openai_clients[group.client], fake_openai, instrumented) == {}
    assert instrumented.failures == {}

"""The openai SDK: the host program sees with costspan what it sees without."""

from __future__ import annotations

import pytest

from conformance.openai_table import CASES


@pytest.mark.parametrize("case", CASES, ids=str)
def test_the_host_sees_what_the_bare_sdk_shows(case, openai_clients, fake_openai):
    client = openai_clients[case.client]

    assert case.observe(client, fake_openai) == case.observe(client, fake_openai)

"""What LiteLLM has had since 1.103: functions that look up what they call."""

from __future__ import annotations

import os

import pytest
from fake_providers import openai as wire

os.environ["LITELLM_LOCAL_MODEL_COST_MAP"] = "True"  # else it is fetched at import

import litellm

from costspan.usage import Usage

pytestmark = [pytest.mark.real, pytest.mark.filterwarnings("ignore")]  # LiteLLM's own and its dependencies'
taken_early = litellm.completion


def test_a_function_that_was_imported_before_is_seen(watch, serve):
    seen, fake = watch("litellm"), serve(wire)

    taken_early(
        model="openai/gpt-4o",
        messages=[{"role": "user", "content": "Cats?"}],
        api_base=fake.url + "/v1",
        api_key="k",
    )

    assert seen.usage == Usage(input=19, output=10)

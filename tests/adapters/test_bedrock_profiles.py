"""Application inference profiles: looked up at AWS where the settings allow it, never in the way of a call."""

from __future__ import annotations

import json
import threading

import pytest
from fake_providers import bedrock as wire

from adapters.bedrock_client import client_of
from costspan.adapters._bedrock_profiles import PROFILE, PROFILES
from costspan.guard import FAILURES

MESSAGES = [{"role": "user", "content": [{"text": "Tell me about cats."}]}]
PATH = "/inference-profiles/"


@pytest.fixture
def fake(serve, monkeypatch):
    fake = serve(wire)
    monkeypatch.setenv("AWS_ENDPOINT_URL_BEDROCK", fake.url)
    monkeypatch.setattr(PROFILES, "_asked", set())
    monkeypatch.setattr(PROFILES, "_models", {})
    return fake


@pytest.fixture
def client(fake):
    return client_of(fake.url)


def arn(name):
    return f"arn:aws:bedrock:us-east-1:123456789012{PROFILE}{name}"


def look_up():
    """Wait for the look-ups that are under way."""
    for thread in threading.enumerate():
        if thread.name == "costspan-bedrock-profile":
            thread.join(10)


def lookups(fake):
    return [each.path for each in fake.requests if PATH in each.path]


def test_nothing_is_asked_unless_the_settings_say_so(watch, fake, client):
    seen = watch("bedrock")

    client.converse(modelId=arn("us-east-1-of-ours"), messages=MESSAGES)
    look_up()

    assert lookups(fake) == []
    assert seen.attributes["costspan.price.status"] == "unpriced"


@pytest.mark.parametrize(
    ("regions", "billed"),
    [
        ("us-east-1", "foundation-model/amazon.nova-lite-v1:0"),
        ("us-east-1+us-west-2", "inference-profile/us.amazon.nova-lite-v1:0"),
        ("ap-southeast-2+ap-northeast-1", "inference-profile/apac.amazon.nova-lite-v1:0"),
        ("+us-east-1", "inference-profile/global.amazon.nova-lite-v1:0"),
    ],
)
def test_a_profile_is_asked_for_once_and_its_calls_are_priced_from_then_on(watch, fake, client, regions, billed):
    seen, profile = watch("bedrock", bedrock_profiles="lookup"), arn(f"{regions}-of-ours")

    client.converse(modelId=profile, messages=MESSAGES)
    look_up()
    client.converse(modelId=profile, messages=MESSAGES)
    list(client.converse_stream(modelId=profile, messages=MESSAGES)["stream"])
    look_up()

    assert len(lookups(fake)) == 1
    *_, call, stream = seen.spans
    for span in (call, stream):
        assert span.attributes["gen_ai.request.model"] == profile
        assert span.attributes["gen_ai.response.model"].endswith(f":{billed}")
        assert span.attributes["costspan.price.status"] == "priced"


def test_a_models_own_json_is_priced_by_the_profile_too(watch, fake, client):
    seen, profile = watch("bedrock", bedrock_profiles="lookup"), arn("us-east-1-of-ours")
    PROFILES.ask(profile, client)
    look_up()

    client.invoke_model(modelId=profile, body=json.dumps({"messages": MESSAGES}))["body"].read()

    assert seen.reply.model == "arn:aws:bedrock:us-east-1::foundation-model/amazon.nova-lite-v1:0"


def test_a_look_up_that_is_refused_reaches_nobody_and_is_not_tried_again(watch, fake, client):
    seen, profile = watch("bedrock", bedrock_profiles="lookup"), arn("us-east-1-of-theirs")
    fake.play(wire.error(403, "AccessDeniedException"))
    PROFILES.ask(profile, client)
    look_up()

    client.converse(modelId=profile, messages=MESSAGES)
    look_up()

    assert len(lookups(fake)) == 1
    assert seen.attributes["costspan.price.status"] == "unpriced"
    assert [step for step, _ in FAILURES.counts] == [
        "look up an inference profile of Bedrock; give its model as a deployment in COSTSPAN_PRICES instead"
    ]
    FAILURES.clear()


def test_a_model_with_a_name_is_never_looked_up(watch, fake, client):
    watch("bedrock", bedrock_profiles="lookup")

    client.converse(modelId="us.amazon.nova-lite-v1:0", messages=MESSAGES)
    look_up()

    assert lookups(fake) == []

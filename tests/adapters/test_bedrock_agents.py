"""Bedrock's agents: billed by what their traces tell of each model; without traces, nothing is known."""

from __future__ import annotations

import pytest
from fake_providers import bedrock as wire

from adapters.bedrock_client import client_of
from costspan.usage import ModelUsage, Usage

LITE, PRO = "amazon.nova-lite-v1:0", "amazon.nova-pro-v1:0"
USED = {"inputTokens": 1000, "outputTokens": 50}
AGENT = {"agentId": "A123456789", "agentAliasId": "B123456789", "sessionId": "s-1", "inputText": "Tell me about cats."}
INLINE = {"sessionId": "s-1", "foundationModel": PRO, "instruction": "Answer every question " * 2, "inputText": "Cats?"}
ASK = {
    "input": {"text": "Tell me about cats."},
    "retrieveAndGenerateConfiguration": {
        "type": "KNOWLEDGE_BASE",
        "knowledgeBaseConfiguration": {"knowledgeBaseId": "K1", "modelArn": LITE},
    },
}


@pytest.fixture
def fake(serve):
    return serve(wire)


@pytest.fixture
def client(fake):
    return client_of(fake.url, "bedrock-agent-runtime")


def test_every_call_of_a_model_that_a_trace_tells_is_billed_at_its_own_price(watch, fake, client):
    seen = watch("bedrock")
    first = wire.model_call("t1", USED, LITE, "preProcessingTrace")
    second = wire.model_call("t2", USED, LITE)
    helper = wire.model_call("t3", {"inputTokens": 10, "outputTokens": 5}, PRO, collaboratorName="helper")
    fake.play(wire.completion(*first, *second, *helper))

    events = list(client.invoke_agent(**AGENT, enableTrace=True)["completion"])

    assert b" ".join(each["chunk"]["bytes"] for each in events if "chunk" in each).decode() == wire.TEXT
    assert (seen.reply.model, seen.usage) == (LITE, Usage(input=2000, output=100, requests=2))
    assert seen.reply.parts == (ModelUsage(PRO, Usage(input=10, output=5, requests=1)),)
    assert (seen.attributes["costspan.price.status"], seen.call.request.stream) == ("priced", True)


def test_sums_that_a_step_repeats_are_not_counted_twice(watch, fake, client):
    seen = watch("bedrock")
    observed = {"observation": {"finalResponse": {"text": "Cats.", "metadata": {"usage": USED}}}}
    last = ("trace", {"trace": {"orchestrationTrace": observed}})
    fake.play(wire.completion(*wire.model_call("t1", USED, LITE), last))

    list(client.invoke_agent(**AGENT, enableTrace=True)["completion"])

    assert seen.usage == Usage(input=1000, output=50, requests=1)


def test_a_step_that_names_no_model_is_of_the_one_that_was_asked_for(watch, fake, client):
    seen = watch("bedrock")
    fake.play(wire.completion(*wire.model_call("t1", USED)))

    list(client.invoke_inline_agent(**INLINE, enableTrace=True)["completion"])

    assert (seen.reply.model, seen.usage) == (PRO, Usage(input=1000, output=50, requests=1))
    assert seen.attributes["costspan.price.status"] == "priced"


def test_an_agent_without_traces_is_unpriced_and_says_what_to_do(watch, fake, client):
    seen = watch("bedrock", count_tokens="missing")

    list(client.invoke_agent(**AGENT)["completion"])

    assert seen.attributes["costspan.price.status"] == "unpriced"
    assert "enableTrace=True" in seen.attributes["costspan.price.reason"]
    assert seen.usage is None


def test_an_agent_that_is_left_early_keeps_what_was_told(watch, fake, client):
    seen = watch("bedrock")
    fake.play(wire.completion(*wire.model_call("t1", USED, LITE)))

    answer = client.invoke_agent(**AGENT, enableTrace=True)["completion"]
    events = iter(answer)
    assert [next(iter(next(events))) for _ in range(3)] == ["trace", "trace", "chunk"]
    answer.close()

    assert (seen.usage, seen.reply.partial) == (Usage(input=1000, output=50, requests=1), True)


@pytest.mark.parametrize("streams", [False, True])
def test_an_answer_from_a_knowledge_base_is_unpriced_and_says_why(watch, fake, client, streams):
    seen = watch("bedrock", count_tokens="missing")

    if streams:
        assert [each["output"]["text"] for each in client.retrieve_and_generate_stream(**ASK)["stream"]] == [wire.TEXT]
    else:
        assert client.retrieve_and_generate(**ASK)["output"]["text"] == wire.TEXT

    assert (seen.call.request.model, seen.usage) == (LITE, None)
    assert seen.attributes["costspan.price.status"] == "unpriced"
    assert "knowledge base" in seen.attributes["costspan.price.reason"]

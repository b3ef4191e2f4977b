from __future__ import annotations

import copy
import gc
import io
import json
import pickle
from itertools import islice

import pytest
from botocore.exceptions import ClientError, EventStreamError
from botocore.response import StreamingBody
from botocore.stub import Stubber
from fake_providers import anthropic as claude
from fake_providers import bedrock as wire

from adapters.bedrock_client import client_of
from costspan.usage import Terms, Usage

MODEL = "us.anthropic.claude-haiku-4-5-20251001-v1:0"
MESSAGES = [{"role": "user", "content": [{"text": "Tell me about cats."}]}]
FULL = Usage(input=400, cache_read=600, cache_write_5m=100, cache_write_1h=200, output=200)
CLAUDE = Usage(**{**FULL.counts, "output": 150, "reasoning": 50})


@pytest.fixture
def fake(serve):
    return serve(wire)


def invoke(sdk, model=MODEL, method="invoke_model", **body):
    return getattr(sdk, method)(modelId=model, body=json.dumps(body or {"messages": MESSAGES, "max_tokens": 9}))


def test_converse_counts_what_is_cached_besides(watch, fake):
    seen = watch("bedrock")
    fake.play(wire.converse(wire.CACHED, serviceTier={"type": "flex"}, performanceConfig={"latency": "optimized"}))

    answer = client_of(fake.url).converse(
        modelId=MODEL, messages=MESSAGES, inferenceConfig={"maxTokens": 9, "topP": 0.5}
    )

    assert answer["usage"]["totalTokens"] == 1500
    assert seen.usage == FULL
    assert seen.reply.terms == Terms(tier="flex", speed="optimized", geo="us-east-1")
    assert seen.reply.finish_reasons == ("end_turn",)
    attributes = seen.attributes
    assert (attributes["gen_ai.provider.name"], attributes["gen_ai.request.model"]) == ("aws.bedrock", MODEL)
    assert (attributes["gen_ai.request.max_tokens"], attributes["gen_ai.request.top_p"]) == (9, 0.5)
    assert attributes["costspan.price.model"].startswith("aws.bedrock/regional.anthropic.claude-haiku-4-5")


def test_a_client_that_was_made_before_is_seen(watch, fake):
    sdk = client_of(fake.url)
    seen = watch("bedrock")

    sdk.converse(modelId=MODEL, messages=MESSAGES)

    assert seen.usage == Usage(input=19, output=10)


def test_a_stream_tells_its_usage_at_the_end(watch, fake):
    seen = watch("bedrock")
    fake.play(wire.converse_stream(wire.CACHED, serviceTier={"type": "priority"}))

    stream = client_of(fake.url).converse_stream(modelId=MODEL, messages=MESSAGES)["stream"]
    assert seen.calls == []
    events = list(stream)

    assert "metadata" in events[-1]
    assert (seen.usage, seen.reply.terms.tier, seen.reply.partial) == (FULL, "priority", False)
    assert (type(stream).__name__, seen.reply.finish_reasons) == ("EventStream", ("end_turn",))


@pytest.mark.filterwarnings("ignore:unclosed", "ignore::pytest.PytestUnraisableExceptionWarning")  # as without us
@pytest.mark.parametrize("leave", ["close", "drop"])
@pytest.mark.parametrize("method", ["converse_stream", "invoke_model_with_response_stream"])
def test_a_stream_that_is_left_early_is_told_once(watch, fake, leave, method):
    seen = watch("bedrock")
    sdk = client_of(fake.url)
    answer = (
        sdk.converse_stream(modelId=MODEL, messages=MESSAGES) if "converse" in method else invoke(sdk, method=method)
    )
    stream = answer.get("stream") or answer["body"]

    next(iter(stream))
    if leave == "close":
        stream.close()
    del answer, stream
    gc.collect()

    assert (seen.reply.partial, len(seen.spans)) == (True, 1)


def test_an_error_within_a_stream_is_the_call_s(watch, fake):
    seen = watch("bedrock")
    parts = wire.converse_stream().parts
    fake.play(
        wire.Answer((*parts[:3], wire.failed()), content_type="application/vnd.amazon.eventstream", streamed=True)
    )

    stream = client_of(fake.url).converse_stream(modelId=MODEL, messages=MESSAGES)["stream"]
    with pytest.raises(EventStreamError):
        list(stream)

    assert (seen.attributes["error.type"], seen.reply.partial) == ("EventStreamError", True)


def test_a_body_is_looked_at_as_the_program_reads_it(watch, fake):
    """It can be read once, and it is the program's: same object, nothing read ahead."""
    seen = watch("bedrock")

    body = invoke(client_of(fake.url))["body"]
    assert seen.calls == []
    told = json.loads(body.read())

    assert told["usage"] == claude.CACHED
    assert (seen.usage, seen.reply.model) == (CLAUDE, "claude-sonnet-4-5-20250929")
    assert (type(body).__name__, body.read()) == ("StreamingBody", b"")


@pytest.mark.parametrize("read", ["iter_chunks", "iter_lines", "read bit by bit"])
def test_a_body_that_is_read_in_parts_is_told_once(watch, fake, read):
    seen = watch("bedrock")
    body = invoke(client_of(fake.url))["body"]

    if read == "read bit by bit":
        while body.read(10):
            pass
    else:
        list(getattr(body, read)(10))

    assert (seen.usage, len(seen.spans)) == (CLAUDE, 1)


def test_of_a_body_that_is_not_read_the_headers_tell(watch, fake):
    seen = watch("bedrock")
    answer = invoke(client_of(fake.url))

    answer["body"].close()
    del answer

    assert (seen.usage, seen.reply.partial) == (Usage(input=19, output=10), False)


@pytest.mark.parametrize(
    ("model", "body", "usage"),
    [
        ("amazon.titan-text-lite-v1", {"inputTextTokenCount": 7, "results": [{"tokenCount": 5}]},
         Usage(input=7, output=5)),
        ("amazon.titan-embed-text-v2:0", {"embedding": [0.5], "inputTextTokenCount": 7}, Usage(input=7)),
        ("us.amazon.nova-lite-v1:0", {"usage": wire.CACHED | {"cacheReadInputTokenCount": 600,
          "cacheWriteInputTokenCount": 300}}, Usage(input=400, cache_read=600, cache_write=300, output=200)),
        ("meta.llama3-8b-instruct-v1:0", {"prompt_token_count": 7, "generation_token_count": 5},
         Usage(input=7, output=5)),
        ("openai.gpt-oss-20b-1:0", {"usage": {"prompt_tokens": 7, "completion_tokens": 5,
          "prompt_tokens_details": {"cached_tokens": 2}}}, Usage(input=5, cache_read=2, output=5)),
        ("cohere.embed-v4:0", {"embeddings": [], "meta": {"billed_units": {"input_tokens": 7}}}, Usage(input=7)),
        ("amazon.nova-canvas-v1:0", {"images": ["a", "b"]}, Usage(images=2)),
    ],
)  # fmt: skip
def test_each_family_of_models_has_its_own_words(watch, fake, model, body, usage):
    seen = watch("bedrock")
    fake.play(wire.invoked(body))

    invoke(client_of(fake.url), model=model)["body"].read()

    assert seen.usage == usage
    wanted = "embeddings" if "embed" in model else "image_generation" if "canvas" in model else "chat"
    assert seen.call.request.operation == wanted


@pytest.mark.parametrize(
    ("model", "body", "reason"),
    [
        ("anthropic.claude-v2", {"stop_reason": "end_turn"}, "end_turn"),
        ("mistral.mistral-7b-instruct-v0:2", {"outputs": [{"text": "x", "stop_reason": "length"}]}, "length"),
        ("us.deepseek.r1-v1:0", {"choices": [{"text": "x", "stop_reason": "stop"}]}, "stop"),
        ("cohere.command-r-v1:0", {"text": "x", "finish_reason": "COMPLETE"}, "COMPLETE"),
        ("cohere.command-text-v14", {"generations": [{"finish_reason": "COMPLETE"}]}, "COMPLETE"),
        ("ai21.j2-ultra-v1", {"completions": [{"finishReason": {"reason": "endoftext"}}]}, "endoftext"),
        ("amazon.titan-text-lite-v1", {"results": [{"completionReason": "FINISH"}]}, "FINISH"),
        ("amazon.titan-text-lite-v1", {"outputText": "x", "completionReason": "LENGTH"}, "LENGTH"),  # in a stream
    ],
)
def test_each_family_of_models_says_why_it_ended(watch, fake, model, body, reason):
    seen = watch("bedrock")
    fake.play(wire.invoked(body, **wire.COUNTS))

    invoke(client_of(fake.url), model=model)["body"].read()

    assert seen.reply.finish_reasons == (reason,)


@pytest.mark.parametrize(("category", "free"), [("cyber", True), ("bio", False)])
def test_a_refusal_of_claude_costs_what_it_does_at_anthropic(watch, fake, category, free):
    """On every platform: platform.claude.com/docs/en/build-with-claude/refusals-and-fallback, 2026-09-26."""
    seen = watch("bedrock")
    usage = {"input_tokens": 106, "output_tokens": 0}
    fake.play(wire.invoked({"stop_reason": "refusal", "stop_details": {"category": category}, "usage": usage}))

    invoke(client_of(fake.url))["body"].read()

    assert (seen.usage, seen.reply.free) == (Usage(input=106), free)


def test_a_body_without_counts_leaves_those_of_the_headers(watch, fake):
    seen = watch("bedrock")
    fake.play(wire.invoked({"generations": [{"text": "It is."}]}, **wire.COUNTS))

    invoke(client_of(fake.url), model="cohere.command-text-v14")["body"].read()

    assert seen.usage == Usage(input=19, output=10)


def test_a_body_that_is_no_json_tells_nothing_and_stays_the_program_s(watch, fake):
    seen = watch("bedrock")
    fake.play(wire.Answer((b"not json",)))

    assert invoke(client_of(fake.url))["body"].read() == b"not json"
    assert seen.usage is None


def test_what_nobody_counted_is_counted_in_the_model_s_own_request(watch, fake):
    seen = watch("bedrock", count_tokens="missing")
    fake.play(wire.invoked({"content": [{"type": "text", "text": wire.TEXT}]}))

    invoke(client_of(fake.url), messages=[{"role": "user", "content": "Tell me about cats."}])["body"].read()

    assert seen.attributes["costspan.usage.source"] != "provider"
    assert seen.attributes["gen_ai.usage.input_tokens"] > 3
    assert seen.attributes["gen_ai.usage.output_tokens"] >= len(wire.TEXT.split())


def test_a_stream_of_a_model_s_own_json_is_merged(watch, fake):
    """Anthropic's first event tells the writes by time to live, Bedrock's sums come with the last."""
    seen = watch("bedrock")

    chunks = list(invoke(client_of(fake.url), method="invoke_model_with_response_stream")["body"])

    assert all(isinstance(chunk["chunk"]["bytes"], bytes) for chunk in chunks)
    assert seen.usage == CLAUDE
    assert (seen.reply.finish_reasons, seen.reply.partial) == (("end_turn",), False)


@pytest.mark.parametrize("taken", [None, 100])
def test_what_the_first_event_of_a_long_stream_tells_is_kept(watch, fake, taken):
    """The writes by time to live are nowhere else; nor, if the stream is left early, is the input."""
    seen = watch("bedrock")

    def answer(asked):
        first, start, word, *rest = wire.claude_chunks(asked)
        return wire.invoked_stream(first, start, *[word] * 150, *rest)

    fake.play(answer)
    events = invoke(client_of(fake.url), method="invoke_model_with_response_stream")["body"]
    assert len(list(islice(events, taken))) > 99
    events.close()

    assert {**seen.usage.counts, "output": 0, "reasoning": 0} == {**CLAUDE.counts, "output": 0, "reasoning": 0}
    assert seen.reply.partial == bool(taken)


@pytest.mark.parametrize("method", ["converse", "converse_stream"])
def test_an_error_reaches_the_program_and_costs_nothing(watch, fake, method):
    seen = watch("bedrock")
    fake.play(wire.error(400))

    with pytest.raises(ClientError):
        getattr(client_of(fake.url), method)(modelId="does-not-exist", messages=MESSAGES)

    assert (seen.usage, "gen_ai.usage.cost.amount" in seen.attributes) == (None, False)


@pytest.mark.parametrize("arn", ["application-inference-profile/abc", "imported-model/abc"])
def test_a_name_that_only_its_owner_can_resolve_has_no_price(watch, fake, arn):
    seen = watch("bedrock")

    client_of(fake.url).converse(modelId=f"arn:aws:bedrock:us-east-1:123456789012:{arn}", messages=MESSAGES)

    assert seen.attributes["costspan.price.status"] == "unpriced"


def test_the_model_behind_a_router_is_the_one_that_is_billed(watch, fake):
    seen = watch("bedrock")
    invoked = "arn:aws:bedrock:us-east-1:123456789012:inference-profile/us.amazon.nova-lite-v1:0"
    fake.play(wire.converse(trace={"promptRouter": {"invokedModelId": invoked}}))

    router = "arn:aws:bedrock:us-east-1:123456789012:default-prompt-router/amazon.nova:1"
    client_of(fake.url).converse(modelId=router, messages=MESSAGES)

    assert (seen.reply.model, seen.attributes["costspan.price.status"]) == (invoked, "priced")


def test_other_services_and_other_calls_are_not_ours(watch, fake):
    seen = watch("bedrock")
    fake.play(wire.reply({"modelSummaries": []}))

    client_of(fake.url, "bedrock").list_foundation_models()

    assert seen.calls == []


def test_of_a_claude_stream_that_is_left_early_the_text_that_came_is_counted(watch, fake):
    """The first event says 1 token of output, whatever comes."""
    seen = watch("bedrock", count_tokens="missing")

    stream = invoke(client_of(fake.url), method="invoke_model_with_response_stream", messages=MESSAGES)["body"]
    events = iter(stream)
    [next(events) for _ in range(5)]
    stream.close()

    assert seen.attributes["gen_ai.usage.output_tokens"] > 1
    assert seen.attributes["costspan.usage.source"] == "heuristic"


@pytest.mark.parametrize("copied", [copy.deepcopy, lambda answer: pickle.loads(pickle.dumps(answer))])  # noqa: S301 ours
def test_the_answer_of_a_stub_can_be_copied_as_without_us(watch, fake, copied):
    seen, sdk, text = watch("bedrock"), client_of(fake.url), json.dumps({"usage": {"input_tokens": 19}}).encode()
    stub = Stubber(sdk)
    stub.add_response(
        "invoke_model", {"body": StreamingBody(io.BytesIO(text), len(text)), "contentType": "application/json"}
    )
    with stub:
        answer = invoke(sdk)

    assert copy.copy(answer["body"]._raw_stream).tell() == 0
    assert copied(answer)["body"].read() == text
    assert seen.calls == []
    assert answer["body"].read() == text
    assert seen.usage == Usage(input=19)

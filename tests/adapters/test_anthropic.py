from __future__ import annotations

import gc

import anthropic
import pytest
from fake_providers import anthropic as wire

from adapters import SHAPES, STREAMS, Client
from costspan.adapters._billed import Batches
from costspan.usage import ModelUsage, Terms, Usage

ASK = {"model": "claude-sonnet-5", "max_tokens": 64, "messages": [{"role": "user", "content": "Tell me about cats."}]}
FULL = Usage(
    input=400, cache_read=600, cache_write_5m=100, cache_write_1h=200, output=150, reasoning=50,
    web_searches=2, web_fetches=1,
)  # fmt: skip


def client(fake, **more):
    where = {"base_url": fake.url, "api_key": "k", "max_retries": 0, **more}
    return Client(lambda: anthropic.Anthropic(**where), lambda: anthropic.AsyncAnthropic(**where))


def entry(kind, count, output, **more):
    none = {"cache_creation_input_tokens": 0, "cache_read_input_tokens": 0}
    return {"type": kind, "input_tokens": count, "output_tokens": output, **none, **more}


@pytest.mark.parametrize("shape", SHAPES)
def test_every_token_is_in_one_bucket_in_every_shape(watch, serve, shape):
    """The counts of a stream's last event replace those of its first; cached input is beside the fresh one."""
    seen, fake = watch("anthropic"), serve(wire)
    fake.play(wire.message(usage=wire.CACHED))

    client(fake).ask(shape, "messages.create", **ASK, stop_sequences=["END"], metadata={"user_id": "u-1"})

    assert seen.usage == FULL
    assert seen.usage.total_input == 1300
    assert (seen.reply.id, seen.reply.model, seen.reply.finish_reasons) == ("msg_1", ASK["model"], ("end_turn",))
    assert seen.reply.terms == Terms(tier="standard", geo="global")
    assert not seen.reply.partial
    attributes = seen.attributes
    assert attributes["gen_ai.usage.cache_write.input_tokens"] == 300
    assert (attributes["gen_ai.request.stop_sequences"], attributes["user.id"]) == (("END",), "u-1")
    assert attributes["server.address"] == "127.0.0.1"


@pytest.mark.parametrize("shape", SHAPES)
def test_cache_writes_that_are_not_told_apart_are_of_the_usual_kind(watch, serve, shape):
    seen, fake = watch("anthropic"), serve(wire)
    fake.play(wire.message(usage=wire.USAGE | {"cache_creation_input_tokens": 300, "cache_read_input_tokens": None}))

    client(fake).ask(shape, "messages.create", **ASK)

    assert seen.usage == Usage(input=19, cache_write=300, output=10)


@pytest.mark.parametrize("told", ["not_available", None])
@pytest.mark.parametrize(("region", "cost"), [("us-east5", 0.0198), ("global", 0.018)])
def test_an_endpoint_of_a_region_costs_a_tenth_more_at_vertex(watch, serve, region, cost, told):
    """The answer may tell of no place; the address does."""
    seen, fake = watch("anthropic"), serve(wire)
    fake.play(
        wire.message(
            model="claude-sonnet-4-6", usage={"input_tokens": 1000, "output_tokens": 1000, "inference_geo": told}
        )
    )

    def to_fake(request):
        request.url = request.url.copy_with(scheme="http", host="127.0.0.1", port=int(fake.url.rpartition(":")[2]))

    http = anthropic.DefaultHttpxClient(event_hooks={"request": [to_fake]})
    given = {"region": region, "project_id": "p", "access_token": "t", "http_client": http}
    with anthropic.AnthropicVertex(**given) as sdk:
        sdk.messages.create(**ASK | {"model": "claude-sonnet-4-6"})

    assert seen.attributes["gen_ai.usage.cost.amount"] == cost


@pytest.mark.parametrize("shape", SHAPES)
def test_the_terms_are_those_that_served(watch, serve, shape):
    seen, fake = watch("anthropic"), serve(wire)
    fake.play(wire.message(usage=wire.USAGE | {"speed": "fast", "inference_geo": "us", "service_tier": "priority"}))

    client(fake).ask(shape, "messages.create", **ASK)

    assert seen.reply.terms == Terms(tier="priority", speed="fast", geo="us")


@pytest.mark.parametrize("shape", SHAPES)
def test_a_compaction_is_billed_besides_on_the_same_model(watch, serve, shape):
    seen, fake = watch("anthropic"), serve(wire)
    entries = [entry("compaction", 55_000, 125), entry("message", 220, 8)]
    fake.play(wire.message(usage=wire.USAGE | {"input_tokens": 220, "output_tokens": 8, "iterations": entries}))

    client(fake).ask(shape, "messages.create", **ASK)

    assert seen.usage == Usage(input=220, output=8)
    assert seen.reply.parts == (ModelUsage(ASK["model"], Usage(input=55_000, output=125)),)
    assert seen.attributes["gen_ai.usage.input_tokens"] == 55_220


@pytest.mark.parametrize("shape", SHAPES)
def test_an_advisor_is_billed_besides_on_its_own_model(watch, serve, shape):
    seen, fake = watch("anthropic"), serve(wire)
    entries = [entry("message", 19, 10), entry("advisor_message", 2500, 20, model="claude-opus-4-8")]
    fake.play(wire.message(usage=wire.USAGE | {"iterations": entries}))

    client(fake).ask(shape, "messages.create", **ASK)

    assert seen.usage == Usage(input=19, output=10)
    assert seen.reply.parts == (ModelUsage("claude-opus-4-8", Usage(input=2500, output=20)),)


@pytest.mark.parametrize("total", [(400, 30), (300, 25)], ids=["counted in the message", "counted apart"])
def test_what_a_declining_model_used_is_billed_at_its_own_price(watch, serve, total):
    """The fallback answered: the declined attempt is in the message's counts or not, and is billed once."""
    seen, fake = watch("anthropic"), serve(wire)
    entries = [entry("message", 100, 5, model="claude-opus-5"), entry("fallback_message", 300, 25, model=ASK["model"])]
    usage = {"input_tokens": total[0], "output_tokens": total[1], "server_tool_use": {"web_search_requests": 1}}
    fake.play(wire.message(usage=wire.USAGE | usage | {"iterations": entries}))

    client(fake).ask("sync", "messages.create", **ASK)

    assert seen.usage == Usage(input=300, output=25, web_searches=1)
    assert seen.reply.parts == (ModelUsage("claude-opus-5", Usage(input=100, output=5)),)


def refused(category, count=400, output=0, **more):
    details = {"type": "refusal", "category": category, "explanation": None}
    usage = wire.USAGE | {"input_tokens": count, "output_tokens": output} | more
    return wire.message(content=[], stop_reason="refusal", stop_details=details, usage=usage)


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize(
    ("category", "output", "cost"),
    [
        ("cyber", 0, 0),
        ("general_harms", 0, 0),
        (None, 0, 0),
        ("bio", 0, 0.0008),
        ("frontier_llm", 0, 0.0008),
        ("reasoning_extraction", 0, 0.0008),
        ("cyber", 10, 0.0009),
    ],
)
def test_a_refusal_before_any_output_costs_nothing_but_for_some_reasons(watch, serve, shape, category, output, cost):
    """platform.claude.com/docs/en/build-with-claude/refusals-and-fallback, 2026-09-26; theopenco/llmgateway#2642."""
    seen, fake = watch("anthropic", hosts={"127.0.0.1": "anthropic"}), serve(wire)
    fake.play(refused(category, output=output))

    client(fake).ask(shape, "messages.create", **ASK)

    assert seen.attributes["gen_ai.usage.cost.amount"] == cost
    assert seen.attributes["gen_ai.usage.input_tokens"] == 400


@pytest.mark.parametrize(("category", "parts"), [("cyber", ()), (None, ()), ("frontier_llm", (Usage(input=535),))])
def test_a_model_that_declined_without_a_word_is_billed_for_some_reasons_only(watch, serve, category, parts):
    seen, fake = watch("anthropic"), serve(wire)
    entries = [
        entry("message", 535, 0, model="claude-fable-5"),
        entry("fallback_message", 412, 264, model=ASK["model"]),
    ]
    ends = {"from": {"model": "claude-fable-5"}, "to": {"model": ASK["model"]}}
    block = {"type": "fallback", **ends, "trigger": {"type": "refusal", "category": category}}
    usage = wire.USAGE | {"input_tokens": 412, "output_tokens": 264, "iterations": entries}
    fake.play(wire.message(content=[block, {"type": "text", "text": "Hi"}], usage=usage))

    client(fake).ask("sync", "messages.create", **ASK)

    assert seen.usage == Usage(input=412, output=264)
    assert seen.reply.parts == tuple(ModelUsage("claude-fable-5", usage) for usage in parts)
    assert not seen.reply.untold


@pytest.mark.parametrize("shape", STREAMS)
def test_a_stream_does_not_tell_whether_a_model_that_declined_is_billed(watch, serve, shape):
    seen, fake = watch("anthropic", hosts={"127.0.0.1": "anthropic"}), serve(wire)
    entries = [
        entry("message", 535, 0, model="claude-fable-5"),
        entry("fallback_message", 412, 264, model=ASK["model"]),
    ]
    fake.play(wire.message(usage=wire.USAGE | {"input_tokens": 412, "output_tokens": 264, "iterations": entries}))

    client(fake).ask(shape, "messages.create", **ASK)

    assert (seen.usage, seen.reply.parts) == (Usage(input=412, output=264), ())
    assert seen.attributes["costspan.price.status"] == "partial"


def test_a_refusal_after_a_refusal_costs_what_the_first_does(watch, serve):
    seen, fake = watch("anthropic"), serve(wire)
    entries = [entry("message", 535, 7, model="claude-fable-5"), entry("fallback_message", 412, 0, model=ASK["model"])]
    fake.play(refused("cyber", 412, iterations=entries))

    client(fake).ask("sync", "messages.create", **ASK)

    assert (seen.usage, seen.reply.parts) == (Usage(), (ModelUsage("claude-fable-5", Usage(input=535, output=7)),))


@pytest.mark.parametrize("entries", ["two", [None, 3, {"type": "message"}], {}], ids=str)
def test_odd_iterations_leave_the_message_s_own_counts(watch, serve, entries):
    seen, fake = watch("anthropic"), serve(wire)
    fake.play(wire.message(usage=wire.USAGE | {"iterations": entries}))

    client(fake).ask("sync", "messages.create", **ASK)

    assert (seen.usage, seen.reply.parts) == (Usage(input=19, output=10), ())


@pytest.mark.parametrize("shape", STREAMS)
def test_a_stream_left_early_told_its_input_and_not_its_output(watch, serve, shape):
    """The first event's `output_tokens` is 1 whatever comes: it is no count."""
    seen, fake = watch("anthropic"), serve(wire)

    client(fake).leave(shape, "messages.create", **ASK)

    assert (seen.usage, seen.reply.partial) == (Usage(input=19), True)


def test_the_helper_stream_is_one_call(watch, serve):
    seen, fake = watch("anthropic"), serve(wire)

    with anthropic.Anthropic(base_url=fake.url, api_key="k") as sdk, sdk.messages.stream(**ASK) as stream:
        text = "".join(stream.text_stream)
        final = stream.get_final_message()

    assert (text.strip(), final.usage.output_tokens) == (wire.TEXT, 10)
    assert seen.usage == Usage(input=19, output=10)
    assert not seen.reply.partial


async def test_the_async_helper_stream_is_one_call(watch, serve):
    seen, fake = watch("anthropic"), serve(wire)

    async with anthropic.AsyncAnthropic(base_url=fake.url, api_key="k") as sdk, sdk.messages.stream(**ASK) as stream:
        final = await stream.get_final_message()

    assert final.usage.output_tokens == 10
    assert (seen.usage, seen.reply.partial) == (Usage(input=19, output=10), False)


def test_a_helper_stream_that_is_left_early_is_told_once(watch, serve):
    seen, fake = watch("anthropic"), serve(wire)

    with anthropic.Anthropic(base_url=fake.url, api_key="k") as sdk, sdk.messages.stream(**ASK) as stream:
        next(iter(stream))

    assert (seen.reply.partial, len(seen.spans)) == (True, 1)


def test_counting_tokens_is_free(watch, serve):
    seen, fake = watch("anthropic"), serve(wire)
    asked = {key: value for key, value in ASK.items() if key != "max_tokens"}

    client(fake).ask("sync", "beta.messages.count_tokens", **asked)

    assert (seen.attributes["costspan.price.status"], seen.attributes["gen_ai.usage.cost.amount"]) == ("free", 0)


@pytest.mark.parametrize("shape", STREAMS)
def test_a_batch_s_results_are_billed_as_they_are_read_at_the_batch_price(watch, serve, shape):
    """Two models answered; what failed costs nothing."""
    seen, fake = watch("anthropic", hosts={"127.0.0.1": "anthropic"}), serve(wire)

    batch = f"batch_{len(shape)}"
    lines = _results(client(fake), shape, batch)

    assert [line.result.type for line in lines] == ["succeeded", "errored", "succeeded", "succeeded"]
    assert seen.usage == Usage(input=19, output=10) + FULL + Usage(requests=2)
    assert seen.reply.parts == (ModelUsage("claude-haiku-4-5", Usage(input=19, output=10, requests=1)),)
    assert (seen.reply.terms.batch, seen.reply.id) == (True, batch)
    assert seen.attributes["costspan.price.status"] == "priced"


def _results(sdk, shape, batch):
    sdk._named = lambda _shape, path: path
    return sdk.ask(shape, "beta.messages.batches.results", batch)


def test_results_read_again_are_not_billed_again(watch, serve):
    """As far as they were read: the rest is billed when it is."""
    seen, fake = watch("anthropic"), serve(wire)
    sdk = anthropic.Anthropic(base_url=fake.url, api_key="k")

    first = sdk.beta.messages.batches.results("batch_again")
    next(first)
    del first
    gc.collect()  # before 0.60 a decoder and its generator hold each other
    for _ in range(2):
        list(sdk.beta.messages.batches.results("batch_again"))
    sdk.close()

    one = Usage(requests=1)
    assert [call.reply.usage for call in seen.calls] == [Usage(input=19, output=10) + one, FULL + one]


def test_only_so_many_batches_are_remembered():
    read = Batches(size=2)

    assert [read.is_new(batch, 1) for batch in ("a", "a", "b", "c", "a")] == [True, False, True, True, True]


def test_a_model_of_bedrock_is_billed_there(watch, serve):
    """The request's id names the region, the answer's does not; an own address does not hide whose client it is."""
    seen, fake = watch("anthropic"), serve(wire)
    fake.play(wire.message(model="claude-haiku-4-5-20251001", usage=wire.USAGE | {"input_tokens": 1000}))
    sdk = anthropic.AnthropicBedrock(
        base_url=fake.url, aws_access_key="a", aws_secret_key="b", aws_region="eu-west-1", max_retries=0
    )

    sdk.messages.create(**ASK | {"model": "eu.anthropic.claude-haiku-4-5-20251001-v1:0"})
    sdk.close()

    assert seen.attributes["gen_ai.provider.name"] == "aws.bedrock"
    assert seen.attributes["costspan.price.model"].startswith("aws.bedrock/regional.anthropic.claude-haiku-4-5")


@pytest.mark.parametrize("shape", SHAPES)
def test_an_error_reaches_the_program_and_costs_nothing(watch, serve, shape):
    seen, fake = watch("anthropic"), serve(wire)
    fake.play(wire.error(429, "rate_limit_error"))

    with pytest.raises(anthropic.RateLimitError):
        client(fake).ask(shape, "messages.create", **ASK)

    assert seen.attributes["error.type"] == "RateLimitError"
    assert seen.usage is None
    assert "gen_ai.usage.cost.amount" not in seen.attributes


def test_an_error_within_a_stream_bills_what_was_told(watch, serve):
    seen, fake = watch("anthropic"), serve(wire)
    parts = wire.cut(None, wire._message(_Asked())).parts
    broken = wire.events([{"type": "error", "error": {"type": "overloaded_error", "message": "no"}}], named=True)
    fake.play(wire.Answer((*parts[:3], broken.parts[0]), content_type="text/event-stream", streamed=True))

    with pytest.raises(anthropic.APIStatusError):
        client(fake).ask("stream", "messages.create", **ASK)

    assert (seen.usage, seen.reply.partial) == (Usage(input=19), True)
    assert seen.attributes["error.type"]


class _Asked:
    number = 1
    fields = ASK


@pytest.mark.parametrize("raw", ["with_raw_response", "with_streaming_response"])
def test_raw_responses_are_read_when_the_program_reads_them(watch, serve, raw):
    seen, fake = watch("anthropic"), serve(wire)
    with anthropic.Anthropic(base_url=fake.url, api_key="k") as sdk:
        create = getattr(sdk.messages, raw).create
        if raw == "with_raw_response":
            assert create(**ASK).parse().usage.input_tokens == 19
        else:
            with create(**ASK) as response:
                assert seen.calls == []
                response.parse()

    assert seen.usage == Usage(input=19, output=10)


def test_the_text_of_a_stream_left_early_is_counted_and_marked_as_an_estimate(watch, serve):
    seen, fake = watch("anthropic", count_tokens="missing"), serve(wire)

    with anthropic.Anthropic(base_url=fake.url, api_key="k") as sdk, sdk.messages.create(**ASK, stream=True) as stream:
        next(event for event in stream if event.type == "content_block_stop")

    assert seen.attributes["gen_ai.usage.input_tokens"] == 19
    assert seen.attributes["gen_ai.usage.output_tokens"] >= 10
    assert seen.attributes["costspan.usage.source"] == "heuristic"

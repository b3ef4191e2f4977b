from __future__ import annotations

import asyncio

import cohere
import pytest
from fake_providers import cohere as wire

import costspan
from adapters import PLAIN, SHAPES, STREAMS, Client, Closing, with_stream
from costspan.demo.server import events, reply
from costspan.usage import Usage

MESSAGES = [{"role": "user", "content": "Tell me about cats."}]


def made(fake, name):
    return Closing(getattr(cohere, name)(base_url=fake.url, api_key="k"), "_client_wrapper.httpx_client.httpx_client")


def client(fake, version="V2"):
    return Client(lambda: made(fake, f"Client{version}"), lambda: made(fake, f"AsyncClient{version}"), with_stream)


@pytest.mark.parametrize("shape", SHAPES)
def test_what_is_billed_counts_and_not_the_template(watch, serve, shape):
    seen, fake = watch("cohere"), serve(wire)

    client(fake).ask(shape, "chat", model="command-a-03-2025", messages=MESSAGES, p=0.5)

    assert seen.usage == Usage(input=3, output=10)
    assert (seen.call.request.model, seen.reply.finish_reasons) == ("command-a-03-2025", ("COMPLETE",))
    assert seen.attributes["gen_ai.request.top_p"] == 0.5
    assert seen.attributes["server.address"] == "127.0.0.1"
    assert seen.call.request.stream is ("stream" in shape)
    assert not seen.reply.partial


@pytest.mark.parametrize("shape", SHAPES)
def test_the_first_api_counts_alike(watch, serve, shape):
    seen, fake = watch("cohere"), serve(wire)

    client(fake, version="").ask(shape, "chat", model="command-r", message="Cats?")

    assert (seen.usage, seen.reply.id) == (Usage(input=3, output=10), "g-1")


def test_a_message_of_the_first_api_tells_what_it_cost(watch, serve):
    watch("cohere")

    answer = client(serve(wire), version="").ask("sync", "chat", model="command-r-08-2024", message="Cats?")

    assert costspan.cost_of(answer).usage == Usage(input=3, output=10)


@pytest.mark.parametrize("shape", PLAIN)
def test_without_billed_units_the_tokens_count(watch, serve, shape):
    """As on Bedrock and SageMaker, whose clients fill them from headers."""
    seen, fake = watch("cohere"), serve(wire)
    fake.play(wire.chat(usage={"tokens": wire.COUNTED}))

    client(fake).ask(shape, "chat", model="m", messages=MESSAGES)

    assert seen.usage == Usage(input=70, output=11)


@pytest.mark.parametrize("shape", PLAIN)
@pytest.mark.parametrize(
    ("path", "arguments", "usage"),
    [
        ("rerank", {"query": "cats", "documents": ["a"]}, Usage(search_units=2)),
        (
            "embed",
            {"images": ["data:,"], "input_type": "image", "embedding_types": ["float"]},
            Usage(input_image=900),
        ),
        ("classify", {"inputs": ["a"], "examples": []}, Usage(classifications=5)),
    ],
)
def test_other_operations_count_what_they_are_billed_by(watch, serve, shape, path, arguments, usage):
    seen, fake = watch("cohere"), serve(wire)

    client(fake).ask(shape, path, model="m", **arguments)

    assert (seen.usage, seen.reply.clamped) == (usage, False)


@pytest.mark.parametrize("shape", PLAIN)
def test_many_texts_are_one_call_for_each_request_that_is_billed(watch, serve, shape):
    """The SDK splits them over threads: 96 in a request."""
    seen, fake = watch("cohere"), serve(wire)

    client(fake, "").ask(shape, "embed", model="embed-v4.0", texts=["cat"] * 200, input_type="search_query")

    assert len(fake.requests) == 3
    assert sorted(call.reply.usage.input for call in seen.calls) == [16, 192, 192]


@pytest.mark.parametrize("version", ["", "V2"])
def test_a_client_made_before_is_seen(watch, serve, version):
    """Its `chat` and `chat_stream` are bound and decorated when it is made."""
    fake = serve(wire)
    older = made(fake, f"Client{version}")
    seen = watch("cohere")
    arguments = {"messages": MESSAGES} if version else {"message": "Cats?"}

    older.chat(model="m", **arguments)
    list(older.chat_stream(model="m", **arguments))
    asyncio.run(older.close())

    assert [call.reply.usage for call in seen.calls] == [Usage(input=3, output=10)] * 2


@pytest.mark.parametrize("shape", STREAMS)
def test_a_stream_left_early_ends_the_call(watch, serve, shape):
    seen, fake = watch("cohere"), serve(wire)

    client(fake).leave(shape, "chat", model="m", messages=MESSAGES)

    assert (seen.reply.partial, seen.call.chunks) == (True, 1)


@pytest.mark.parametrize("shape", SHAPES)
def test_an_error_is_the_hosts_own_and_bills_nothing(watch, serve, shape):
    seen, fake = watch("cohere"), serve(wire)
    fake.play(reply({"message": "no such model"}, 404))

    with pytest.raises(cohere.NotFoundError):
        client(fake).ask(shape, "chat", model="m", messages=MESSAGES)

    assert seen.attributes["error.type"] == "NotFoundError"
    assert "gen_ai.usage.cost.amount" not in seen.attributes


@pytest.mark.parametrize("shape", STREAMS)
def test_an_error_that_a_stream_ends_with_is_the_calls_and_no_message_is_told(watch, serve, shape):
    seen, fake = watch("cohere"), serve(wire)
    end = {"type": "message-end", "delta": {"finish_reason": "ERROR", "error": "it broke", "usage": wire.USAGE}}
    fake.play(events([{"type": "message-start", "id": "c"}, end], named=True))

    client(fake).ask(shape, "chat", model="command-a-03-2025", messages=MESSAGES)

    assert (seen.attributes["error.type"], seen.usage) == ("error", Usage(input=3, output=10))


@pytest.mark.parametrize("shape", PLAIN)
def test_a_transcription_tells_nothing_that_could_be_priced(watch, serve, shape):
    seen, fake = watch("cohere", count_tokens="missing"), serve(wire)
    fake.play(reply({"text": "Cats."}))

    client(fake).ask(shape, "audio.transcriptions.create", model="cohere-transcribe", language="en", file=b"RIFF")

    assert seen.attributes["gen_ai.operation.name"] == "speech_to_text"
    assert seen.attributes["costspan.price.status"] == "unpriced"


@pytest.mark.parametrize("shape", PLAIN)
def test_a_finished_batch_is_billed_once_as_it_tells(watch, serve, shape):
    seen, fake = watch("cohere"), serve(wire)
    told = {"id": f"b-{shape}", "name": "cats", "input_dataset_id": "d", "model": "command-a-03-2025", "num_records": 3}
    counts = {"input_tokens": "1000", "output_tokens": "200", "num_successful_records": 2, "num_failed_records": 1}
    running = told | {"status": "BATCH_STATUS_IN_PROGRESS", "input_tokens": "500"}
    done = told | {"status": "BATCH_STATUS_COMPLETED"} | counts
    fake.play(*(reply({"batch": each}) for each in (running, done, done)))

    for _ in range(3):
        answer = client(fake).ask(shape, "batches.retrieve", f"b-{shape}")

    assert answer.batch.output_tokens == "200"
    assert (seen.usage, seen.reply.id) == (Usage(input=1000, output=200, requests=2), f"b-{shape}")
    assert (seen.reply.model, seen.call.request.operation) == ("command-a-03-2025", "batch")
    assert seen.attributes["costspan.price.status"] == "partial"  # a discount would not be known
    assert "batch" in seen.attributes["costspan.price.reason"]


@pytest.mark.parametrize("shape", PLAIN)
def test_an_embedding_job_is_billed_once_when_it_is_done(watch, serve, shape):
    seen, fake = watch("cohere"), serve(wire)
    told = {"job_id": f"e-{shape}", "created_at": "2026-11-23T00:00:00Z", "input_dataset_id": "d", "truncate": "END"}
    told |= {"model": "embed-english-v3.0", "meta": {"billed_units": {"input_tokens": 600}}}
    fake.play(*(reply(told | {"status": status}) for status in ("processing", "complete", "complete")))

    for _ in range(3):
        client(fake).ask(shape, "embed_jobs.get", f"e-{shape}")

    assert (seen.usage, seen.reply.id) == (Usage(input=600), f"e-{shape}")
    assert (seen.reply.model, seen.call.request.operation) == ("embed-english-v3.0", "embeddings")
    assert seen.attributes["gen_ai.usage.cost.amount"] == 600 * 0.1 / 1e6


JOB = {"created_at": "2026-11-23T00:00:00Z", "input_dataset_id": "d", "truncate": "END", "model": "embed-v4.0"}
BATCH = {"name": "cats", "input_dataset_id": "d", "model": "command-a-03-2025", "num_records": 3}


def test_pictures_of_an_embedding_job_are_counted_once(watch, serve):
    seen, fake = watch("cohere"), serve(wire)
    told = {"job_id": "e-pictures", "status": "complete", "meta": {"billed_units": {"image_tokens": 900, "images": 1}}}
    fake.play(reply(JOB | told))

    client(fake).ask("sync", "embed_jobs.get", "e-pictures")

    assert seen.usage == Usage(input_image=900)


@pytest.mark.parametrize(
    ("kind", "answers"),
    [
        ("batches.retrieve", [{"batch": BATCH | {"id": "b-untold", "status": "BATCH_STATUS_COMPLETED"}}] * 2),
        ("embed_jobs.get", [JOB | {"job_id": "e-untold", "status": "complete"}] * 2),
    ],
)
def test_a_job_that_does_not_tell_what_it_used_is_one_call_without_a_price(watch, serve, kind, answers):
    seen, fake = watch("cohere", count_tokens="missing"), serve(wire)
    fake.play(*map(reply, answers))

    for _ in answers:
        client(fake).ask("sync", kind, "x")

    assert (seen.attributes["costspan.price.status"], seen.usage) == ("unpriced", None)
    assert "does not tell" in seen.attributes["costspan.price.reason"]


@pytest.mark.parametrize(
    ("kind", "answer"),
    [
        ("batches.retrieve", {"batch": BATCH | {"id": "b-failed", "status": "BATCH_STATUS_FAILED"}}),
        ("batches.retrieve", {"batch": BATCH | {"id": "b-new", "status": "BATCH_STATUS_NEW", "input_tokens": "9"}}),
        ("embed_jobs.get", JOB | {"job_id": "e-failed", "status": "failed"}),
    ],
)
def test_a_job_that_made_nothing_or_is_not_known_to_be_done_is_no_call(watch, serve, kind, answer):
    seen, fake = watch("cohere"), serve(wire)
    fake.play(reply(answer))

    client(fake).ask("sync", kind, "x")

    assert seen.calls == []


@pytest.mark.parametrize("kind", ["batches.retrieve", "embed_jobs.get"])
@pytest.mark.parametrize("shape", PLAIN)
def test_a_look_that_fails_is_no_call(watch, serve, shape, kind):
    seen, fake = watch("cohere"), serve(wire)
    fake.play(reply({"message": "no such thing"}, 404))

    with pytest.raises(cohere.NotFoundError):
        client(fake).ask(shape, kind, "x")

    assert seen.calls == []

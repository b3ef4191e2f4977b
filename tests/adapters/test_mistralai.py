from __future__ import annotations

import asyncio
import gzip
import json
import pickle
from dataclasses import replace
from operator import attrgetter

import pytest
from fake_providers import mistral as wire
from mistralai.client import Mistral

from adapters import PLAIN, SHAPES, STREAMS, Client
from costspan.demo.server import Answer, events, reply
from costspan.usage import Usage

MESSAGES = [{"role": "user", "content": "Tell me about cats."}]


def named(shape, path):
    """Methods that stream, and async ones, have names of their own."""
    if "stream" in shape:
        path = f"{path[: -len('complete')]}stream" if path.endswith("complete") else f"{path}_stream"
    return f"{path}_async" if shape.startswith("async") else path


def client(fake):
    return Client(lambda: Closing(sdk(fake)), lambda: Closing(sdk(fake)), named)


def sdk(fake):
    return Mistral(api_key="k", server_url=fake.url)


class Closing:
    def __init__(self, client):
        self._client = client

    def __getattr__(self, name):
        return getattr(self._client, name)

    async def close(self):
        """Both of its HTTP clients."""
        self._client.__exit__(None, None, None)
        await self._client.__aexit__(None, None, None)


@pytest.mark.parametrize("shape", SHAPES)
def test_cached_tokens_are_found_where_the_sdk_does_not_declare_them(watch, serve, shape):
    seen, fake = watch("mistralai"), serve(wire)
    fake.play(wire.chat(usage=wire.CACHED))

    client(fake).ask(shape, "chat.complete", model="mistral-large-2512", messages=MESSAGES, random_seed=7)

    assert seen.usage == Usage(input=400, cache_read=600, output=200)
    assert not seen.reply.clamped
    assert (seen.reply.model, seen.reply.finish_reasons) == ("mistral-large-2512", ("stop",))
    assert seen.reply.terms.tier == "priority"
    assert seen.attributes["gen_ai.provider.name"] == "mistral_ai"
    assert seen.attributes["gen_ai.request.seed"] == 7
    assert seen.attributes["server.address"] == "127.0.0.1"


@pytest.mark.parametrize("shape", SHAPES)
def test_connectors_are_billed_besides(watch, serve, shape):
    seen, fake = watch("mistralai"), serve(wire)

    client(fake).ask(shape, "beta.conversations.start", model="mistral-medium-latest", inputs="Cats?")

    assert seen.usage == Usage(input=524, output=10, web_searches=2)
    assert seen.reply.id == "conv_1"


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize(
    ("path", "arguments"),
    [
        ("fim.complete", {"model": "codestral-latest", "prompt": "def"}),
        ("agents.complete", {"agent_id": "ag", "messages": MESSAGES}),
    ],
)
def test_completions_of_other_kinds_are_calls_too(watch, serve, shape, path, arguments):
    seen, fake = watch("mistralai"), serve(wire)

    client(fake).ask(shape, path, **arguments)

    assert seen.usage == Usage(input=24, output=10)


@pytest.mark.parametrize("shape", PLAIN)
@pytest.mark.parametrize(
    ("path", "arguments", "told"),
    [
        ("embeddings.create", {"model": "mistral-embed", "inputs": "Cats"}, ("embeddings", Usage(input=8))),
        (
            "ocr.process",
            {
                "model": "mistral-ocr-latest",
                "document": {"type": "document_url", "document_url": "https://e.org/a.pdf"},
            },
            ("ocr", Usage(pages=3)),
        ),
        ("classifiers.moderate", {"model": "mistral-moderation", "inputs": "Cats"}, ("moderation", None)),
        (
            "audio.transcriptions.complete",
            {"model": "voxtral-mini-latest", "file_url": "https://e.org/a.mp3"},
            ("speech_to_text", Usage(input=4, output=30, input_audio_ms=7000)),
        ),
    ],
)
def test_other_operations_count_what_they_are_billed_by(watch, serve, shape, path, arguments, told):
    seen, fake = watch("mistralai"), serve(wire)

    client(fake).ask(shape, path, **arguments)

    assert (seen.call.request.operation, seen.usage) == told


@pytest.mark.parametrize("shape", PLAIN)
@pytest.mark.parametrize("kind", ["document_annotation_format", "bbox_annotation_format"])
def test_annotated_pages_are_not_priced_as_plain_ones(watch, serve, shape, kind):
    seen, fake = watch("mistralai"), serve(wire)
    document = {"type": "document_url", "document_url": "https://e.org/a.pdf"}
    wanted = {kind: {"type": "text"}}

    client(fake).ask(shape, "ocr.process", model="mistral-ocr-latest", document=document, **wanted)

    assert seen.attributes["costspan.price.status"] == "unpriced"
    assert "annotated pages" in seen.attributes["costspan.price.reason"]
    assert seen.usage == Usage(pages=3)


@pytest.mark.parametrize("shape", STREAMS)
def test_a_stream_left_early_ends_the_call(watch, serve, shape):
    seen, fake = watch("mistralai"), serve(wire)

    client(fake).leave(shape, "chat.complete", model="m", messages=MESSAGES)

    assert (seen.reply.partial, seen.call.chunks) == (True, 1)


@pytest.mark.parametrize("shape", PLAIN)
def test_an_error_bills_nothing(watch, serve, shape):
    seen, fake = watch("mistralai"), serve(wire)
    fake.play(wire.openai.error(400))

    with pytest.raises(Exception, match="400"):
        client(fake).ask(shape, "chat.complete", model="m", messages=MESSAGES)

    assert "gen_ai.usage.cost.amount" not in seen.attributes


@pytest.mark.parametrize("shape", PLAIN)
def test_the_model_of_a_conversation_that_goes_on_is_the_answers(watch, serve, shape):
    """It was named when the conversation began."""
    seen, fake = watch("mistralai"), serve(wire)

    client(fake).ask(shape, "beta.conversations.append", conversation_id="conv_1", inputs="And dogs?")

    assert (seen.call.request.model, seen.reply.model) == ("", "m")


@pytest.mark.parametrize("shape", STREAMS)
def test_an_error_event_of_a_conversation_is_the_calls(watch, serve, shape):
    seen, fake = watch("mistralai"), serve(wire)
    started = {"type": "conversation.response.started", "conversation_id": "conv_1"}
    failed = {"type": "conversation.response.error", "message": "x", "code": 500}
    fake.play(events([started, failed], named=True, done=False))

    client(fake).ask(shape, "beta.conversations.start", model="mistral-medium-latest", inputs="Cats?")

    assert seen.attributes["error.type"] == "500"


def line(usage, **more):
    return {
        "custom_id": "1",
        "response": {"status_code": 200, "body": {"model": "mistral-small-latest", **usage}},
        **more,
    }


ANSWERED = [
    line({"usage": wire.CACHED}),
    line({"usage_info": {"pages_processed": 3}}),
    {"custom_id": "3", "response": {"status_code": 400, "body": {"message": "No."}}, "error": None},
]
TOLD = Usage(input=400, cache_read=600, output=200, pages=3, requests=2)


def job(name, status="SUCCESS", **more):
    counts = dict.fromkeys(("total_requests", "completed_requests", "succeeded_requests", "failed_requests"), 3)
    made = {"id": name, "object": "batch", "input_files": [], "endpoint": "/v1/ocr", "errors": [], "created_at": 1}
    return reply(made | counts | {"status": status} | more)


@pytest.mark.parametrize("packed", [False, True])
@pytest.mark.parametrize("read", ["read", "iter_bytes", "iter_raw"])
@pytest.mark.parametrize("shape", PLAIN)
def test_a_batch_is_billed_as_its_file_of_results_is_read_first(watch, serve, shape, read, packed):
    seen, fake = watch("mistralai"), serve(wire)
    name = f"job-{shape}-{read}-{packed}"
    text = "\n".join(map(json.dumps, ANSWERED)).encode()
    results = Answer((text,), content_type="application/octet-stream")
    if packed:
        results = replace(results, parts=(gzip.compress(text),), headers={"Content-Encoding": "gzip"})
    fake.play(results, job(name, "RUNNING"), job(name, output_file=name), results, results)

    async def ask():
        mistral = Closing(sdk(fake))

        async def get(path, **arguments):
            owner, method = attrgetter(path.rpartition(".")[0])(mistral), path.rpartition(".")[2]
            if shape == "sync":
                return getattr(owner, method)(**arguments)
            return await getattr(owner, f"{method}_async")(**arguments)

        async def pieces(answer):
            given = getattr(answer, read if shape == "sync" else f"a{read}")()
            if read == "read":
                return given if shape == "sync" else await given
            return b"".join(given if shape == "sync" else [each async for each in given])

        bodies = []
        for path, arguments in (
            ("files.download", {"file_id": name}),
            ("batch.jobs.get", {"job_id": name}),
            ("batch.jobs.get", {"job_id": name}),
            ("files.download", {"file_id": name}),
            ("files.download", {"file_id": name}),
        ):
            answer = await get(path, **arguments)
            if path == "files.download":
                pickle.dumps(answer)  # as it can be without us
                bodies.append(await pieces(answer))
        await mistral.close()
        return bodies

    assert set(asyncio.run(ask())) == {results.parts[0] if read == "iter_raw" else text}
    assert (seen.usage, seen.reply.id) == (TOLD, name)
    assert (seen.reply.terms.batch, seen.reply.model) == (True, "mistral-small-latest")


@pytest.mark.parametrize("shape", PLAIN)
def test_a_batch_that_holds_its_answers_is_billed_once(watch, serve, shape):
    seen, fake = watch("mistralai"), serve(wire)
    name = f"inline-{shape}"
    fake.play(job(name, "RUNNING"), job(name, outputs=ANSWERED), job(name, outputs=ANSWERED))

    for _ in range(3):
        client(fake).ask(shape, "batch.jobs.get", job_id=name, inline=True)

    assert (seen.usage, seen.reply.id) == (TOLD, name)


@pytest.mark.parametrize("order", ["jjf", "jfj", "ejf"])  # of looks at the job, at one that is still empty, at the file
def test_answers_that_are_in_the_job_and_in_its_file_are_billed_once(watch, serve, order):
    seen, fake = watch("mistralai"), serve(wire)
    file = f"file-{order}"
    held = {"j": ANSWERED, "e": []}
    results = Answer(("\n".join(map(json.dumps, ANSWERED)).encode(),), content_type="application/octet-stream")
    fake.play(*(results if look == "f" else job(order, outputs=held[look], output_file=file) for look in order))

    with sdk(fake) as mistral:
        for look in order:
            if look == "f":
                mistral.files.download(file_id=file).read()
            else:
                mistral.batch.jobs.get(job_id=order, inline=True)

    assert seen.usage == TOLD


def test_a_batch_of_annotated_pages_has_no_price(watch, serve):
    seen, fake = watch("mistralai"), serve(wire)
    pages = {"usage_info": {"pages_processed": 3, "pages_processed_annotation": 2}}
    fake.play(job("annotated", outputs=[line(pages)]))

    client(fake).ask("sync", "batch.jobs.get", job_id="annotated", inline=True)

    assert "annotated" in seen.attributes["costspan.price.reason"]


def test_a_file_of_annotated_pages_alone_is_told_without_a_price(watch, serve):
    seen, fake = watch("mistralai"), serve(wire)
    told = json.dumps(line({"usage_info": {"pages_processed_annotation": 2}})).encode()
    results = Answer((told,), content_type="application/octet-stream")
    fake.play(job("of annotations", output_file="annotations"), results)

    with sdk(fake) as mistral:
        mistral.batch.jobs.get(job_id="of annotations")
        mistral.files.download(file_id="annotations").read()

    assert seen.attributes["costspan.price.status"] == "unpriced"
    assert "annotated" in seen.attributes["costspan.price.reason"]

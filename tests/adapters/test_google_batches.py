from __future__ import annotations

import json

import pytest
from fake_providers import Answer
from fake_providers import gemini as wire
from google import genai
from google.genai import types

from adapters import PLAIN, Client, close
from costspan.demo.server import reply
from costspan.usage import Usage

# the SDK's own: a subclass of aiohttp's session, methods that it retires, features that are new
pytestmark = pytest.mark.filterwarnings("ignore:Inheritance class", "ignore:.*(deprecated|experimental)")

SEARCHED = wire.USAGE | {"toolUsePromptTokenCount": 5, "totalTokenCount": 34}


class Sdk:
    """The SDK's client as the shapes call it; async calls are under `aio`."""

    def __init__(self, fake, *, later, **more):
        self._sdk = genai.Client(api_key="k", http_options=types.HttpOptions(base_url=fake.url), **more)
        self._owner = self._sdk.aio if later else self._sdk
        self.batches, self.files = self._owner.batches, self._owner.files

    async def close(self):
        await close(self._owner)


def client(fake, **more):
    return Client(lambda: Sdk(fake, later=False, **more), lambda: Sdk(fake, later=True, **more))


@pytest.mark.parametrize("shape", PLAIN)
def test_a_finished_batch_is_billed_once_at_half_the_price(watch, serve, shape):
    seen, fake = watch("google_genai"), serve(wire)
    finished = wire.batch(wire.USAGE, SEARCHED)
    fake.play(wire.batch(state="RUNNING"), finished, finished)

    answers = [client(fake).ask(shape, "batches.get", name=f"batches/inline-{shape[:1]}") for _ in range(3)]

    assert len(answers[1].dest.inlined_responses) == 2
    assert seen.usage == Usage(input=43, output=20, requests=2)
    assert (seen.call.request.operation, seen.reply.model) == ("batch", "gemini-2.5-flash")
    # 43 at 0.15 and 20 at 1.25 USD a million
    assert float(seen.attributes["gen_ai.usage.cost.amount"]) == pytest.approx((43 * 0.15 + 20 * 1.25) / 1e6)
    assert seen.reply.id == f"batches/inline-{shape[:1]}"


@pytest.mark.parametrize("shape", PLAIN)
def test_results_in_a_file_are_billed_when_that_is_read_first(watch, serve, shape):
    seen, fake = watch("google_genai"), serve(wire)
    file = f"files/batch-{shape[:1]}"
    results = wire.results(wire.USAGE, wire.FULL)
    finished = wire.batch(responsesFile=file)
    fake.play(finished, wire.error(503), results, results, finished, results)

    sdk = client(fake)
    sdk.ask(shape, "batches.get", name="batches/" + file[6:])
    with pytest.raises(genai.errors.ServerError):
        sdk.ask(shape, "files.download", file=file)
    assert sdk.ask(shape, "files.download", file=file).count(b"\n") == 2
    sdk.ask(shape, "files.download", file=file)
    sdk.ask(shape, "batches.get", name="batches/" + file[6:])
    sdk.ask(shape, "files.download", file=file)

    assert seen.usage == Usage(
        input=269,
        cache_read=500,
        input_audio=200,
        cache_read_audio=100,
        output=110,
        output_image=50,
        reasoning=70,
        requests=2,
    )
    assert (seen.reply.terms.batch, seen.reply.model, seen.reply.id) == (True, "gemini-2.5-flash", file)


def test_a_line_that_is_no_answer_takes_none_of_the_others_along(watch, serve):
    seen, fake = watch("google_genai"), serve(wire)
    odd = b'\n{"response": [1]}\n{"error": {"code": 3}}\nno JSON\n'
    (told,) = wire.results(wire.USAGE).parts
    fake.play(wire.batch(responsesFile="files/batch-odd"), Answer((told + odd + told,)))

    client(fake).ask("sync", "batches.get", name="batches/odd")
    client(fake).ask("sync", "files.download", file="files/batch-odd")

    assert seen.usage == Usage(input=38, output=20, requests=2)


def test_searches_of_a_batch_are_billed_as_those_of_an_answer(watch, serve):
    seen, fake = watch("google_genai"), serve(wire)
    places = [{"maps": {"title": "Oak"}}]
    asked = wire.candidate(
        {"text": "It is."}, groundingMetadata={"webSearchQueries": ["cats"], "groundingChunks": places}
    )
    line = {"response": {"candidates": [asked], "usageMetadata": wire.USAGE, "modelVersion": "gemini-3-pro-preview"}}
    (told,) = wire.results(wire.USAGE).parts
    fake.play(wire.batch(responsesFile="files/batch-maps"), Answer((told + b"\n" + json.dumps(line).encode(),)))

    client(fake).ask("sync", "batches.get", name="batches/maps")
    client(fake).ask("sync", "files.download", file="files/batch-maps")

    assert seen.reply.parts[0].usage == Usage(input=19, output=10, requests=1, web_searches=1, maps_searches=1)


def test_embeddings_in_a_file_are_of_the_model_of_their_batch(watch, serve):
    seen, fake = watch("google_genai"), serve(wire)
    lines = [json.dumps({"response": {"tokenCount": count}}) for count in (4, -1, "5")]
    fake.play(wire.batch(responsesFile="files/batch-vectors"), Answer(("\n".join(lines).encode(),)))

    client(fake).ask("sync", "batches.get", name="batches/file-of-vectors")
    client(fake).ask("sync", "files.download", file="files/batch-vectors")

    assert (seen.usage, seen.reply.model) == (Usage(input=9, requests=2), "gemini-2.5-flash")


def test_any_other_file_is_no_call(watch, serve):
    seen, fake = watch("google_genai"), serve(wire)
    fake.play(wire.results(wire.USAGE))

    client(fake).ask("sync", "files.download", file="files/other")

    assert seen.calls == []


def test_results_that_go_to_a_file_unseen_have_no_price_and_say_why(watch, serve, tmp_path):
    seen, fake = watch("google_genai"), serve(wire)
    fake.play(wire.batch(responsesFile="files/batch-x"), *[wire.results(wire.USAGE)] * 3)

    client(fake).ask("sync", "batches.get", name="batches/x")
    for _ in range(2):
        client(fake).ask("sync", "files.download", file="files/batch-x", destination=tmp_path / "results")
    client(fake).ask("sync", "files.download", file="files/batch-x")

    unseen, told = seen.calls
    assert "written to a file" in unseen.reply.unpriced
    assert told.reply.usage == Usage(input=19, output=10, requests=1)


def test_a_batch_of_vertex_has_no_price_and_says_why(watch, serve):
    seen, fake = watch("google_genai", count_tokens="missing"), serve(wire)
    name = "projects/p/locations/l/batchPredictionJobs/7"
    output = {"gcsDestination": {"outputUriPrefix": "gs://out"}, "predictionsFormat": "jsonl"}
    fake.play(*[lambda _asked: reply({"name": name, "state": "JOB_STATE_SUCCEEDED", "outputConfig": output})] * 2)

    for _ in range(2):
        client(fake, vertexai=True).ask("sync", "batches.get", name=name)

    assert "your own storage" in seen.attributes["costspan.price.reason"]
    assert "gen_ai.usage.input_tokens" not in seen.attributes


def test_embeddings_of_a_batch_are_billed_by_their_tokens(watch, serve):
    seen, fake = watch("google_genai"), serve(wire)
    inside = [{"response": {"embedding": {"values": [0.5]}, "tokenCount": each}} for each in (4, 5)]
    output = {"inlinedResponses": {"inlinedResponses": inside}}
    told = {"model": "models/gemini-embedding-001", "state": "BATCH_STATE_SUCCEEDED", "output": output}
    fake.play(lambda _asked: reply({"name": "batches/vectors", "metadata": told}))

    client(fake).ask("sync", "batches.get", name="batches/vectors")

    assert (seen.usage, seen.reply.model) == (Usage(input=9, requests=2), "gemini-embedding-001")

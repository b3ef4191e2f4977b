"""Batches whose answers are in a file of results, by every SDK that reads such a file as OpenAI's does."""

from __future__ import annotations

import asyncio
import inspect
import json
from importlib import import_module
from operator import attrgetter

import pytest
from fake_providers import Answer
from fake_providers import openai as wire
from fake_providers.openai import error

from adapters import PLAIN, Client, close
from costspan.adapters import _hearing
from costspan.demo.server import reply
from costspan.usage import ModelUsage, Usage

SDKS = {"groq": "Groq", "together": "Together", "openai": "OpenAI"}
CHAT = {"prompt_tokens": 1000, "completion_tokens": 200, "total_tokens": 1200}
ANSWERED = [
    {"model": "m-1", "usage": CHAT | {"prompt_tokens_details": {"cached_tokens": 400}}},
    {"model": "m-2", "usage": CHAT},
    {"usage": {"input_tokens": 10, "output_tokens": 5, "total_tokens": 15}},  # the Responses API's; names no model
    {"error": {"message": "No."}},
]
TOLD = Usage(input=610, cache_read=400, output=205, requests=2)


def results(*bodies):
    lines = [{"id": "r", "custom_id": "c", "response": {"status_code": 200, "body": body}} for body in bodies]
    text = "\n".join(map(json.dumps, [*lines, {"id": "r", "custom_id": "c", "response": None, "error": {"code": "x"}}]))
    return Answer((text.encode(),), content_type="application/octet-stream")


def job(name, status="completed", **more):
    told = {"id": name, "object": "batch", "endpoint": "/v1/chat/completions", "input_file_id": "f", "created_at": 1}
    return reply(told | {"completion_window": "24h", "status": status, "model": "m-1", "model_id": "m-1"} | more)


def client(fake, sdk):
    where = {"base_url": fake.url, "api_key": "k", "max_retries": 0}
    module = import_module(sdk)
    return Client(*(lambda kind=kind: getattr(module, kind + SDKS[sdk])(**where) for kind in ("", "Async")))


async def read(given):
    """All of a file, however it is given."""
    if hasattr(given, "__enter__"):
        with given as answer:
            return b"".join(answer.iter_bytes())
    if hasattr(given, "__aenter__"):
        async with given as answer:
            return b"".join([each async for each in answer.iter_bytes()])
    answer = await waited(given)
    answer = answer if hasattr(answer, "read") or isinstance(answer, str) else answer.parse()
    return answer.encode() if isinstance(answer, str) else await waited(answer.read())


async def waited(given):
    return await given if inspect.isawaitable(given) else given


@pytest.mark.parametrize("way", ["", "with_raw_response.", "with_streaming_response."])
@pytest.mark.parametrize("shape", PLAIN)
@pytest.mark.parametrize("sdk", SDKS)
def test_a_batch_is_billed_as_its_file_of_results_is_read_first(watch, serve, sdk, shape, way):
    seen, fake = watch(sdk), serve(wire)
    name, file = f"{sdk}-{shape}-{way}", results(*ANSWERED)
    done = job(name, output_file_id=name)
    fake.play(error(404), file, job(name, "in_progress"), done, done, file, file)

    async def ask():
        asked = getattr(import_module(sdk), ("Async" if shape == "async" else "") + SDKS[sdk])(
            base_url=fake.url, api_key="k", max_retries=0
        )
        content = attrgetter(f"files.{way}content")(asked)
        with pytest.raises(Exception, match="404"):
            await read(content(name))
        bodies = [await read(content(name))]
        for _ in range(3):
            await waited(asked.batches.retrieve(name))
        bodies += [await read(content(name)), await read(content(name))]
        await close(asked)
        return bodies

    assert asyncio.run(ask()) == list(file.parts) * 3
    assert (seen.usage, seen.reply.parts) == (TOLD, (ModelUsage("m-2", Usage(input=1000, output=200, requests=1)),))
    assert (seen.reply.terms.batch, seen.reply.model, seen.reply.id) == (True, "m-1", name)
    assert (seen.call.request.operation, seen.call.error) == ("batch", "")


PRICED = [  # USD for 1000 tokens in and 200 out, by a million
    ("groq", "llama-3.3-70b-versatile", (1000 * 0.59 + 200 * 0.79) / 2e6),
    ("groq", "openai/gpt-oss-120b", (1000 * 0.15 + 200 * 0.6) / 2e6),
    ("together", "meta-llama/Llama-3.3-70B-Instruct-Turbo", 1200 * 1.04 / 2e6),
    ("together", "openai/gpt-oss-120b", (1000 * 0.15 + 200 * 0.6) / 1e6),  # not discounted
]


@pytest.mark.parametrize(("sdk", "model", "cost"), PRICED)
def test_a_batch_costs_half_where_the_provider_says_so(watch, serve, sdk, model, cost):
    seen, fake = watch(sdk), serve(wire)
    name = f"{sdk}-{model}".replace("/", "-")
    fake.play(job(name, output_file_id=name), results({"model": model, "usage": CHAT}))

    client(fake, sdk).ask("sync", "batches.retrieve", name)
    client(fake, sdk).ask("sync", "files.content", name)

    assert float(seen.attributes["gen_ai.usage.cost.amount"]) == pytest.approx(cost)
    assert seen.attributes["costspan.price.status"] == "priced"


@pytest.mark.parametrize(
    ("costs", "source"), [((0.25, 0.5), "provider"), ((0.25, None), "local"), ((None, 0.5), "local")]
)
def test_what_a_host_says_it_charges_for_each_answer_is_what_the_batch_costs(watch, serve, costs, source):
    seen, fake = watch("openai", hosts={"127.0.0.1": "openai"}), serve(wire)
    name = f"stated-{costs[0]}-{costs[1]}"
    answers = [
        {"model": f"gpt-4o{kind}", "usage": CHAT | {"cost": cost}}
        for kind, cost in zip(("", "-mini"), costs, strict=True)
    ]
    fake.play(job(name, output_file_id=name), results(*answers))

    client(fake, "openai").ask("sync", "batches.retrieve", name)
    client(fake, "openai").ask("sync", "files.content", name)

    assert seen.attributes["gen_ai.usage.cost.source"] == source
    assert (seen.attributes["gen_ai.usage.cost.amount"] == 0.75) is (None not in costs)


def test_a_batch_of_sound_is_billed_by_its_length_or_said_to_tell_none(watch, serve):
    seen, fake = watch("together"), serve(wire)
    long = [{"text": "Cats.", "duration": 60.5}, {"text": "Cats.", "usage": {"type": "duration", "seconds": 12}}]
    mute = results({"text": "Cats."})
    told = {"model": None, "model_id": "openai/whisper-large-v3"}
    fake.play(job("long", output_file_id="l", **told), results(*long))
    fake.play(job("mute", output_file_id="m", **told), mute, mute)

    for path, name in (("batches.retrieve", "x"), ("files.content", "l")):
        client(fake, "together").ask("sync", path, name)
    for path, name in (("batches.retrieve", "x"), ("files.content", "m"), ("files.content", "m")):
        client(fake, "together").ask("sync", path, name)

    one, other = seen.calls
    assert (one.reply.usage, one.reply.model) == (Usage(input_audio_ms=72_500, requests=2), "openai/whisper-large-v3")
    assert (other.reply.usage, seen.spans[-1].attributes["costspan.price.status"]) == (None, "unpriced")
    assert "do not tell" in seen.spans[-1].attributes["costspan.price.reason"]


LONG = {"prompt_tokens": 300_000, "completion_tokens": 100, "total_tokens": 300_100}
ALONE = [  # what each answer costs by itself, in USD a million and USD an hour
    (
        "openai",
        [{"model": "gpt-5.4", "usage": each} for each in (CHAT, LONG, CHAT, LONG, CHAT)],
        (3 * (1000 * 1.25 + 200 * 7.5) + 2 * (300_000 * 2.5 + 100 * 11.25)) / 1e6,
    ),
    (
        "groq",
        [{"model": "whisper-large-v3", "text": "Cats.", "duration": seconds} for seconds in (2, 30, 3, 0.5, 15)],
        (3 * 10 + 30 + 15) * 0.111 / 3600 / 2,
    ),
]


@pytest.mark.parametrize(("host", "answers", "cost"), ALONE)
def test_each_answer_of_a_batch_costs_what_it_would_alone(watch, serve, host, answers, cost):
    """A long prompt among short ones is dear, and a short recording among long ones has the least length."""
    seen, fake = watch("openai", hosts={"127.0.0.1": host}), serve(wire)
    name = f"alone-{host}"
    fake.play(job(name, output_file_id=name), results(*answers))

    client(fake, "openai").ask("sync", "batches.retrieve", name)
    client(fake, "openai").ask("sync", "files.content", name)

    assert float(seen.attributes["gen_ai.usage.cost.amount"]) == pytest.approx(cost)
    assert seen.attributes["costspan.price.status"] == "priced"
    assert len(seen.reply.parts) == 1


def test_a_batch_of_which_some_answers_tell_no_usage_has_the_price_of_the_others(watch, serve):
    seen, fake = watch("together"), serve(wire)
    model = "meta-llama/Llama-3.3-70B-Instruct-Turbo"
    told = {"model": model, "usage": CHAT}
    fake.play(job("some", output_file_id="some"), results(told, {"model": model, "choices": []}, told))

    client(fake, "together").ask("sync", "batches.retrieve", "some")
    client(fake, "together").ask("sync", "files.content", "some")

    assert float(seen.attributes["gen_ai.usage.cost.amount"]) == pytest.approx(2 * 1200 * 1.04 / 2e6)
    assert seen.attributes["costspan.price.status"] == "partial"
    assert "do not tell" in seen.attributes["costspan.price.reason"]
    assert seen.attributes["costspan.price.final"] is True


@pytest.mark.parametrize("order", ["uf", "nuf", "fu"])  # of looks at the batch with and without usage, and the file
def test_a_batch_that_tells_its_usage_is_not_billed_by_its_file_too(watch, serve, order):
    seen, fake = watch("openai", hosts={"127.0.0.1": "openai"}), serve(wire)
    told = {"input_tokens": 2000, "output_tokens": 400, "total_tokens": 2400}
    looks = {
        "u": job(order, output_file_id=order, usage=told),
        "n": job(order, output_file_id=order),
        "f": results({"model": "gpt-4o", "usage": CHAT}, {"model": "gpt-4o", "usage": CHAT}),
    }
    fake.play(*(looks[each] for each in order))

    for each in order:
        client(fake, "openai").ask("sync", "files.content" if each == "f" else "batches.retrieve", order)

    assert (seen.usage.input, seen.usage.output) == (2000, 400)


PIECE = 4 * 2**20


@pytest.mark.parametrize("told", [True, False])  # whether another answer is told
def test_an_answer_too_long_to_be_held_is_said_to_be_left_out(watch, serve, told):
    seen, fake = watch("groq"), serve(wire)
    model, name = "llama-3.3-70b-versatile", f"long-{told}"
    (text,) = results(*[{"model": model, "usage": CHAT}] * told).parts
    filled = [b'{"response": {"body": {"text": "', *[b"x" * PIECE] * 9, b'"}}}\n']
    done, file = job(name, output_file_id=name), Answer((*filled, text), content_type="text/plain", streamed=True)
    fake.play(done, file, file)
    groq = import_module("groq").Groq(base_url=fake.url, api_key="k")

    groq.batches.retrieve(name)
    for _ in range(2):
        with groq.files.with_streaming_response.content(name) as answer:
            assert sum(map(len, answer.iter_bytes())) == 9 * PIECE + len(filled[0] + filled[-1] + text)
    groq.close()

    assert "too long" in seen.attributes["costspan.price.reason"]
    assert seen.attributes["costspan.price.status"] == ("partial" if told else "unpriced")


@pytest.mark.parametrize("told", [{}, {"usage": {"input_tokens": 2000, "output_tokens": 400, "total_tokens": 2400}}])
def test_what_was_read_of_a_file_is_billed_and_later_the_rest(watch, serve, told):
    """Also where the batch tells by then what it used in all."""
    seen, fake = watch("groq"), serve(wire)
    (text,) = results(*ANSWERED[:2]).parts
    at = text.index(b"\n") + 1
    slow = Answer((text[:at], text[at:]), content_type="application/octet-stream", streamed=True)
    name = f"left-{len(told)}"
    done = job(name, output_file_id=name)
    fake.play(done, slow, job(name, output_file_id=name, **told), results(*ANSWERED[:2]))
    groq = import_module("groq").Groq(base_url=fake.url, api_key="k")

    groq.batches.retrieve(name)
    with groq.files.with_streaming_response.content(name) as answer:
        next(answer.iter_bytes(chunk_size=at))
    groq.batches.retrieve(name)
    groq.files.content(name)
    groq.close()

    first, rest = (each.reply for each in seen.calls)
    assert (first.usage, first.parts) == (Usage(input=600, cache_read=400, output=200, requests=1), ())
    assert (rest.model, rest.usage) == ("m-2", Usage(input=1000, output=200, requests=1))


@pytest.mark.parametrize("order", ["nff", "nuff"])  # looks at the batch without and with usage, and at its file
def test_a_file_is_not_read_again_once_all_of_it_is_billed(watch, serve, order, monkeypatch):
    watch("openai", hosts={"127.0.0.1": "openai"})
    fake, lines = serve(wire), []
    monkeypatch.setattr(_hearing, "parsed", lambda line: lines.append(line) or json.loads(line))
    told = {"input_tokens": 2000, "output_tokens": 400, "total_tokens": 2400}
    name = f"again-{order}"
    looks = {"n": job(name, output_file_id=name), "u": job(name, output_file_id=name, usage=told)}
    fake.play(*(looks.get(each, results(*ANSWERED)) for each in order))

    for each in order:
        client(fake, "openai").ask("sync", "files.content" if each == "f" else "batches.retrieve", name)

    assert len(lines) == (0 if "u" in order else len(ANSWERED) + 1)


def test_a_file_that_openais_older_method_gives_as_text_is_read_too(watch, serve):
    seen, fake = watch("openai"), serve(wire)
    fake.play(job("text", output_file_id="text"), results(*ANSWERED))

    client(fake, "openai").ask("sync", "batches.retrieve", "text")
    with pytest.warns(DeprecationWarning, match="content"):
        assert "custom_id" in client(fake, "openai").ask("sync", "files.retrieve_content", "text")

    assert seen.usage == TOLD

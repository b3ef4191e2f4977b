"""What instrumentations get wrong in the field (sdk-usage 19 and 20), each with the tests that costspan does not.

`PROVED` names them for every fact; those that are of no one adapter are here.
"""

from __future__ import annotations

import asyncio
import copy
import gc
import inspect
import logging
import pickle
import re
from pathlib import Path

import anthropic
import openai
import pytest
from fake_providers import anthropic as claude
from fake_providers import gemini
from fake_providers import openai as wire
from google import genai
from opentelemetry.instrumentation.utils import suppress_instrumentation

from adapters import SHAPES, Client
from adapters.facts import PROVED
from costspan.adapters._adapter import load
from costspan.adapters._patch import Patches
from costspan.instrumentors import adapter_names
from costspan.usage import Usage

MESSAGES = [{"role": "user", "content": "Tell me about cats."}]
ASK = {"model": "claude-sonnet-5", "max_tokens": 64, "messages": MESSAGES}
HERE = {"127.0.0.1": "openai"}
TESTS = Path(__file__).parent.parent


def client(fake, kind="OpenAI"):
    where = {"base_url": fake.url + "/v1", "api_key": "k"}
    return Client(lambda: getattr(openai, kind)(**where), lambda: getattr(openai, f"Async{kind}")(**where))


@pytest.mark.parametrize("name", [name for names in PROVED.values() for name in names])
def test_the_tests_that_prove_a_fact_are_there(name):
    file, _, test = name.partition("::")

    assert re.search(rf"^\s*(async )?def {test}\(", (TESTS / file).read_text(encoding="utf-8"), re.MULTILINE)


@pytest.mark.parametrize("shape", SHAPES)
def test_anthropics_cached_input_is_not_dropped_and_a_streams_output_is_not_added_up(watch, serve, shape):
    """Peers tell 10 input tokens of 117, and 16 output tokens of 15."""
    seen, fake = watch("anthropic"), serve(claude)
    cached = {"cache_read_input_tokens": 100, "cache_creation_input_tokens": 7}
    fake.play(claude.message(usage={"input_tokens": 10, "output_tokens": 15, **cached}))
    where = {"base_url": fake.url, "api_key": "k"}

    asking = Client(lambda: anthropic.Anthropic(**where), lambda: anthropic.AsyncAnthropic(**where))
    asking.ask(shape, "messages.create", **ASK)

    assert (seen.usage.total_input, seen.usage.total_output) == (117, 15)
    assert seen.attributes["gen_ai.usage.input_tokens"] == 117


@pytest.mark.parametrize("beta", [False, True])
@pytest.mark.parametrize("platform", ["AnthropicBedrock", "AnthropicVertex"])
def test_functions_that_a_platforms_class_took_at_import_are_seen(watch, serve, platform, beta):
    seen, fake = watch("anthropic"), serve(claude)
    given = {"aws_region": "us-east-1", "aws_access_key": "a", "aws_secret_key": "b"}
    if platform == "AnthropicVertex":
        given = {"region": "us-east5", "project_id": "p", "access_token": "t"}
    fake.play(claude.message(model="claude-sonnet-5"))
    with getattr(anthropic, platform)(base_url=fake.url, **given) as sdk:
        (sdk.beta.messages if beta else sdk.messages).create(**ASK)

    assert seen.usage == Usage(input=19, output=10)


def test_every_hop_of_automatic_function_calling_is_billed_where_the_program_sees_the_last(watch, serve):
    seen, fake = watch("google_genai"), serve(gemini)
    first = gemini.USAGE | {"promptTokenCount": 10, "totalTokenCount": 20}
    last = gemini.USAGE | {"promptTokenCount": 20, "totalTokenCount": 30}
    fake.play(
        gemini.generated(candidates=[gemini.candidate(gemini.FUNCTION_CALL)], usageMetadata=first),
        gemini.generated(usageMetadata=last),
    )

    def weather(city: str) -> str:
        """The weather of a city."""
        return f"sunny in {city}"

    weather.__annotations__ = {"city": str, "return": str}
    sdk = genai.Client(api_key="k", http_options={"base_url": fake.url})
    answer = sdk.models.generate_content(model="gemini-2.5-flash", contents="Cats?", config={"tools": [weather]})
    sdk.close()

    assert answer.usage_metadata.prompt_token_count == 20
    assert [call.reply.usage.input for call in seen.calls] == [10, 20]


def test_a_stream_that_another_task_ends_detaches_nothing(watch, serve, caplog):
    """Peers attach a context around a generator, and log `created in a different Context` when it is finalised."""
    seen, fake = watch("openai"), serve(wire)

    async def opened():
        async with openai.AsyncOpenAI(base_url=fake.url + "/v1", api_key="k") as sdk:
            create = sdk.chat.completions.create
            closed = await asyncio.create_task(create(model="m", messages=MESSAGES, stream=True))
            dropped = await asyncio.create_task(create(model="m", messages=MESSAGES, stream=True))
            await asyncio.create_task(anext(closed))
            await asyncio.create_task(anext(dropped))
            await asyncio.create_task(closed.close())
            del dropped
            gc.collect()
            await asyncio.sleep(0.01)

    with caplog.at_level(logging.WARNING):
        asyncio.run(opened())

    assert [call.reply.partial for call in seen.calls] == [True, True]
    assert [each for each in caplog.records if each.name.startswith("opentelemetry")] == []


@pytest.mark.parametrize("nothing", [openai.NOT_GIVEN, openai.omit], ids=["NOT_GIVEN", "omit"])
@pytest.mark.parametrize("shape", SHAPES)
def test_what_says_not_given_is_not_given(watch, serve, shape, nothing, caplog):
    """Peers write it down, and OpenTelemetry warns of an invalid type."""
    seen, fake = watch("openai"), serve(wire)
    names = ("temperature", "top_p", "max_tokens", "seed", "stop", "n", "user", "metadata", "frequency_penalty")

    with caplog.at_level(logging.WARNING):
        given = dict.fromkeys(names, nothing) | {"model": "m", "messages": MESSAGES}
        client(fake).ask(shape, "chat.completions.create", **given)
        attributes = seen.attributes

    assert {name for name in attributes if name.startswith("gen_ai.request.")} <= {
        "gen_ai.request.model",
        "gen_ai.request.stream",
    }
    assert [each for each in caplog.records if each.name.startswith("opentelemetry")] == []


@pytest.mark.parametrize("shape", SHAPES)
def test_who_suppresses_instrumentation_gets_none(watch, serve, shape):
    seen, fake = watch("openai"), serve(wire)

    with suppress_instrumentation():
        client(fake).ask(shape, "chat.completions.create", model="m", messages=MESSAGES)

    assert (len(fake.requests), seen.calls, seen.spans) == (1, [], ())


@pytest.mark.parametrize("shape", ["stream", "async stream"])
def test_a_program_that_takes_the_first_choice_of_every_chunk_goes_on_doing_so(watch, serve, shape):
    """The usage chunk that we ask for has none; what the program says itself about it is left alone."""
    seen, fake = watch("openai", hosts=HERE), serve(wire)
    fake.play(wire.chat(usage=wire.CACHED))
    asking = client(fake)

    for chunk in asking.ask(shape, "chat.completions.create", model="gpt-4o", messages=MESSAGES):
        assert chunk.choices[0] is not None
    declined = {"stream_options": {"include_usage": False}}
    asking.ask(shape, "chat.completions.create", model="gpt-4o", messages=MESSAGES, **declined)

    assert [request.json["stream_options"]["include_usage"] for request in fake.requests] == [True, False]
    assert [call.reply.usage is not None for call in seen.calls] == [True, False]


def test_a_program_may_take_the_usage_out_of_a_chunk_that_it_was_given(watch, serve):
    """It was read before."""
    seen, fake = watch("openai", hosts=HERE), serve(wire)
    told = {"stream": True, "stream_options": {"include_usage": True}}

    with openai.OpenAI(base_url=fake.url + "/v1", api_key="k") as sdk:
        for chunk in sdk.chat.completions.create(model="gpt-4o", messages=MESSAGES, **told):
            chunk.usage = None

    assert (seen.attributes["costspan.usage.source"], seen.reply.partial) == ("provider", False)


def test_a_host_that_may_refuse_the_question_for_usage_is_not_asked(watch, serve):
    watch("openai")
    fake = serve(wire)

    client(fake).ask("stream", "chat.completions.create", model="m", messages=MESSAGES)

    assert "stream_options" not in fake.requests[-1].json


@pytest.mark.parametrize("shape", SHAPES)
def test_an_incomplete_answer_is_billed(watch, serve, shape):
    seen, fake = watch("openai", hosts=HERE), serve(wire)
    why = {"reason": "content_filter"}
    fake.play(wire.response(status="incomplete", incomplete_details=why, usage=wire.RESPONSE_USAGE))

    client(fake).ask(shape, "responses.create", model="gpt-5", input="Cats?")

    assert seen.attributes["gen_ai.usage.cost.amount"] > 0
    assert "content_filter" in seen.reply.finish_reasons


class Subclassed(openai.OpenAI):
    """A client of the program's own."""

    def request(self, *args, **kwargs):
        return super().request(*args, **kwargs)


def test_a_subclass_and_a_method_set_on_an_instance_are_seen_once(watch, serve):
    """As Instructor does it."""
    seen, fake = watch("openai"), serve(wire)
    with Subclassed(base_url=fake.url + "/v1", api_key="k") as sdk:
        original = sdk.chat.completions.create
        sdk.chat.completions.create = lambda **given: original(model="m", **given)
        sdk.chat.completions.create(messages=MESSAGES)

    assert len(seen.calls) == 1


def test_a_wrapped_method_is_to_inspect_what_it_was(watch):
    base = openai._base_client
    before = [base.SyncAPIClient.request, base.AsyncAPIClient.request]
    watch("openai")
    after = [base.SyncAPIClient.request, base.AsyncAPIClient.request]

    assert [each.__wrapped__ for each in after] == before
    assert [inspect.signature(each) for each in after] == [inspect.signature(each) for each in before]
    assert [inspect.iscoroutinefunction(each) for each in after] == [False, True]


@pytest.mark.parametrize("shape", ["sync", "async"])
def test_an_answer_is_the_sdks_own_and_can_be_copied_and_pickled(watch, serve, shape):
    fake = serve(wire)
    bare = client(fake).ask(shape, "chat.completions.create", model="m", messages=MESSAGES)
    fake.clear()
    watch("openai")

    answer = client(fake).ask(shape, "chat.completions.create", model="m", messages=MESSAGES)

    assert type(answer) is type(bare)
    assert answer.model_dump() == bare.model_dump()
    assert vars(answer).keys() == vars(bare).keys()
    assert pickle.loads(pickle.dumps(answer)) == copy.deepcopy(answer) == answer  # noqa: S301 our own bytes


@pytest.mark.parametrize("name", adapter_names())
def test_a_newer_version_is_never_refused(name):
    assert re.fullmatch(r"[\w-]+ >= [\w.]+", load(name).package)


def test_what_a_newer_version_has_renamed_leaves_the_rest_at_work(caplog):
    def passing(wrapped, _instance, args, kwargs):
        return wrapped(*args, **kwargs)

    patches = Patches()
    with caplog.at_level(logging.INFO, "costspan"):
        for name in ("SyncAPIClient.request", "NoSuchClient.request", "AsyncAPIClient.no_such_method"):
            patches.place("openai._base_client", name, passing)
    count, missing = patches.count, patches.missing
    patches.remove()

    assert (count, len(missing), len(caplog.records)) == (1, 2, 2)

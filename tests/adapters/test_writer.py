from __future__ import annotations

import pytest
import writerai
from fake_providers import openai, writer
from pydantic import BaseModel

from adapters import PLAIN, SHAPES, Client
from costspan.usage import Usage

MESSAGES = [{"role": "user", "content": "Tell me about cats."}]


class City(BaseModel):
    city: str


def client(fake):
    where = {"base_url": fake.url, "api_key": "k"}
    return Client(lambda: writerai.Writer(**where), lambda: writerai.AsyncWriter(**where))


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize(
    ("path", "arguments", "operation"),
    [
        ("completions.create", {"model": "palmyra-x5", "prompt": "Cats"}, "text_completion"),
        ("graphs.question", {"graph_ids": ["g"], "question": "Cats?"}, "chat"),
        ("applications.generate_content", {"application_id": "a-1", "inputs": []}, "generate_content"),
    ],
)
def test_what_reports_no_usage_keeps_its_text_for_a_local_count(watch, serve, shape, path, arguments, operation):
    seen, fake = watch("writer"), serve(writer)

    client(fake).ask(shape, path, **arguments)

    assert (seen.call.request.operation, seen.reply.text) == (operation, writer.TEXT)


@pytest.mark.filterwarnings("ignore:Will be removed:DeprecationWarning")  # Writer's own, of both operations
@pytest.mark.parametrize("shape", PLAIN)
@pytest.mark.parametrize(
    ("path", "arguments"),
    [
        (
            "translation.translate",
            {
                "model": "palmyra-translate",
                "text": "Cats",
                "source_language_code": "en",
                "target_language_code": "de",
                "formality": True,
                "length_control": True,
                "mask_profanity": True,
            },
        ),
        ("vision.analyze", {"model": "palmyra-vision", "prompt": "Cats?", "variables": []}),
    ],
)
def test_translations_and_pictures_are_calls_too(watch, serve, shape, path, arguments):
    seen, fake = watch("writer"), serve(writer)

    client(fake).ask(shape, path, **arguments)

    assert (seen.call.request.model, seen.reply.text) == (arguments["model"], writer.TEXT)


def test_parse_and_the_stream_helper_are_one_call_each(watch, serve):
    seen, fake = watch("writer"), serve(writer)
    message = {"role": "assistant", "content": '{"city": "Bern"}', "refusal": None}
    fake.play(openai.chat(choices=openai.choices(message)))
    with writerai.Writer(base_url=fake.url, api_key="k") as sdk:
        sdk.chat.parse(model="palmyra-x5", messages=MESSAGES, response_format=City)
        with sdk.chat.stream(model="palmyra-x5", messages=MESSAGES) as stream:
            stream.until_done()

    assert [call.reply.usage for call in seen.calls] == [Usage(input=19, output=10)] * 2


def test_a_local_count_is_marked_as_an_estimate(watch, serve):
    seen, fake = watch("writer", count_tokens="missing"), serve(writer)

    client(fake).ask("sync", "completions.create", model="palmyra-x5", prompt="Tell me about cats.")

    assert seen.attributes["gen_ai.usage.output_tokens"] > 0
    assert seen.attributes["costspan.usage.source"] in ("tokenizer", "heuristic")

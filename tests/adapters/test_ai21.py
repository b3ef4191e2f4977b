from __future__ import annotations

import ai21
import pytest
from ai21.models.chat import UserMessage
from fake_providers import openai as wire

from adapters import SHAPES, STREAMS, Client, telling
from costspan.usage import Usage

pytestmark = [pytest.mark.real, pytest.mark.filterwarnings("ignore")]  # the SDK's own
MESSAGES = [UserMessage(content="Tell me about cats.")]


def client(fake):
    where = {"api_key": "k", "api_host": fake.url}
    return Client(lambda: ai21.AI21Client(**where), lambda: ai21.AsyncAI21Client(**where))


@pytest.mark.parametrize("shape", SHAPES)
def test_usage_is_read_in_every_shape(watch, serve, shape):
    seen, fake = watch("ai21"), serve(wire)
    fake.play(telling(wire.chat()))

    client(fake).ask(shape, "chat.completions.create", model="jamba-mini", messages=MESSAGES)

    assert seen.usage == Usage(input=19, output=10)
    assert seen.attributes["gen_ai.provider.name"] == "ai21"


@pytest.mark.parametrize("shape", STREAMS)
def test_a_stream_left_early_ends_the_call(watch, serve, shape):
    seen, fake = watch("ai21"), serve(wire)

    client(fake).leave(shape, "chat.completions.create", model="jamba-mini", messages=MESSAGES)

    assert seen.reply.partial

from __future__ import annotations

import httpx
import ollama
import pytest
from fake_providers import ollama as wire

from adapters import PLAIN, SHAPES, STREAMS, Client, Closing
from costspan.demo.server import reply
from costspan.usage import Usage

MESSAGES = [{"role": "user", "content": "Tell me about cats."}]


def client(fake):
    return Client(
        lambda: Closing(ollama.Client(fake.url), "_client"), lambda: Closing(ollama.AsyncClient(fake.url), "_client")
    )


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize(
    ("path", "arguments", "operation"),
    [("chat", {"messages": MESSAGES}, "chat"), ("generate", {"prompt": "Cats"}, "text_completion")],
)
def test_the_last_line_counts_the_tokens_and_a_local_model_is_free(watch, serve, shape, path, arguments, operation):
    seen, fake = watch("ollama"), serve(wire)

    client(fake).ask(shape, path, "gemma3:1b", **arguments)

    assert (seen.call.request.operation, seen.usage) == (operation, Usage(input=26, output=10))
    assert (seen.reply.model, seen.reply.finish_reasons) == ("gemma3:1b", ("stop",))
    assert seen.attributes["gen_ai.request.model"] == "gemma3:1b"
    assert seen.attributes["costspan.price.status"] == "free"
    assert seen.attributes["server.port"] == int(fake.url.rpartition(":")[2])


@pytest.mark.parametrize("shape", PLAIN)
@pytest.mark.parametrize(("path", "usage"), [("embed", Usage(input=4)), ("embeddings", None)])
def test_embeddings_tell_their_input_or_nothing(watch, serve, shape, path, usage):
    seen, fake = watch("ollama"), serve(wire)

    client(fake).ask(shape, path, "nomic-embed-text", "Cats")

    assert (seen.call.request.operation, seen.usage) == ("embeddings", usage)


@pytest.mark.parametrize("shape", PLAIN)
def test_a_system_one_model_tells_its_tokens_in_words_of_its_own(watch, serve, shape):
    seen, fake = watch("ollama"), serve(wire)

    question = {"type": "noul", "instructions": "Is it about cats?"}
    client(fake).ask(shape, "systemone", "m", "Cats sleep.", {"cats": question})

    assert (seen.call.request.operation, seen.usage) == ("chat", Usage(input=9, output=2))


def test_functions_that_were_taken_before_are_seen(watch, serve, monkeypatch):
    """`ollama.chat` is a method of a client that the SDK makes when it is imported."""
    fake, taken = serve(wire), ollama.chat
    with httpx.Client(base_url=fake.url) as http:
        monkeypatch.setattr(taken.__self__, "_client", http)
        seen = watch("ollama")
        taken("gemma3:1b", MESSAGES)

    assert seen.usage == Usage(input=26, output=10)


@pytest.mark.parametrize("shape", PLAIN)
def test_what_is_not_inference_is_no_call(watch, serve, shape):
    seen, fake = watch("ollama"), serve(wire)

    client(fake).ask(shape, "list")

    assert seen.calls == []


@pytest.mark.parametrize("shape", STREAMS)
def test_a_stream_left_early_ends_the_call(watch, serve, shape):
    seen, fake = watch("ollama"), serve(wire)

    client(fake).leave(shape, "chat", "m", MESSAGES)

    assert (seen.reply.partial, seen.call.chunks, seen.usage) == (True, 1, None)


@pytest.mark.parametrize("shape", SHAPES)
def test_an_error_is_the_hosts_own(watch, serve, shape):
    seen, fake = watch("ollama"), serve(wire)
    fake.play(reply({"error": "model not found"}, 404))

    with pytest.raises(ollama.ResponseError):
        client(fake).ask(shape, "chat", "m", MESSAGES)

    assert seen.attributes["error.type"] == "ResponseError"

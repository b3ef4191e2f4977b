"""Every `.stream()` of the SDK at hand is one call: its manager gives an object that reads the stream inside of it."""

from __future__ import annotations

import asyncio

import anthropic
import pytest
from anthropic.lib.streaming import _messages
from fake_providers import anthropic as wire

from adapters import close
from costspan.usage import Usage

ASK = {"model": "claude-sonnet-5", "max_tokens": 64, "messages": [{"role": "user", "content": "Tell me about cats."}]}


def owner(sdk, path):
    for name in path.split("."):
        sdk = getattr(sdk, name, None)
    return sdk


with anthropic.Anthropic(api_key="k") as _sdk:
    HELPERS = [
        path
        for path in ("messages", "beta.messages", "beta.prompt_caching.messages")
        if hasattr(owner(_sdk, path), "stream")
    ]


async def read(fake, path, *, later, whole):
    """The text that a helper gives, all of it or its first word."""
    sdk = (anthropic.AsyncAnthropic if later else anthropic.Anthropic)(base_url=fake.url, api_key="k")
    try:
        manager = owner(sdk, path).stream(**ASK)
        if later:
            async with manager as stream:
                return [text async for text in stream.text_stream] if whole else [await anext(stream.text_stream)]
        with manager as stream:
            return list(stream.text_stream) if whole else [next(stream.text_stream)]
    finally:
        await close(sdk)


@pytest.mark.parametrize("whole", [True, False])
@pytest.mark.parametrize("later", [False, True])
@pytest.mark.parametrize("path", HELPERS)
def test_a_helper_is_one_call_with_the_usage_that_was_told(watch, serve, path, later, whole):
    seen, fake = watch("anthropic"), serve(wire)

    texts = asyncio.run(read(fake, path, later=later, whole=whole))

    assert len(texts) == (len(wire.TEXT.split()) if whole else 1)
    assert (seen.usage, seen.reply.partial) == (Usage(input=19, output=10 if whole else 0), not whole)


def test_a_helper_that_reads_the_response_anew_is_followed(watch, serve, monkeypatch):
    """As all did before 0.43: they took the response, and made a stream of it of their own."""
    made = _messages.MessageStream.__init__

    def make(self, *args, **given):
        anew = [anthropic.Stream(cast_to=each._cast_to, response=each.response, client=each._client) for each in args]
        made(self, *anew, **given)

    monkeypatch.setattr(_messages.MessageStream, "__init__", make)
    seen, fake = watch("anthropic"), serve(wire)

    asyncio.run(read(fake, "messages", later=False, whole=True))

    assert (seen.usage, seen.reply.partial) == (Usage(input=19, output=10), False)

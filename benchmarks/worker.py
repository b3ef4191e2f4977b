"""One process that makes calls with the real SDK, with one tool switched on; rounds are run when told on stdin.

    python worker.py TOOL CLIENT SAMPLED URL

A line of `scenario calls size` is answered by the processor seconds they took and the resident bytes after; `size` is
how many are under way at once, or the chunks of a stream. The line `signals` is answered by the metrics that the tool
records. With `memory` for URL the SDK's transport is replaced by one that answers in the process.
"""

from __future__ import annotations

import asyncio
import gc
import sys
import time
from contextlib import nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import provider
import switches

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterable

SYSTEM, USER = "You are helpful.", {"role": "user", "content": "Say hello."}
REQUEST = {"model": "gpt-4o", "messages": [{"role": "system", "content": SYSTEM}, USER], "temperature": 0.2}
WARM = 320  # calls before any is measured: by then, costspan records for every call what it let wait of an earlier one
STREAM = {"stream": True, "stream_options": {"include_usage": True}}


class Client(NamedTuple):
    """An SDK's call, in the shapes that are measured; a stream is given the number of its chunks."""

    ask: Callable[[], Any]
    stream: Callable[[int], Iterable]
    later: Callable[[], Awaitable] | None = None
    unasked: Callable[[int], Iterable] | None = None  # a stream whose usage the program does not ask for


def of_openai(sync, later):
    """The shapes of a call that takes OpenAI's arguments."""
    return Client(
        lambda: sync(**REQUEST),
        lambda size: sync(**REQUEST, **STREAM, max_tokens=size),
        lambda: later(**REQUEST),
        lambda size: sync(**REQUEST, stream=True, max_tokens=size),
    )


def openai_client(url):
    import openai
    from openai import _base_client

    given = {"api_key": "k", "base_url": url}
    if url != "memory":
        sync, later = openai.OpenAI(**given), openai.AsyncOpenAI(**given)
        return of_openai(sync.chat.completions.create, later.chat.completions.create)
    http = getattr(_base_client, "httpx2", None) or _base_client.httpx

    def answer(request):
        kind, content = provider.answer(request.content)
        return http.Response(200, headers={"content-type": kind.decode()}, content=content)

    transport = http.MockTransport(answer)
    sync = openai.OpenAI(api_key="k", http_client=http.Client(transport=transport))
    later = openai.AsyncOpenAI(api_key="k", http_client=http.AsyncClient(transport=transport))
    return of_openai(sync.chat.completions.create, later.chat.completions.create)


def litellm_client(url):
    import litellm

    def given(arguments):
        return arguments | {"model": "openai/gpt-4o", "api_base": url, "api_key": "k"}

    return of_openai(
        lambda **more: litellm.completion(**given(more)), lambda **more: litellm.acompletion(**given(more))
    )


def anthropic_client(url):
    import anthropic

    given = {"api_key": "k", "base_url": url.removesuffix("/v1")}
    sync, later = anthropic.Anthropic(**given).messages, anthropic.AsyncAnthropic(**given).messages
    request = {"model": "claude-sonnet-4-5", "system": SYSTEM, "messages": [USER]}  # the newest takes no temperature
    return Client(
        lambda: sync.create(**request, max_tokens=provider.CHUNKS),
        lambda size: sync.create(**request, max_tokens=size, stream=True),
        lambda: later.create(**request, max_tokens=provider.CHUNKS),
    )


def google_client(url):
    from google import genai

    client = genai.Client(api_key="k", http_options={"base_url": url.removesuffix("/v1")})
    request = {"model": "gemini-2.5-flash", "contents": USER["content"]}
    config = {"system_instruction": SYSTEM, "temperature": 0.2}
    return Client(
        lambda: client.models.generate_content(**request, config=config),
        lambda size: client.models.generate_content_stream(**request, config=config | {"max_output_tokens": size}),
        lambda: client.aio.models.generate_content(**request, config=config),
    )


def bedrock_client(url):
    import boto3

    keys = {"aws_access_key_id": "k", "aws_secret_access_key": "k", "region_name": "us-east-1"}
    client = boto3.client("bedrock-runtime", endpoint_url=url.removesuffix("/v1"), **keys)
    messages = [{"role": "user", "content": [{"text": USER["content"]}]}]
    request = {"modelId": "us.anthropic.claude-sonnet-4-5-20250929-v1:0", "messages": messages}
    request |= {"system": [{"text": SYSTEM}]}
    config = {"temperature": 0.2}

    def stream(size):
        return client.converse_stream(**request, inferenceConfig=config | {"maxTokens": size})["stream"]

    return Client(lambda: client.converse(**request, inferenceConfig=config), stream)


class Scenario:
    """`run(calls, size)` makes calls; subclasses say how."""

    def __init__(self, client, around):
        self._client, self._around = client, around

    def run(self, calls, size):
        for _ in range(calls):
            with self._around():
                self.once(size)

    def once(self, _size):
        self._client.ask()


class Stream(Scenario):
    def once(self, size):
        for _ in self._client.stream(size):
            pass


class Abandoned(Scenario):
    def once(self, size):
        for _ in self._client.unasked(size):
            break


class Async(Scenario):
    def __init__(self, client, around):
        super().__init__(client, around)
        self._loop = asyncio.new_event_loop()

    def run(self, calls, size):
        self._loop.run_until_complete(self._all(calls, size))

    async def _all(self, calls, size):
        for _ in range(calls // size):
            if size == 1:
                await self._once()
            else:
                await asyncio.gather(*(self._once() for _ in range(size)))

    async def _once(self):
        with self._around():
            await self._client.later()


SCENARIOS = {"sync": Scenario, "stream": Stream, "abandoned": Abandoned, "async": Async}
CLIENTS = {
    "openai": openai_client,
    "litellm": litellm_client,
    "anthropic": anthropic_client,
    "google": google_client,
    "bedrock": bedrock_client,
}


def rss_bytes():
    """Exactly: what `statm` says may lag behind."""
    line = next(line for line in Path("/proc/self/smaps_rollup").read_text().splitlines() if line.startswith("Rss:"))
    return int(line.split()[1]) * 1024


def answer(scenarios, line):
    if line.strip() == "signals":
        return ",".join(switches.metrics_recorded())
    name, calls, size = line.split()
    gc.collect()
    start = time.process_time()
    scenarios[name].run(int(calls), int(size))
    return f"{time.process_time() - start} {rss_bytes()}"


def main(tool, client, sampled, url):
    told, sys.stdout = sys.stdout, sys.stderr  # some tools print
    provider.more_files()
    around = switches.switch_on(tool, client, sampled=sampled == "sampled", url=url) or nullcontext
    made = CLIENTS[client](url)
    scenarios = {name: kind(made, around) for name, kind in SCENARIOS.items()}
    scenarios["sync"].run(WARM, 1)
    if tool != "bare" and sampled == "sampled" and not switches.spans_made():
        sys.exit(f"{tool} makes no span of a call of this {client}")
    print("ready", file=told, flush=True)
    for line in sys.stdin:
        print(answer(scenarios, line), file=told, flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])

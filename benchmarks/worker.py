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

import provider
import switches

MESSAGES = [{"role": "system", "content": "You are helpful."}, {"role": "user", "content": "Say hello."}]
REQUEST = {"model": "gpt-4o", "messages": MESSAGES, "temperature": 0.2}
STREAM = {"stream": True, "stream_options": {"include_usage": True}}


def openai_clients(url):
    """What makes a call, and what makes one asynchronously."""
    import openai
    from openai import _base_client

    given = {"api_key": "k", "base_url": url}
    if url != "memory":
        sync, later = openai.OpenAI(**given), openai.AsyncOpenAI(**given)
        return sync.chat.completions.create, later.chat.completions.create
    http = getattr(_base_client, "httpx2", None) or _base_client.httpx

    def answer(request):
        kind, content = provider.answer(request.content)
        return http.Response(200, headers={"content-type": kind.decode()}, content=content)

    transport = http.MockTransport(answer)
    sync = openai.OpenAI(api_key="k", http_client=http.Client(transport=transport))
    later = openai.AsyncOpenAI(api_key="k", http_client=http.AsyncClient(transport=transport))
    return sync.chat.completions.create, later.chat.completions.create


def litellm_clients(url):
    import litellm

    def given(arguments):
        return arguments | {"model": "openai/gpt-4o", "api_base": url, "api_key": "k"}

    return lambda **more: litellm.completion(**given(more)), lambda **more: litellm.acompletion(**given(more))


class Scenario:
    """`run(calls, size)` makes calls; subclasses say how."""

    def __init__(self, create, around):
        self._create, self._around = create, around

    def run(self, calls, size):
        for _ in range(calls):
            with self._around():
                self.once(size)

    def once(self, _size):
        self._create(**REQUEST)


class Stream(Scenario):
    def once(self, size):
        for _ in self._create(**REQUEST, **STREAM, max_tokens=size):
            pass


class Abandoned(Scenario):
    def once(self, size):
        for _ in self._create(**REQUEST, stream=True, max_tokens=size):
            break


class Async(Scenario):
    def __init__(self, create, around):
        super().__init__(create, around)
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
            await self._create(**REQUEST)


SCENARIOS = {"sync": Scenario, "stream": Stream, "abandoned": Abandoned, "async": Async}
CLIENTS = {"openai": openai_clients, "litellm": litellm_clients}


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
    around = switches.switch_on(tool, sampled=sampled == "sampled", url=url) or nullcontext
    create = CLIENTS[client](url)
    scenarios = {name: kind(create[kind is Async], around) for name, kind in SCENARIOS.items()}
    scenarios["sync"].run(20, 1)
    print("ready", file=told, flush=True)
    for line in sys.stdin:
        print(answer(scenarios, line), file=told, flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])

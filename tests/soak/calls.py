"""Makes one call as a program would, with the real SDKs; says how it ended and how much of a stream it saw."""

from __future__ import annotations

import asyncio
import json
from typing import NamedTuple

import anthropic
import openai
from plan import Ask, chat_usage, message_usage, model_of, response_usage

MESSAGES = [{"role": "user", "content": "Tell me about cats."}]
STREAM_SECONDS = 0.02  # between two chunks, where the program cancels in their middle


class Clients(NamedTuple):
    openai: openai.AsyncOpenAI
    anthropic: anthropic.AsyncAnthropic

    async def close(self) -> None:
        await self.openai.close()
        await self.anthropic.close()


def make_clients(urls: list[str]) -> Clients:
    """Clients of the two providers at `urls`."""
    return Clients(
        openai.AsyncOpenAI(base_url=f"{urls[0]}/v1", api_key="k", timeout=180),
        anthropic.AsyncAnthropic(base_url=urls[1], api_key="k", timeout=180),
    )


def headers_of(ask: Ask) -> dict[str, str]:
    """What the provider is told."""
    kind, chance = ask.kind, ask.chance
    if kind.startswith("odd"):
        return {"x-odd": kind.partition(": ")[2]}
    told = {"x-usage": json.dumps(_reported(ask))}
    if kind == "retried":
        told["x-once"] = "429"
    elif kind == "cut":
        told["x-cut"] = str(1 + int(chance * 10))
    elif kind == "cancelled":
        told["x-pause"] = str(STREAM_SECONDS if chance < 0.5 else 5)
    return told


def _reported(ask: Ask) -> dict | None:
    if ask.kind.startswith("uncounted"):
        return None
    if ask.kind.startswith("message"):
        return message_usage(ask.usage)
    return response_usage(ask.usage) if ask.kind.startswith("responses") else chat_usage(ask.usage)


async def make(ask: Ask, clients: Clients) -> tuple[str, int]:
    """Make the call: the class of what it raised (empty: nothing), and how many chunks the program saw."""
    seen = [0]
    calling = _call(ask, clients, seen)
    try:
        if ask.kind == "cancelled":
            await _cancel(calling, 0.05 + ask.chance * 0.2)
        else:
            await calling
    except Exception as error:  # noqa: BLE001 whatever comes out is what is compared
        return type(error).__name__, seen[0]
    except asyncio.CancelledError:
        return "CancelledError", seen[0]
    return "", seen[0]


async def _cancel(calling, seconds: float) -> None:
    task = asyncio.ensure_future(calling)
    await asyncio.sleep(seconds)
    task.cancel()
    await task


async def _call(ask: Ask, clients: Clients, seen: list[int]) -> None:
    kind, how = ask.kind, {"extra_headers": headers_of(ask), "model": model_of(ask.kind)[1]}
    if kind == "embeddings":
        await clients.openai.embeddings.create(input="cats", **how)
    elif kind == "refused":
        await clients.openai.chat.completions.create(messages=MESSAGES, **how | {"extra_headers": REFUSED})
    elif kind.startswith("responses"):
        await _take(await clients.openai.responses.create(input="Cats?", stream="stream" in kind, **how), ask, seen)
    elif kind.startswith("message"):
        how |= {"max_tokens": 500, "messages": MESSAGES}
        await _take(await clients.anthropic.messages.create(stream="stream" in kind, **how), ask, seen)
    else:
        asked = {"stream_options": {"include_usage": True}} if kind.endswith("asked") else {}
        stream = "stream" in kind or kind in ("cut", "left", "cancelled")
        await _take(
            await clients.openai.chat.completions.create(messages=MESSAGES, stream=stream, **asked, **how), ask, seen
        )


REFUSED = {"x-status": "400"}


async def _take(answer, ask: Ask, seen: list[int]) -> None:
    """Go through a stream; an answer that is none is there already."""
    if not hasattr(answer, "__aiter__") or not hasattr(answer, "response"):
        return
    async for _ in answer:
        seen[0] += 1
        if ask.kind == "left" and seen[0] > ask.chance * 10:
            break

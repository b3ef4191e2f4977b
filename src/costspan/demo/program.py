"""A sample program: a support desk of three teams. It uses the openai SDK as any program does.

It knows nothing of costspan but `attribution`, which says for whom a call is made; that too could be left out.
"""

from __future__ import annotations

import asyncio
from typing import Any

import openai

from costspan import attribution

HANDBOOK = "You answer customers of a shop for bicycles. " + "Be kind, be brief, and never promise a refund. " * 130
ORDER_TOOL: Any = {
    "type": "function",
    "function": {"name": "find_order", "parameters": {"type": "object", "properties": {"order": {"type": "string"}}}},
}
DOCUMENTS = [f"Chapter {number} of the manual: brakes, gears, and how to care for them." for number in range(40)]


def answer_customer(client: openai.OpenAI, question: str) -> str:
    """A plain call with a long system prompt: the provider caches it after the first."""
    answer = client.chat.completions.create(model="gpt-4o", messages=_ask(HANDBOOK, question))
    return answer.choices[0].message.content or ""


def stream_answer(client: openai.OpenAI, question: str) -> str:
    """A stream, shown word by word."""
    stream = client.chat.completions.create(model="gpt-4o", messages=_ask(HANDBOOK, question), stream=True)
    return "".join(chunk.choices[0].delta.content or "" for chunk in stream if chunk.choices)


def track_order(client: openai.OpenAI, question: str) -> str:
    """A tool call: the model asks for an order, the program looks it up, the model answers."""
    messages = _ask("You find orders.", question)
    asked = client.chat.completions.create(model="gpt-4.1-mini", messages=messages, tools=[ORDER_TOOL])
    messages.append(asked.choices[0].message.model_dump(exclude_none=True))
    for call in asked.choices[0].message.tool_calls or ():
        messages.append({"role": "tool", "tool_call_id": call.id, "content": '{"status": "on its way"}'})
    told = client.chat.completions.create(model="gpt-4.1-mini", messages=messages, tools=[ORDER_TOOL])
    return told.choices[0].message.content or ""


async def sort_tickets(client: openai.AsyncOpenAI, tickets: list[str]) -> int:
    """Many small calls at once."""
    asked = [client.chat.completions.create(model="gpt-4o-mini", messages=_ask("Sort this.", each)) for each in tickets]
    return len(await asyncio.gather(*asked))


def index_manual(client: openai.OpenAI) -> int:
    """Embeddings of all chapters, ten at a time."""
    batches = [DOCUMENTS[start : start + 10] for start in range(0, len(DOCUMENTS), 10)]
    return sum(len(client.embeddings.create(model="text-embedding-3-small", input=each).data) for each in batches)


def plan_stock(client: openai.OpenAI, season: str) -> str:
    """The responses API, with a model that thinks."""
    asked = f"What must be in stock in {season}? " + "Sales of the last year, week by week. " * 60
    return client.responses.create(model="gpt-5", instructions="You plan the stock.", input=asked).output_text


def misspell(client: openai.OpenAI) -> str:
    """An error, as programs make them."""
    told = "none, to our surprise"
    try:
        client.chat.completions.create(model="gpt-4o-minni", messages=_ask("", "Hello?"))
    except openai.NotFoundError as error:
        told = str(error.code)
    return told


def _ask(system: str, question: str) -> list[Any]:
    return [{"role": "system", "content": system}, {"role": "user", "content": question}]


async def main() -> None:
    """A day's work. The address and the key come from OPENAI_BASE_URL and OPENAI_API_KEY, as always."""
    with openai.OpenAI() as client:
        for user in ("alice", "bob", "carol"):
            with attribution(team="support", user=user, feature="answers"):
                for number in range(4):
                    answer_customer(client, f"My chain squeaks, for the {number}th time. What now?")
                    stream_answer(client, f"Which tyres fit model {number}?")
            with attribution(team="support", user=user, feature="orders"):
                track_order(client, "Where is order A-17?")
        print("support: answers plain and streamed from a cached prompt, orders found by tool calls", flush=True)
        with attribution(team="search", user="dave", feature="manual"):
            print(f"search: {index_manual(client)} chapters embedded", flush=True)
        with attribution(team="planning", user="erin", feature="stock"):
            for season in ("spring", "summer", "autumn", "winter"):
                plan_stock(client, season)
            print(f"planning: four seasons with the responses API, one error ({misspell(client)})", flush=True)
    async with openai.AsyncOpenAI() as client:
        with attribution(team="search", user="frank", feature="tickets"):
            sorted_out = await sort_tickets(client, [f"Ticket {number}: the bell is silent." for number in range(20)])
        print(f"search: {sorted_out} tickets sorted at once (async)", flush=True)


if __name__ == "__main__":
    asyncio.run(main())

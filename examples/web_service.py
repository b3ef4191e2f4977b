"""A FastAPI service whose request spans show what each request spent, and for whom.

    pip install 'costspan[local]' openai fastapi uvicorn opentelemetry-instrumentation-fastapi
    costspan up                                  # in another terminal: takes the spans, and shows them
    OPENAI_API_KEY=… uvicorn web_service:app

Without a key: `costspan demo --keep` in another terminal says what to export.

Ask it with `curl -H 'x-user-id: alice' 'localhost:8000/answer?question=…'`: the span `GET /answer` has `user.id`,
`costspan.rollup.cost`, `.tokens` and `.calls` of the two calls below it. The header is to be set by a proxy of yours.
"""

from __future__ import annotations

from fastapi import FastAPI
from openai import AsyncOpenAI
from opentelemetry.instrumentation.fastapi import FastAPIInstrumentor

import costspan

costspan.instrument(metric_attributes="user,feature")
app = FastAPI()
app.add_middleware(costspan.AsgiAttribution, headers={"x-user-id": "user"})


@app.get("/answer")
async def answer(question: str) -> dict[str, str | float]:
    """An answer, and what it cost."""
    async with AsyncOpenAI() as client:
        with costspan.attribution(feature="draft"):
            draft = await ask(client, question)
        with costspan.attribution(feature="review"):
            text = await ask(client, f"Improve this answer to {question!r}: {draft}")
    return {"answer": text, "usd": float(costspan.current_cost())}


async def ask(client: AsyncOpenAI, question: str) -> str:
    """The model's answer."""
    messages = [{"role": "user", "content": question}]
    reply = await client.chat.completions.create(model="gpt-4o-mini", messages=messages)  # type: ignore[arg-type]
    return reply.choices[0].message.content or ""


FastAPIInstrumentor.instrument_app(app)

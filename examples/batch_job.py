"""A batch job of many concurrent calls: what each customer's documents cost, and a limit on the whole run.

pip install 'costspan[demo]'
OPENAI_API_KEY=… costspan run python batch_job.py

Without a key: `costspan demo --keep` in another terminal says what to export.
"""

from __future__ import annotations

import asyncio
from collections import defaultdict
from decimal import Decimal

from openai import AsyncOpenAI

import costspan

DOCUMENTS = [("acme", "Cats sleep."), ("acme", "Dogs bark."), ("globex", "Birds sing."), ("globex", "Fish swim.")]


async def summarise(client: AsyncOpenAI, customer: str, text: str) -> tuple[str, Decimal]:
    """Whose document it was, and what its summary cost."""
    with costspan.attribution(team=customer, feature="summaries"):
        messages = [{"role": "user", "content": f"Summarise: {text}"}]
        reply = await client.chat.completions.create(model="gpt-4o-mini", messages=messages)  # type: ignore[arg-type]
        bill = costspan.cost_of(reply)
        return customer, bill.cost if bill and bill.cost is not None else Decimal(0)


@costspan.observe(kind="workflow", name="nightly summaries")
async def run() -> dict[str, Decimal]:
    """USD by customer."""
    spent: dict[str, Decimal] = defaultdict(Decimal)
    async with AsyncOpenAI() as client:
        with costspan.budget(usd=1, name="nightly"):
            for customer, usd in await asyncio.gather(*(summarise(client, *each) for each in DOCUMENTS)):
                spent[customer] += usd
    print(f"{costspan.current_cost().calls} calls, ${costspan.current_cost().cost:.6f} in all")
    return spent


if __name__ == "__main__":
    costspan.instrument()
    for name, usd in asyncio.run(run()).items():
        print(f"{name}: ${usd:.6f}")

"""An agent that would loop for ever, stopped by its budget before it spends more than it may.

pip install 'costspan[demo]'
OPENAI_API_KEY=… costspan run python agent_with_budget.py

Without a key: `costspan demo --keep` in another terminal says what to export.
"""

from __future__ import annotations

from openai import OpenAI

import costspan

BUDGET_USD = 0.00005


@costspan.observe(kind="agent", name="researcher")
def research(client: OpenAI, topic: str) -> list[str]:
    """Notes on a topic; each asks for the next, so only the budget ends it."""
    notes: list[str] = []
    with costspan.budget(usd=BUDGET_USD, name="researcher") as left:
        try:
            while True:
                notes.append(take_note(client, topic, notes))
                print(f"note {len(notes)}, left of the budget: ${max(left.remaining, 0):.6f}")
        except costspan.BudgetExceededError as stop:
            print(f"stopped: {stop}")
    return notes


@costspan.observe(kind="tool")
def take_note(client: OpenAI, topic: str, notes: list[str]) -> str:
    """One more note."""
    asked = f"Say something new about {topic}. Known: {'; '.join(notes) or 'nothing'}"
    reply = client.chat.completions.create(model="gpt-4o-mini", messages=[{"role": "user", "content": asked}])
    return reply.choices[0].message.content or ""


if __name__ == "__main__":
    costspan.instrument()
    with OpenAI() as openai:
        research(openai, "cats")
    print(f"spent ${costspan.current_cost().cost:.6f}")

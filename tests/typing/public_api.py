"""What type checkers say of programs that use costspan: checked by mypy, never run."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Any

from typing_extensions import assert_type

import costspan
from costspan import Bill, Spend, TokenCount, Usage

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterable

usage = Usage(input=2_000, cache_read=8_000, output=1_000)
price = costspan.price(usage, model="gpt-5", tier="flex")
assert_type(price.total, "Decimal | None")
assert_type(costspan.cost_per_token("gpt-5", prompt_tokens=1), "tuple[float, float]")
assert_type(costspan.completion_cost({"model": "gpt-5"}), float)
assert_type(costspan.get_max_tokens("gpt-5"), "int | None")
assert_type(costspan.encode("gpt-4o", "hello"), "list[int]")
assert_type(costspan.decode("gpt-4o", [1]), str)
assert_type(costspan.token_counter("gpt-4o", text="hello"), TokenCount)
assert_type(costspan.estimate_tokens(text="hello"), TokenCount)
low, likely, high = costspan.estimate("hello", "gpt-4o", max_tokens=500)
assert_type(costspan.last_call(), "Bill | None")
assert_type(costspan.current_cost(), Spend)
assert_type(costspan.current_cost().cost, Decimal)
costspan.disable_token_counter = True
costspan.register_model({"my-model": {"litellm_provider": "openai", "input_cost_per_token": 1e-6}})
costspan.instrument(hosts={"127.0.0.1": "openai"})


@costspan.observe
def plain(topic: str) -> int:
    return len(topic)


@costspan.observe(kind="agent", name="researcher")
async def agent(topic: str) -> bytes:
    return topic.encode()


@costspan.attribution(team="search")
def paid(topic: str) -> Bill | None:
    return costspan.cost_of(topic)


assert_type(plain("x"), int)
assert_type(paid("x"), "Bill | None")


async def bounded() -> None:
    assert_type(await agent("x"), bytes)
    assert_type(await costspan.async_token_counter("gpt-4o", text="x"), TokenCount)
    async with costspan.attribution(user="alice"):
        pass
    with costspan.observe(name="step") as step, costspan.budget(usd=0.5, name="researcher") as left:
        assert_type(step.spent, Spend)
        assert_type(left.remaining, "Decimal | int")
    try:
        plain("x")
    except costspan.BudgetExceededError as stop:
        assert_type(stop.spent, "Decimal | int")


def middleware(asgi: Callable[..., Awaitable[None]], wsgi: Callable[..., Iterable[bytes]]) -> tuple[Any, Any]:
    named = {"x-user-id": "user"}
    return costspan.AsgiAttribution(asgi, headers=named), costspan.WsgiAttribution(wsgi, headers=named)


for row in costspan.get_token_usage(start_date="2026-11-01", group_by=["day", "model"]):
    assert_type(row.tokens, int)
    assert_type(row.cost, Decimal)

# what is wrong is said: mypy complains of an ignore that nothing needs
costspan.price(usage)  # type: ignore[call-arg]
costspan.cost_per_token(12)  # type: ignore[arg-type]
costspan.budget(0.5)  # type: ignore[call-arg]
Usage(input="many")  # type: ignore[arg-type]
costspan.no_such_name()  # type: ignore[attr-defined]

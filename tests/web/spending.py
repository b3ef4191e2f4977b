"""A ledger with a month of made-up spend, a trace of three calls, and names that try to be markup and formulas."""

from __future__ import annotations

import time
from itertools import groupby
from typing import TYPE_CHECKING, Any

from ledger.ledger_served import Served
from ledger.ledger_spans import CHAT, SECOND, call, span, traces
from made_up_calls import realistic_calls, span_of

if TYPE_CHECKING:
    from pathlib import Path

MODEL = "<img src=x onerror=alert(1)>"
TEAM = "<script>alert(2)</script>"
USER = "=cmd|' /C calc'!A0"


def serve(path: Path, *, hostile: bool = True) -> Served:
    """The ledger, with its server."""
    served = Served(path)
    calls = sorted(realistic_calls(4000, days=60), key=lambda each: each.dims.service)
    for service, members in groupby(calls, key=lambda each: each.dims.service):
        served.send(traces(*map(span_of, members), service=service))
    served.send(traces(*_trace(time.time_ns() - 600 * SECOND), service="shop"))
    served.send(traces(*_retried(time.time_ns() - 900 * SECOND), service="helpdesk"))
    if hostile:
        counts = dict.fromkeys(("gen_ai.usage.input_tokens", "gen_ai.usage.output_tokens"))
        failed = counts | {"gen_ai.usage.cost.amount": 0.0, "error.type": "NotFoundError"}
        ended = time.time_ns() - 5 * SECOND  # today, also where it has just begun
        served.send(traces(_hostile(ended), _hostile(ended - SECOND, **failed), service="shop"))
    return served


def _trace(start: int) -> list[dict[str, Any]]:
    root = span({}, name="GET /answer", at=start, seconds=6)
    tool = span({}, name="look up order", at=start + 2 * SECOND, seconds=0.8)
    who = CHAT | {"costspan.team": "search", "user.id": "ann", "costspan.feature": "answers"}
    usd = (0.02, 0.05, 0.11)
    spans = [
        span(who | {"gen_ai.usage.cost.amount": cost}, at=start + 2 * turn * SECOND, seconds=1.7)
        for turn, cost in enumerate(usd)
    ]
    for each in (tool, *spans):
        each |= {"trace_id": root["trace_id"], "parent_span_id": root["span_id"]}
    return [root, tool, *spans]


def _retried(start: int) -> list[dict[str, Any]]:
    """A call that failed after it was billed, and the one that tried it again."""
    failed = span(CHAT | {"gen_ai.usage.cost.amount": 0.03, "error.type": "APIConnectionError"}, at=start, seconds=2)
    again = span(CHAT | {"gen_ai.usage.cost.amount": 0.04}, at=start + 3 * SECOND)
    return [failed, again | {"trace_id": failed["trace_id"]}]


def _hostile(start: int, **more: Any) -> dict[str, Any]:
    named = {"gen_ai.request.model": MODEL, "gen_ai.response.model": MODEL, "gen_ai.provider.name": "acme"}
    said = {
        "costspan.team": TEAM,
        "user.id": USER,
        "gen_ai.usage.cost.amount": None,
        "costspan.price.status": None,
    }
    return call(start, **named, **said | more)


def late_call(served: Served) -> None:
    """One more call, while somebody looks."""
    served.send(traces(call(time.time_ns(), costspan__team="latecomers"), service="shop"))

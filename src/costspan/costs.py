"""What was spent: in the scope around, by the last call, by the very response that the program holds."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from opentelemetry import context as otel
from opentelemetry import trace

from costspan.adapters._paths import path, text_of
from costspan.guard import Guard
from costspan.instrumentors import PLUGIN
from costspan.rollup import Spend
from costspan.scope import scope_in

if TYPE_CHECKING:
    from costspan.bill import Bill

_FIND = Guard("find the bill of a response")
_ID = path("id|generation_id|request_id")  # of Cohere up to v1, and of Alibaba Cloud


def current_cost() -> Spend:
    """What the calls of the innermost scope around have spent so far: cost in USD, tokens, calls.

    A scope is a `with` block or function of `attribution`, `budget` or `observe`, or the request that a web framework
    or task queue handles. Outside of all it is the whole process, since costspan was switched on; in a trace that is
    not sampled, what this process has spent in that trace.
    """
    account = scope_in(otel.get_current()).account
    if account is not None:
        return account.spent
    recorder = PLUGIN.recorder
    return recorder.spending.around(trace.get_current_span()) if recorder is not None else Spend()


def cost_of(response: Any) -> Bill | None:
    """Usage and price of the call that gave this response or stream; None for an object that no call gave.

    The response itself, or one that tells the same id: a copy, or the final message that an SDK's stream helper makes.
    A stream has its bill when it has ended: usage and cost are None until then, and where the provider told no usage
    (the program left early) until it is counted, beside the program, a moment later.
    """
    recorder = PLUGIN.recorder
    if recorder is None:
        return None
    with _FIND:  # whatever the program holds: its properties may raise
        return recorder.bills.find(response) or recorder.spending.bill_of(text_of(_ID(response)))
    return None


def last_call() -> Bill | None:
    """Usage and price of the last call of this task or thread; None if it made none."""
    recorder = PLUGIN.recorder
    return recorder.bills.last if recorder is not None else None

"""The inside of a call, where it is current: what it calls is part of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from opentelemetry import context as otel
from opentelemetry import trace

if TYPE_CHECKING:
    from costspan.call import Call

CALL = otel.create_key("costspan-call")  # its value: the context around the call


def step_out(call: Call) -> None:
    """Leave a dropped call that is still current: a signal has interrupted us as it was entered or left."""
    context = otel.get_current()
    if CALL in context and call.state is False and trace.get_current_span(context) is call.span:
        otel.attach(context[CALL])  # type: ignore[arg-type] # only set where a call is entered

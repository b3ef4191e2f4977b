"""Spans for the program's own steps (workflows, agents, tools, tasks), each showing what the calls below it cost."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, overload

from opentelemetry import context as otel
from opentelemetry import trace
from opentelemetry.trace import SpanKind, Status, StatusCode

from costspan.guard import Guard
from costspan.instrumentors import PLUGIN
from costspan.rollup import Account
from costspan.scope import Decorated, Run, Scoped, scope_in
from costspan.telemetry import names
from costspan.telemetry.attributes import payer
from costspan.telemetry.spending import account_attributes

if TYPE_CHECKING:
    from collections.abc import Mapping

    from opentelemetry.context import Context
    from opentelemetry.trace import Span

_SPAN = Guard("write the span of an observed step")
_KINDS = {  # kind: operation and the attribute of its name, as the conventions have them; they know no task
    "workflow": ("invoke_workflow", names.WORKFLOW_NAME),
    "agent": ("invoke_agent", names.AGENT_NAME),
    "tool": ("execute_tool", names.TOOL_NAME),
    "task": ("task", "costspan.task.name"),
}


@overload
def observe(function: Decorated, /) -> Decorated: ...
@overload
def observe(*, kind: str = "workflow", name: str = "") -> Observed: ...
def observe(function: Any = None, /, *, kind: str = "workflow", name: str = "") -> Any:
    """A span around a function or block, that shows what all calls inside cost: `@costspan.observe(kind="agent")`.

    `kind` is workflow, agent, tool or task. The name of a function is its own unless given. As `with
    costspan.observe(name=…) as step:` the span is `step.span`, the running sum `step.spent`.

    Raises:
        ValueError: `kind` is not one of these.
    """
    made = Observed(kind, name)
    return made if function is None else made(function)


class Observed(Scoped["ObservedRun"]):
    """What `observe` makes."""

    def __init__(self, kind: str, name: str) -> None:
        super().__init__()
        if kind not in _KINDS:
            raise ValueError(f"kind must be {', '.join(_KINDS)}, not {kind!r}")
        self._kind = kind
        self._name = name

    def __call__(self, function: Decorated) -> Decorated:
        if not self._name:
            return Observed(self._kind, getattr(function, "__name__", "function"))(function)
        return super().__call__(function)

    def open(self) -> ObservedRun:
        """Start the span, below what is current."""
        context = otel.get_current()
        around = scope_in(context)
        run = ObservedRun(around.payers, Account(around.account))
        with _SPAN:
            run.start(self._kind, self._name, context)
        return run


class ObservedRun(Run):
    """One passage through an observed step: `span`, and `spent` so far."""

    def __init__(self, payers: Mapping[str, str], account: Account) -> None:
        super().__init__(payers, account)
        self.span: Span = trace.INVALID_SPAN

    def start(self, kind: str, name: str, context: Context) -> None:
        """Start the span, if costspan is on."""
        recorder = PLUGIN.recorder
        if recorder is None:
            return
        operation, named = _KINDS[kind]
        attributes = {names.OPERATION: operation, **{payer(key): value for key, value in self.payers.items()}}
        if name:
            attributes[named] = name
        self.span = recorder.tracer.start_span(f"{operation} {name}".strip(), context, SpanKind.INTERNAL, attributes)
        self.account.span = self.span.get_span_context()

    def in_context(self, around: Context) -> Context:
        """With the span as the current one."""
        return trace.set_span_in_context(self.span, around) if self.span is not trace.INVALID_SPAN else around

    def close(self, error: BaseException | None) -> None:
        """End the span, with the sum of what is below it."""
        self.account.closed = True
        with _SPAN:
            if error is not None:
                if PLUGIN.recorder is not None and PLUGIN.recorder.content is not None:
                    self.span.record_exception(error)  # its message may quote a prompt or a key
                self.span.set_attribute(names.ERROR_TYPE, type(error).__qualname__)
                self.span.set_status(Status(StatusCode.ERROR, type(error).__qualname__))
            self.span.set_attributes(account_attributes(self.account))
            self.span.end()

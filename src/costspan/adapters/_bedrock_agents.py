"""Bedrock's agents: what models they call is told in their traces only, and knowledge bases tell nothing.

A trace names the model of a step when it is asked, and what it used when it has answered, by the same id; agents that
an agent asks send traces of their own. Source: botocore 1.44 ("usage" is "specific to model invocation"), sdk-usage 4
of 2026-11-21.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

from costspan.adapters._bedrock_hooks import watch_stream
from costspan.adapters._paths import member, members, path, text_of
from costspan.adapters._tally import add_usage
from costspan.adapters._usage import UsageMap

if TYPE_CHECKING:
    from costspan.adapters._watch import Watch
    from costspan.call import Call, Reply, Request

_USAGE = UsageMap(total_input="inputTokens", total_output="outputTokens")
_STEPS = path("trace.trace")
_ASKED, _TOLD = path("modelInvocationInput"), path("modelInvocationOutput")
_UNTOLD = "Bedrock tells what an agent used in its traces only: ask for them by enableTrace=True"
_NEVER_TOLD = "Bedrock does not tell the tokens of an answer from a knowledge base"


def watch_agent(result: Any, watch: Watch) -> None:
    """InvokeAgent: one event after another, text or a step of the trace."""
    watch_stream("completion", result, watch, partial(_step, {}))


def _step(models: dict[str, str], event: Any) -> Any:
    """{model, usage} for a step in which a model has answered, else the event; keeps which model each step asks."""
    for step in (members(_STEPS(event)) or {}).values():
        if (asked := _ASKED(step)) is not None:
            models[text_of(member(asked, "traceId"))] = text_of(member(asked, "foundationModel"))
        if (told := _TOLD(step)) is not None and (usage := path("metadata.usage")(told)) is not None:
            return {"model": models.get(text_of(member(told, "traceId")), ""), "usage": usage}
    return event


def tally_step(call: Call, step: Any) -> None:
    """Each answer of a model is billed at its price; where no trace names it, it is the one that was asked for."""
    usage = _USAGE.read((member(step, "usage"),)).usage
    if usage is not None:
        add_usage(call.reply, text_of(member(step, "model")) or call.request.model, usage)


def read_agent(request: Request, _last: Any, reply: Reply) -> None:
    """Without traces nothing is known."""
    if reply.usage is None:
        request.body, reply.unpriced = {}, _UNTOLD  # the prompt is the agent's: it cannot be counted here


def read_retrieved(request: Request, _last: Any, reply: Reply) -> None:
    """What was retrieved is in the prompt, and nobody says how much that is."""
    request.body, reply.unpriced = {}, _NEVER_TOLD

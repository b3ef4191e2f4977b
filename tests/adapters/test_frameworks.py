"""Frameworks need nothing of their own: one span and one cost for each request that is billed, theirs untouched."""

from __future__ import annotations

import asyncio
from types import SimpleNamespace

import agents
import pytest
from fake_providers import Route, operation
from fake_providers import openai as wire
from langchain_anthropic import ChatAnthropic
from langchain_openai import ChatOpenAI
from pydantic_ai import Agent
from pydantic_ai.capabilities.instrumentation import Instrumentation
from pydantic_ai.models.instrumented import InstrumentationSettings

from costspan.demo.server import events

pytestmark = [pytest.mark.real, pytest.mark.filterwarnings("ignore")]  # the frameworks' own
USAGE = {"input_tokens": 20, "output_tokens": 10, "cache_creation_input_tokens": 0, "cache_read_input_tokens": 0}


def _message(asked):
    head = {"id": "msg_1", "type": "message", "role": "assistant", "model": asked.fields["model"], "usage": USAGE}
    return head | {"content": [{"type": "text", "text": wire.TEXT}], "stop_reason": "end_turn", "stop_sequence": None}


def _steps(asked, payload):
    """What Anthropic streams: the input counts first, the output counts last."""
    started = payload | {"content": [], "stop_reason": None, "usage": USAGE | {"output_tokens": 1}}
    steps = [
        {"type": "message_start", "message": started},
        {"type": "content_block_start", "index": 0, "content_block": {"type": "text", "text": ""}},
        {"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": wire.TEXT}},
        {"type": "content_block_stop", "index": 0},
        {"type": "message_delta", "delta": {"stop_reason": "end_turn", "stop_sequence": None}, "usage": USAGE},
        {"type": "message_stop"},
    ]
    return events(steps, named=True, done=False)


CLAUDE = SimpleNamespace(ROUTES=(Route("POST", "/v1/messages", operation(_message, _steps)()),))
QUESTION = "Tell me about cats."
IN_ONE_LOOP = asyncio.new_event_loop().run_until_complete  # as a program: LangChain and Agents keep their clients


@pytest.fixture
def openai_here(watch, serve, monkeypatch):
    """The fake OpenAI where every framework looks for it, and what costspan saw of it."""
    fake = serve(wire)
    monkeypatch.setenv("OPENAI_BASE_URL", fake.url + "/v1")
    monkeypatch.setenv("OPENAI_API_KEY", "k")
    return SimpleNamespace(fake=fake, seen=watch("openai", hosts={"127.0.0.1": "openai"}))


def each_request_is_one_priced_span(here):
    spans = here.seen.spans
    assert len(here.fake.requests) == len(spans) > 0
    assert all(span.attributes.get("gen_ai.usage.cost.amount") for span in spans)
    assert {span.instrumentation_scope.name for span in spans} == {"costspan"}
    return len(spans)


@pytest.mark.parametrize("how", ["invoke", "ainvoke", "stream", "astream"])
@pytest.mark.parametrize("responses", [False, True])
def test_langchain_openai(openai_here, how, responses):
    model = ChatOpenAI(model="gpt-4o", use_responses_api=responses, stream_usage=True)

    answer = run(model, how)

    assert answer
    assert each_request_is_one_priced_span(openai_here) == 1


@pytest.mark.parametrize("how", ["invoke", "ainvoke", "stream", "astream"])
def test_langchain_anthropic(watch, serve, how):
    fake, seen = serve(CLAUDE), watch("anthropic", hosts={"127.0.0.1": "anthropic"})
    model = ChatAnthropic(model="claude-sonnet-4-6", anthropic_api_url=fake.url, api_key="k")

    run(model, how)

    assert each_request_is_one_priced_span(SimpleNamespace(fake=fake, seen=seen)) == 1


def run(model, how):
    async def later():
        if how == "ainvoke":
            return await model.ainvoke(QUESTION)
        return [chunk async for chunk in model.astream(QUESTION)]

    if how.startswith("a"):
        return IN_ONE_LOOP(later())
    return list(model.stream(QUESTION)) if how == "stream" else model.invoke(QUESTION)


@pytest.mark.parametrize("stream", [False, True])
def test_openai_agents(openai_here, stream):
    """A tool call is a turn of its own; their traces stay theirs."""
    agents.set_tracing_disabled(True)

    @agents.function_tool
    def weather(city: str) -> str:
        """The weather."""
        return f"fine in {city}"

    openai_here.fake.play(wire.response(), wire.response(output=[wire.output_message()]))
    agent = agents.Agent(name="a", model="gpt-4o", tools=[weather])

    async def later():
        ran = agents.Runner.run_streamed(agent, QUESTION)
        return [event async for event in ran.stream_events()]

    if stream:
        IN_ONE_LOOP(later())
    else:
        agents.Runner.run_sync(agent, QUESTION)

    assert each_request_is_one_priced_span(openai_here) == 2


@pytest.mark.parametrize("stream", [False, True])
def test_pydantic_ai(openai_here, stream):
    agent = Agent("openai-chat:gpt-4o")

    async def later():
        async with agent.run_stream(QUESTION) as ran:
            return await ran.get_output()

    answer = IN_ONE_LOOP(later()) if stream else agent.run_sync(QUESTION).output

    assert answer == wire.TEXT
    assert each_request_is_one_priced_span(openai_here) == 1


def test_pydantic_ais_own_span_gets_the_cost(openai_here):
    """It stands for the very call: ours is not made, and its name and counts stay as they were."""
    tracing = openai_here.seen.tracer_provider
    agent = Agent(
        "openai-chat:gpt-4o", capabilities=[Instrumentation(InstrumentationSettings(tracer_provider=tracing))]
    )

    agent.run_sync(QUESTION)

    priced = [span for span in openai_here.seen.spans if "gen_ai.usage.cost.amount" in span.attributes]
    assert [span.name for span in priced] == ["chat gpt-4o"]
    assert priced[0].instrumentation_scope.name == "pydantic-ai"
    assert len(openai_here.seen.spans) == 2  # the agent's run, and its call

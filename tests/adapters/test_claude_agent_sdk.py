"""Claude's Agent SDK with the real Claude Code, which calls a provider of ours: each turn is a call, counted once."""

from __future__ import annotations

import asyncio
import gc
from contextlib import aclosing, nullcontext
from decimal import Decimal
from types import SimpleNamespace

import pytest
from claude_agent_sdk import (
    AgentDefinition,
    AssistantMessage,
    ClaudeAgentOptions,
    ClaudeSDKClient,
    CLIConnectionError,
    ResultMessage,
    query,
)
from fake_providers import Route
from fake_providers import anthropic as wire
from opentelemetry.instrumentation.utils import suppress_instrumentation

import costspan
from costspan.usage import Usage

pytestmark = [pytest.mark.real, pytest.mark.filterwarnings("ignore")]  # the SDK's own
MODEL, SMALL = "claude-sonnet-4-5", "claude-haiku-4-5"
TOLD = {
    "input_tokens": 10,
    "cache_read_input_tokens": 3000,
    "cache_creation_input_tokens": 200,
    "cache_creation": {"ephemeral_5m_input_tokens": 0, "ephemeral_1h_input_tokens": 200},
    "output_tokens": 77,
}
TOOLS = {
    "Bash": {"command": "echo hi", "description": "say hi"},
    "Agent": {"description": "work", "prompt": "use Bash", "subagent_type": "helper", "run_in_background": False},
}
COST = Decimal("0.003285")  # of one answer, as Claude Code says too
SMALL_COST = COST / 3


def used(answers):
    return Usage(
        input=10 * answers,
        cache_read=3000 * answers,
        cache_write_1h=200 * answers,
        output=77 * answers,
        requests=answers,
    )


def answer(asked):
    """The tool that the prompt names is called, until something has come of it; then something is said."""
    told = asked.received.json
    said, offered = str(told["messages"]), [tool["name"] for tool in told.get("tools", [])]
    tool = next((tool for tool in TOOLS if f"use {tool}" in said and tool in offered), None)
    if tool is None or "tool_result" in said:
        return wire.message(usage=TOLD)(asked)
    call = {"type": "tool_use", "id": f"toolu_{asked.number}", "name": tool, "input": TOOLS[tool]}
    return wire.message(usage=TOLD, content=[call], stop_reason="tool_use")(asked)


@pytest.fixture
def agent(watch, serve, tmp_path):
    """What was seen, and a function of more options: those of an agent that asks a provider of ours."""
    fake = serve(SimpleNamespace(ROUTES=(Route("POST", "/v1/messages", answer),)))
    environment = {
        "ANTHROPIC_BASE_URL": fake.url,
        "ANTHROPIC_API_KEY": "k",
        "CLAUDE_CONFIG_DIR": str(tmp_path / "config"),
        "CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC": "1",
        "CLAUDE_CODE_MAX_RETRIES": "0",
        "IS_SANDBOX": "1",
    }
    (tmp_path / "work").mkdir()
    helper = AgentDefinition(description="helps", prompt="You help.", tools=["Bash"], model=SMALL)

    def options(**more):
        given = {"model": MODEL, "allowed_tools": list(TOOLS), "agents": {"helper": helper}, "env": environment}
        return ClaudeAgentOptions(cwd=tmp_path / "work", **given | more)

    return SimpleNamespace(seen=watch("claude_agent_sdk", hosts={"127.0.0.1": "anthropic"}), fake=fake, options=options)


def run(prompt, options):
    """The result of a query."""

    async def ask():
        return [message async for message in query(prompt=prompt, options=options)][-1]

    return asyncio.run(ask())


def talk(options, *connections):
    """A client that connects for each of these lists of prompts, and reads every answer."""

    async def ask():
        client = ClaudeSDKClient(options=options)
        for prompts in connections:
            await client.connect()
            for prompt in prompts:
                await client.query(prompt)
                async for _message in client.receive_response():
                    pass
            await client.disconnect()

    asyncio.run(ask())


def costs(seen):
    return [Decimal(str(span.attributes["gen_ai.usage.cost.amount"])) for span in seen.spans]


def test_a_query_is_a_call_of_all_that_its_models_used(agent):
    result = run("use Bash", agent.options())

    assert isinstance(result, ResultMessage)
    assert agent.seen.usage == used(2)
    assert costs(agent.seen) == [2 * COST] == [Decimal(str(result.total_cost_usd))]
    assert agent.seen.attributes["gen_ai.response.model"] == MODEL
    assert agent.seen.attributes["costspan.context.utilization"] == 3210 / 200_000  # of each answer
    assert agent.seen.attributes["gen_ai.response.finish_reasons"] == ("end_turn",)
    assert costspan.cost_of(result).cost == 2 * COST


def test_what_subagents_use_is_billed_at_the_prices_of_their_models(agent):
    result = run("use Agent", agent.options())

    (part,) = agent.seen.reply.parts
    assert (agent.seen.reply.model, agent.seen.usage) == (MODEL, used(2))
    assert part.model.startswith(SMALL)
    assert part.usage.total_input == 2 * used(1).total_input
    assert costs(agent.seen) == [2 * COST + 2 * SMALL_COST] == [Decimal(str(result.total_cost_usd))]


def test_a_resumed_session_is_not_billed_again_for_what_it_used_before(agent):
    first = run("use Agent", agent.options())

    again = run("Go on.", agent.options(resume=first.session_id))
    run("Go on.", agent.options(resume=first.session_id, fork_session=True))
    run("Go on.", agent.options(continue_conversation=True))

    assert again.total_cost_usd > first.total_cost_usd  # Claude Code goes on with its sum
    assert [call.reply.usage for call in agent.seen.calls[1:]] == [used(1)] * 3
    assert costs(agent.seen)[1:] == [COST] * 3


def test_subagents_in_the_first_turn_of_a_resumed_session_make_it_partial(agent):
    first = run("Hello.", agent.options())

    run("use Agent", agent.options(resume=first.session_id))

    status = [span.attributes["costspan.price.status"] for span in agent.seen.spans]
    assert status == ["priced", "partial"]
    assert "subagents" in agent.seen.spans[1].attributes["costspan.price.reason"]
    assert agent.seen.calls[1].reply.usage == used(2)


def test_every_turn_of_a_client_is_a_call_of_its_own(agent):
    talk(agent.options(), ["use Agent", "Hello.", "/cost"])

    assert [call.reply.usage for call in agent.seen.calls] == [used(2), used(1)]
    assert costs(agent.seen) == [2 * COST + 2 * SMALL_COST, COST]


def test_a_session_that_begins_anew_counts_from_nothing(agent):
    talk(agent.options(), ["Hello.", "Hello.", "/clear", "Hello."], ["Hello."])

    assert [call.reply.usage for call in agent.seen.calls] == [used(1)] * 4


def test_a_turn_that_is_read_by_two_loops_is_one_call(agent):
    async def talk():
        async with ClaudeSDKClient(options=agent.options()) as client:
            await client.query("use Bash")
            async for message in client.receive_messages():
                if isinstance(message, AssistantMessage):
                    break
            async for _message in client.receive_response():
                pass

    asyncio.run(talk())

    assert agent.seen.usage == used(2)


def test_an_interrupted_turn_is_an_error_that_is_billed(agent):
    async def talk():
        async with ClaudeSDKClient(options=agent.options()) as client:
            await client.query("use Bash")
            async for message in client.receive_response():
                if isinstance(message, AssistantMessage):
                    await client.interrupt()
            await client.query("Hello.")
            async for _message in client.receive_response():
                pass

    asyncio.run(talk())

    interrupted, after = agent.seen.calls
    assert interrupted.error in ("error_during_execution", "")  # its answer may have been there already
    assert interrupted.reply.usage.requests + after.reply.usage.requests == len(agent.fake.requests)
    assert sum(costs(agent.seen)) == COST * len(agent.fake.requests)


def test_a_turn_that_a_client_leaves_tells_what_its_answers_began_with(agent):
    async def talk():
        client = ClaudeSDKClient(options=agent.options())
        for prompt, ends in (("use Bash", AssistantMessage), ("Hello.", ResultMessage)):
            await client.connect()
            await client.query(prompt)
            async for message in client.receive_messages():
                if isinstance(message, ends):
                    break
            await client.disconnect()

    asyncio.run(talk())
    gc.collect()

    by_end = sorted(agent.seen.calls, key=lambda call: call.started_ns)
    assert [call.reply.partial for call in by_end] == [True, False]
    assert [call.reply.usage.total_input for call in by_end] == [3210, 3210]
    assert by_end[1].reply.usage == used(1)


def test_a_session_that_is_resumed_by_the_same_client_is_not_billed_again(agent):
    first = run("Hello.", agent.options())

    talk(agent.options(resume=first.session_id, fork_session=True), ["Hello."], ["Hello."])

    assert [call.reply.usage for call in agent.seen.calls] == [used(1)] * 3


def test_what_compacts_a_resumed_session_is_not_known(agent):
    first = run("Hello.", agent.options())

    talk(agent.options(resume=first.session_id), ["/compact"])

    span = agent.seen.spans[1]
    assert agent.seen.calls[1].reply.usage is None
    assert span.attributes["costspan.price.status"] == "unpriced"
    assert "compaction" in span.attributes["costspan.price.reason"]


def test_turns_that_were_not_seen_are_not_billed_with_the_first_that_is(agent):
    async def talk():
        async with ClaudeSDKClient(options=agent.options()) as client:
            for n in range(2):
                await client.query("Hello.")
                with suppress_instrumentation() if n == 0 else nullcontext():
                    async for _message in client.receive_response():
                        pass

    asyncio.run(talk())

    assert agent.seen.usage == used(1)
    assert agent.seen.attributes["costspan.price.status"] == "partial"


def test_a_query_that_is_left_tells_what_its_answers_began_with(agent):
    async def leave():
        async with aclosing(query(prompt="use Bash", options=agent.options())) as messages:
            async for message in messages:
                if isinstance(message, AssistantMessage):
                    break

    asyncio.run(leave())
    gc.collect()

    assert agent.seen.reply.partial
    assert agent.seen.usage.total_input == 3210
    assert agent.seen.attributes["costspan.price.status"] == "partial"
    assert "left" in agent.seen.attributes["costspan.price.reason"]


def test_a_provider_that_refuses_is_a_failed_call(agent):
    agent.fake.play(*[wire.error(400)] * 10)

    with pytest.raises(Exception, match="error result"):
        run("Hello.", agent.options())

    assert agent.seen.call.error == "400"
    assert agent.seen.usage is None


def test_a_spent_budget_refuses_before_anything_is_asked(agent):
    async def connect(prompt, *prompts):
        client = ClaudeSDKClient(options=agent.options())
        try:
            await client.connect(prompt)
            for each in prompts:
                await client.query(each)
        finally:
            await client.disconnect()

    async def stream():
        yield {"type": "user", "message": {"role": "user", "content": "Hello."}}

    for asked in (lambda: connect(None, "Hello."), lambda: connect(stream())):
        with pytest.raises(costspan.BudgetExceededError), costspan.budget(usd=0, on_exceed="raise"):
            asyncio.run(asked())
    for options in (agent.options(), agent.options(model=None)):
        with pytest.raises(costspan.BudgetExceededError), costspan.budget(usd=0, on_exceed="raise"):
            run("Hello.", options)

    assert agent.fake.requests == []
    assert agent.seen.calls == []


def test_a_turn_that_spends_its_budget_is_read_to_its_end(agent):
    with costspan.budget(usd=0.001, on_exceed="raise"):
        assert run("Hello.", agent.options()).result

    assert costs(agent.seen) == [COST]


def test_a_prompt_that_cannot_be_sent_is_no_call(agent):
    with pytest.raises(CLIConnectionError):
        asyncio.run(ClaudeSDKClient(options=agent.options()).query("Hello."))

    assert agent.seen.calls == []


def test_a_provider_that_cannot_be_reached_is_a_failed_call(agent):
    options = agent.options()
    options.env["ANTHROPIC_BASE_URL"] = "http://127.0.0.1:9"

    with pytest.raises(Exception, match="error result"):
        run("Hello.", options)

    assert agent.seen.call.error == "error"


@pytest.mark.parametrize(
    ("switch", "provider", "region"),
    [
        ("CLAUDE_CODE_USE_BEDROCK", "aws.bedrock", "us-east-1"),
        ("CLAUDE_CODE_USE_VERTEX", "gcp.vertex_ai", "us-east5"),
        ("NONE", "anthropic", ""),
    ],
)
def test_a_turn_is_billed_by_the_platform_that_answers(agent, switch, provider, region):
    options, platform = agent.options(), provider.partition(".")[2].partition("_")[0].upper()
    options.env |= {
        switch: "1",
        f"CLAUDE_CODE_SKIP_{platform}_AUTH": "1",
        f"ANTHROPIC_{platform}_BASE_URL": agent.fake.url,
    }
    options.env |= {"AWS_REGION": "us-east-1", "ANTHROPIC_VERTEX_PROJECT_ID": "p", "CLOUD_ML_REGION": "us-east5"}
    agent.fake.play(*[wire.error(400)] * 10)

    with pytest.raises(Exception, match="error result"):
        run("Hello.", options)

    assert agent.seen.attributes["gen_ai.provider.name"] == provider
    assert agent.seen.call.request.geo == region

"""Live sessions of google-genai, over a real websocket: each turn is a call, billed by what it tells."""

from __future__ import annotations

import asyncio
import gc

import pytest
from fake_providers.gemini_live import CALLED, DONE, RESUMED, said, session, usage
from google import genai
from google.genai import errors, types
from websockets.exceptions import ConnectionClosed

import costspan
from costspan.usage import Usage

ENDS = (errors.APIError, ConnectionClosed)  # the newest; the oldest
MODEL = "gemini-3.1-flash-live-preview"


def talk(url, turns, take=None, model=MODEL):
    """Ask so many times, and take each answer as a whole, or so many messages of it."""

    async def ask():
        client = genai.Client(api_key="k", http_options={"base_url": url})
        texts = []
        async with client.aio.live.connect(model=model, config={"response_modalities": ["TEXT"]}) as live:
            for _ in range(turns):
                await live.send_client_content(turns={"role": "user", "parts": [{"text": "Cats?"}]})
                if take is not None:
                    texts += [(await live._receive()).text for _ in range(take)]
                    continue
                texts += [message.text async for message in live.receive()]
        return [text for text in texts if text]

    return asyncio.run(ask())


def test_every_turn_is_a_call_of_its_own_and_its_last_count_holds(watch, monkeypatch):
    seen = watch("google_genai")
    first = [said("Ca"), usage(143, 4), said("ts."), usage(143, 19, sound=15) | DONE]
    second = [RESUMED, said("Dogs."), usage(181, 24, thoughtsTokenCount=6, totalTokenCount=211) | DONE]

    with session(monkeypatch, first, second) as url:
        assert talk(url, 2) == ["Ca", "ts.", "Dogs."]

    assert [call.reply.usage for call in seen.calls] == [
        Usage(input=143, output=4, output_audio=15),
        Usage(input=181, output=24, reasoning=6),
    ]
    assert [span.name for span in seen.spans] == [f"generate_content {MODEL}"] * 2
    assert all(span.attributes["gen_ai.usage.cost.amount"] > 0 for span in seen.spans)
    assert not any(call.reply.partial for call in seen.calls)


@pytest.mark.parametrize(("model", "billed"), [("gemini-live-2.5-flash", 1), (MODEL, 2)])
def test_searches_of_a_turn_are_billed_by_the_prompt_or_by_the_query(watch, monkeypatch, model, billed):
    seen = watch("google_genai")
    grounded = {"serverContent": {"groundingMetadata": {"webSearchQueries": ["cats", "dogs"]}}}

    with session(monkeypatch, [grounded, usage(143, 19) | DONE]) as url:
        talk(url, 1, model=model)

    told = "grounding_metadata" in types.LiveServerContent.model_fields  # the oldest SDK drops it
    assert seen.usage == Usage(input=143, output=19, web_searches=billed * told)


def test_a_turn_that_calls_a_tool_is_billed_by_each_answer_of_the_model(watch, monkeypatch):
    seen = watch("google_genai")
    turn = [CALLED | usage(100, 5), said("Sunny."), usage(120, 8) | DONE]

    with session(monkeypatch, turn) as url:
        talk(url, 1)

    assert [call.reply.usage for call in seen.calls] == [Usage(input=100, output=5), Usage(input=120, output=8)]


def test_usage_that_comes_after_the_end_of_a_turn_is_of_that_turn(watch, monkeypatch):
    seen = watch("google_genai")
    first, second = [said("Cats."), DONE], [usage(143, 19), said("Dogs."), usage(181, 24) | DONE]

    with session(monkeypatch, first, second) as url:
        talk(url, 2)

    assert [call.reply.usage.input for call in seen.calls] == [143, 181]


def test_a_turn_without_usage_is_unpriced_and_says_why(watch, monkeypatch):
    seen = watch("google_genai", count_tokens="missing")

    with session(monkeypatch, [said("Cats."), DONE], [said("Dogs."), DONE]) as url:
        talk(url, 2)

    assert len(seen.spans) == 2
    for span in seen.spans:
        assert span.attributes["costspan.price.status"] == "unpriced"
        assert "told no usage" in span.attributes["costspan.price.reason"]


def test_a_session_that_is_left_within_a_turn_tells_it_as_partial(watch, monkeypatch):
    seen = watch("google_genai")

    with session(monkeypatch, [said("Ca"), usage(143, 4), said("ts.")]) as url:
        talk(url, 1, take=2)

    assert (seen.usage, seen.reply.partial) == (Usage(input=143, output=4), True)


def test_a_connection_that_ends_within_a_turn_is_the_programs_error_and_the_turns(watch, monkeypatch):
    seen = watch("google_genai")

    with session(monkeypatch, [said("Ca"), usage(143, 4)]) as url, pytest.raises(ENDS) as raised:
        talk(url, 1)

    assert (seen.call.error, seen.usage) == (type(raised.value).__name__, Usage(input=143, output=4))


def test_a_session_without_a_word_is_no_call(watch, monkeypatch):
    seen = watch("google_genai")

    with session(monkeypatch) as url:
        talk(url, 0)

    assert seen.spans == ()


def test_a_wait_that_is_cancelled_leaves_the_turn_as_it_is(watch, monkeypatch):
    seen = watch("google_genai")

    async def ask(url):
        client = genai.Client(api_key="k", http_options={"base_url": url})
        async with client.aio.live.connect(model=MODEL) as live:
            with pytest.raises(asyncio.TimeoutError):
                await asyncio.wait_for(live._receive(), 0.05)
            await live.send_client_content(turns={"role": "user", "parts": [{"text": "Cats?"}]})
            return [message async for message in live.receive()]

    with session(monkeypatch, [said("Cats."), usage(143, 19) | DONE]) as url:
        asyncio.run(ask(url))

    assert (seen.usage, seen.call.error) == (Usage(input=143, output=19), "")


def test_a_budget_that_is_spent_refuses_turns_and_what_comes_after_it_is_told(watch, monkeypatch):
    seen = watch("google_genai")
    turn = [said("Cats."), usage(143, 19) | DONE]

    async def ask(url):
        client = genai.Client(api_key="k", http_options={"base_url": url})
        async with client.aio.live.connect(model=MODEL) as live:
            question = {"role": "user", "parts": [{"text": "Cats?"}]}
            with costspan.budget(tokens=100):
                await live.send_client_content(turns=question)
                assert [message.text async for message in live.receive()] == ["Cats.", None]
                await live.send_client_content(turns=question)
                with pytest.raises(costspan.BudgetExceededError):
                    await anext(live.receive())
            assert [message.text async for message in live.receive()] == ["Cats.", None]

    with session(monkeypatch, turn, turn) as url:
        asyncio.run(ask(url))

    assert [call.reply.usage for call in seen.calls] == [Usage(input=143, output=19)] * 2


def test_a_connection_that_is_never_made_is_no_call(watch):
    seen = watch("google_genai")
    client = genai.Client(api_key="k", http_options={"base_url": "https://localhost:9"})

    async def ask():
        client.aio.live.connect(model=MODEL)
        with pytest.raises(OSError, match="onnect"):
            async with client.aio.live.connect(model=MODEL):
                raise AssertionError

    asyncio.run(ask())
    gc.collect()

    assert seen.spans == ()


def test_without_costspan_and_with_it_a_program_gets_the_same(watch, monkeypatch):
    turn = [said("Cats."), CALLED, usage(143, 19) | DONE]
    with session(monkeypatch, turn) as url:
        bare = talk(url, 1)
    watch("google_genai")

    with session(monkeypatch, turn) as url:
        assert talk(url, 1) == bare

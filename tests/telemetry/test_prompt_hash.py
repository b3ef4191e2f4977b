"""The hash of a prompt is the same for the same prompt and key, of nothing else, and never stops a call."""

from __future__ import annotations

import pytest

from costspan.call import Request
from costspan.guard import FAILURES
from costspan.telemetry.prompt_hash import PromptHasher

ASKED = {"model": "gpt-4o", "messages": [{"role": "user", "content": "Where is my parcel?"}], "temperature": 0.1}


class Message:
    """As SDKs have them."""

    def model_dump(self):
        return {"role": "user", "content": "Where is my parcel?"}


def hashed(body=None, *, key="k", model="gpt-4o"):
    request = Request("chat", "openai", model, body=ASKED if body is None else body)
    PromptHasher(key).mark(request)
    return request.prompt_hash


@pytest.mark.parametrize(
    "changes",
    [{}, {"stream": True}, {"user": "u7", "metadata": {"a": 1}}, {"timeout": 3}, {"messages": [Message()]}],
    ids=["again", "streamed", "for another user", "with a timeout", "as an object"],
)
def test_the_same_prompt_has_the_same_hash_however_it_is_sent(changes):
    assert hashed({**ASKED, **changes}) == hashed()


@pytest.mark.parametrize(
    "changes",
    [{"messages": [{"role": "user", "content": "where is my parcel?"}]}, {"temperature": 1.0}, {"tools": [object()]}],
)
def test_whatever_changes_the_answer_changes_the_hash(changes):
    assert hashed({**ASKED, **changes}) != hashed()


def test_another_model_or_key_is_another_hash():
    assert len({hashed(), hashed(model="gpt-4o-mini"), hashed(key="other"), hashed(key="k" * 200)}) == 4


def test_the_hash_is_sixteen_digits_and_nothing_of_the_text():
    assert int(hashed(), 16) < 2**64
    assert len(hashed()) == 16


def test_a_prompt_that_cannot_be_written_down_has_no_hash():
    circle = []
    circle.append(circle)

    assert hashed({"messages": circle}) == ""
    assert FAILURES.counts["hash a prompt", "ValueError"] == 1
    FAILURES.clear()
    assert Request("chat", "openai").prompt_hash == ""


def test_a_span_has_the_hash_only_where_a_key_is_set(telling):
    told = telling(prompt_hash="a secret")
    told.ask()
    told.ask(temperature=0.5)
    told.ask()
    first, other, again = (span.attributes["costspan.prompt_hash"] for span in told.spans)

    assert first == again != other


def test_without_a_key_there_is_no_hash(telling):
    told = telling()
    told.ask()

    assert "costspan.prompt_hash" not in told.spans[0].attributes


def test_an_event_has_it_too(telling):
    told = telling(prompt_hash="a secret", events="always")
    told.ask()
    [(_, attributes)] = told.events

    assert attributes["costspan.prompt_hash"] == told.spans[0].attributes["costspan.prompt_hash"]

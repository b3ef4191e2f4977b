"""Usage that a provider did not report is counted here, marked, and never invented."""

import pytest

from costspan.call import Call, Request, UsageSource
from costspan.tokens.missing import LOOKS, count_missing, estimate_missing, hold, is_missing
from costspan.usage import Usage

QUESTION = [{"role": "user", "content": "What is the capital of France?"}]


class Ear:
    def finished(self, call):
        """The pool's part is played by the test."""


def finished_call(body, text="Paris", model="gpt-4o", operation="chat"):
    call = Call(Request(operation, "openai", model, body=body), Ear())
    call.reply.text = text
    call.finish()
    return call


def test_request_and_what_arrived_are_counted_by_the_models_tokenizer():
    call = finished_call({"messages": QUESTION})
    count_missing(call)
    assert call.reply.usage == Usage(input=14, output=1)
    assert call.reply.source is UsageSource.TOKENIZER


def test_a_model_without_public_tokenizer_gets_an_estimate_that_says_so():
    call = finished_call({"messages": QUESTION}, model="claude-sonnet-4-5")
    count_missing(call)
    assert call.reply.source is UsageSource.HEURISTIC
    assert call.reply.usage.input == pytest.approx(14, abs=1)


def test_the_model_that_answered_decides_over_the_one_asked_for():
    call = finished_call({"messages": QUESTION}, model="my-azure-deployment")
    call.reply.model = "gpt-4o-2024-08-06"
    count_missing(call)
    assert call.reply.source is UsageSource.TOKENIZER


@pytest.mark.parametrize(
    ("model", "text", "reasons"),
    [
        ("gpt-4o", "Let me look.", ("tool_calls",)),
        ("gpt-4o", "", ("stop",)),
        ("gpt-5", "Paris", ("stop",)),
        ("gpt-6-sol", "Paris", ("stop",)),
    ],
    ids=["tools called", "nothing shown", "thoughts hidden", "newer, thoughts hidden"],
)
def test_where_a_model_wrote_more_than_its_text_the_count_is_an_estimate(model, text, reasons):
    call = finished_call({"messages": QUESTION}, text=text, model=model)
    call.reply.finish_reasons = reasons
    count_missing(call)
    assert call.reply.source is UsageSource.HEURISTIC


def test_embeddings_write_nothing_and_count_exactly():
    call = finished_call({"input": "hello world"}, "", "text-embedding-3-small", "embeddings")
    count_missing(call)
    assert call.reply.source is UsageSource.TOKENIZER


def test_a_left_stream_stays_marked_as_partial():
    call = finished_call({"messages": QUESTION}, text="")
    call.reply.partial = True
    count_missing(call)
    assert call.reply.partial
    assert call.reply.usage == Usage(input=14)


def test_completions_and_embeddings_count_bare_text_and_token_ids():
    assert counted({"prompt": "hello world"}, "text_completion", model="davinci-002") == Usage(input=2, output=1)
    assert counted({"input": ["hello world", "API"]}, "embeddings", "", "text-embedding-3-small") == Usage(input=3)
    assert counted({"input": [[1, 2, 3], [4, 5]]}, "embeddings", "", "text-embedding-3-small") == Usage(input=5)


def counted(body, operation, text="Paris", model="gpt-4o"):
    call = finished_call(body, text, model, operation)
    count_missing(call)
    return call.reply.usage


@pytest.mark.parametrize(
    "spoil",
    [
        lambda call: setattr(call.reply, "usage", Usage()),
        lambda call: setattr(call.reply, "free", True),
        lambda call: setattr(call.reply, "cached", True),
        lambda call: setattr(call.reply, "already_billed", True),
        lambda call: setattr(call.request, "operation", "image_generation"),
        lambda call: setattr(call.request, "body", None),
        lambda call: setattr(call.request, "body", {}),
        lambda call: setattr(call.reply, "pending", True),
        lambda call: setattr(call, "error", ValueError("refused")),
        lambda call: call.request.body.update(messages=(each for each in QUESTION)),
    ],
    ids=[
        "reported",
        "free",
        "cached",
        "billed before",
        "images",
        "no body",
        "empty body",
        "pending",
        "error",
        "generator",
    ],
)
def test_nothing_is_missing_where_nothing_can_be_known_or_billed(spoil):
    call = finished_call({"messages": list(QUESTION)})
    assert is_missing(call)
    spoil(call)
    assert not is_missing(call)


def test_a_stream_that_broke_after_its_first_chunk_is_counted():
    call = Call(Request("chat", "openai", "gpt-4o", body={"messages": QUESTION}), Ear())
    call.chunk()
    call.fail(ConnectionError("reset"))
    assert is_missing(call)


def test_a_generator_of_messages_is_never_used_up():
    messages = (each for each in QUESTION)
    call = finished_call({"messages": messages})
    assert not is_missing(call)
    hold(call)
    assert list(messages) == QUESTION


def test_messages_that_the_program_adds_while_we_wait_are_not_counted():
    messages = list(QUESTION)
    call = finished_call({"messages": messages})
    hold(call)
    messages.append({"role": "user", "content": "And of Italy?"})
    count_missing(call)
    assert call.reply.usage.input == 14


def test_a_body_that_is_no_dict_is_held_as_it_is():
    call = finished_call(None)
    hold(call)
    assert call.request.body is None


def test_the_quick_estimate_goes_by_length_and_is_marked():
    call = finished_call({"messages": [{"role": "user", "content": "four" * 100}], "n": 1}, text="12345")
    estimate_missing(call)
    assert call.reply.usage == Usage(input=101, output=2)
    assert call.reply.source is UsageSource.HEURISTIC


def test_the_quick_estimate_of_a_huge_request_looks_at_some_of_it():
    call = finished_call({"messages": [{"role": "user", "content": "x" * 400}] * (LOOKS * 10)})
    estimate_missing(call)
    assert call.reply.usage.input == pytest.approx(101 * LOOKS * 10, rel=0.1)


def test_of_a_stream_that_told_its_input_and_was_left_only_the_answer_is_counted():
    """Anthropic's first event has the input, with what of it was cached, and its last the output."""
    call = finished_call({"messages": QUESTION}, model="claude-sonnet-4-5")
    call.reply.usage, call.reply.partial = Usage(input=19, cache_read=600), True

    assert is_missing(call)
    count_missing(call)

    assert (call.reply.usage, call.reply.source) == (Usage(input=19, cache_read=600, output=1), UsageSource.HEURISTIC)
    assert not is_missing(call)


@pytest.mark.parametrize(("usage", "text"), [(Usage(input=19, output=3), "Paris"), (Usage(input=19), "")])
def test_of_a_left_stream_with_a_count_for_its_text_nothing_is_missing(usage, text):
    call = finished_call({"messages": QUESTION}, text)
    call.reply.usage, call.reply.partial = usage, True

    assert not is_missing(call)

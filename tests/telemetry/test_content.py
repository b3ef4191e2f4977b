"""Prompts and answers leave only where OpenTelemetry's own variable says so."""

import json

import pytest
from fake_providers import MISSING
from fake_providers import openai as wire

from costspan.guard import FAILURES
from costspan.instrumentors import CONTENT_VARIABLE
from costspan.telemetry.messages import answered, asked, instructions

SECRET = "the launch code is 0000"
PROMPT = [{"role": "system", "content": "Be terse."}, {"role": "user", "content": SECRET}]


def contents(attributes):
    names = ("gen_ai.input.messages", "gen_ai.output.messages", "gen_ai.system_instructions")
    return {name: json.loads(attributes[name]) for name in names if name in attributes}


def everything(program):
    program._reader.get_metrics_data()
    metrics = program._reader.get_metrics_data()
    spans = [each.to_json() for each in program.spans]
    logs = [
        each.log_record.to_json() if hasattr(each.log_record, "to_json") else repr(each)
        for each in program._logs.get_finished_logs()
    ]
    return "\n".join([*spans, *logs, metrics.to_json()])


@pytest.mark.parametrize("value", [None, "", "NO_CONTENT", "false", "nonsense"])
def test_nothing_of_a_prompt_or_answer_leaves_unless_asked_for(telling, fake_openai, monkeypatch, value):
    if value is None:
        monkeypatch.delenv(CONTENT_VARIABLE, raising=False)
    else:
        monkeypatch.setenv(CONTENT_VARIABLE, value)
    program = telling(events="always")
    fake_openai.play(wire.chat(), wire.chat(), wire.response(), wire.chat(usage=MISSING), wire.error(400, SECRET))
    create = program.client.chat.completions.create
    create(model="gpt-4o", messages=PROMPT, user="alice")
    list(create(model="gpt-4o", messages=PROMPT, stream=True))
    program.client.responses.create(model="gpt-4o", input=SECRET, instructions=SECRET)
    create(model="gpt-4o", messages=PROMPT)
    with pytest.raises(Exception, match="launch code"):
        create(model="gpt-4o", messages=PROMPT)
    sent = everything(program)
    assert "gpt-4o" in sent
    assert SECRET not in sent
    assert wire.TEXT not in sent
    assert "Be terse" not in sent


@pytest.mark.parametrize(
    ("mode", "on_span", "as_event"),
    [("SPAN_ONLY", True, False), ("EVENT_ONLY", False, True), ("SPAN_AND_EVENT", True, True), ("true", True, True)],
)
def test_the_conventions_modes_say_where_it_goes(telling, monkeypatch, mode, on_span, as_event):
    monkeypatch.setenv(CONTENT_VARIABLE, mode)
    program = telling()
    program.client.chat.completions.create(model="gpt-4o", messages=PROMPT)
    expected = {
        "gen_ai.input.messages": [
            {"role": "system", "parts": [{"type": "text", "content": "Be terse."}]},
            {"role": "user", "parts": [{"type": "text", "content": SECRET}]},
        ],
        "gen_ai.output.messages": [
            {"role": "assistant", "parts": [{"type": "text", "content": wire.TEXT}], "finish_reason": "stop"}
        ],
    }
    assert contents(program.spans[0].attributes) == (expected if on_span else {})
    told = [contents(attributes) for name, attributes in program.events if name.endswith("operation.details")]
    assert told == ([expected] if as_event else [])


def test_a_stream_is_told_as_the_text_that_arrived(telling, monkeypatch):
    monkeypatch.setenv(CONTENT_VARIABLE, "SPAN_ONLY")
    program = telling()
    list(program.ask(stream=True))
    [message] = contents(program.spans[0].attributes)["gen_ai.output.messages"]
    assert message["parts"] == [{"type": "text", "content": wire.TEXT}]


def test_what_a_stream_gives_to_tools_is_told_as_its_text(telling, fake_openai, monkeypatch):
    monkeypatch.setenv(CONTENT_VARIABLE, "SPAN_ONLY")
    program = telling()
    fake_openai.play(wire.chat(choices=wire.choices(wire.MESSAGE | {"content": None, "tool_calls": wire.TOOL_CALLS})))
    list(program.ask(stream=True))
    [message] = contents(program.spans[0].attributes)["gen_ai.output.messages"]
    assert message["parts"] == [{"type": "text", "content": '{"city": "Bern"}{"city": "Rome"}'}]


def test_instructions_are_told_apart(telling, monkeypatch):
    monkeypatch.setenv(CONTENT_VARIABLE, "SPAN_ONLY")
    program = telling()
    program.client.responses.create(model="gpt-4o", input="Hello", instructions="Be terse.")
    told = contents(program.spans[0].attributes)
    assert told["gen_ai.system_instructions"] == [{"type": "text", "content": "Be terse."}]
    assert told["gen_ai.input.messages"] == [{"role": "user", "parts": [{"type": "text", "content": "Hello"}]}]


def test_what_the_program_changes_later_is_told_as_it_was_asked(telling, monkeypatch):
    monkeypatch.setenv(CONTENT_VARIABLE, "SPAN_ONLY")
    program, messages = telling(), [{"role": "user", "content": "first"}]
    stream = program.client.chat.completions.create(model="gpt-4o", messages=messages, stream=True)
    messages[0]["content"] = "second"
    list(stream)
    assert "first" in program.spans[0].attributes["gen_ai.input.messages"]


def test_every_text_goes_through_the_redaction(telling, monkeypatch):
    monkeypatch.setenv(CONTENT_VARIABLE, "SPAN_AND_EVENT")
    program = telling(redact=lambda text: text.replace("0000", "[code]"))
    program.client.chat.completions.create(model="gpt-4o", messages=PROMPT)
    assert SECRET not in everything(program)
    assert "the launch code is [code]" in program.spans[0].attributes["gen_ai.input.messages"]


def test_what_cannot_be_redacted_is_not_told(telling, monkeypatch):
    monkeypatch.setenv(CONTENT_VARIABLE, "SPAN_AND_EVENT")
    FAILURES.clear()

    def broken(_text):
        raise KeyError("x")

    program = telling(redact=broken)
    program.client.chat.completions.create(model="gpt-4o", messages=PROMPT)
    assert contents(program.spans[0].attributes) == {}
    assert SECRET not in everything(program)
    assert ("capture the content of a call", "KeyError") in FAILURES.counts
    FAILURES.clear()


def test_a_model_that_the_redaction_asks_is_not_redacted_itself(telling, monkeypatch, fake_openai):
    """It would ask a model for that, and so on: every call a hundred calls."""
    monkeypatch.setenv(CONTENT_VARIABLE, "SPAN_ONLY")

    def ask(text):
        asked = [{"role": "user", "content": text}]
        program.client.chat.completions.create(model="gpt-4o-mini", messages=asked)
        return "[asked]"

    program = telling(redact=ask)
    program.client.chat.completions.create(model="gpt-4o", messages=PROMPT)
    told = [(each.name, contents(each.attributes) != {}) for each in program.spans]
    asked = len(fake_openai.requests) - 1
    assert 0 < asked < 5
    assert told == [("chat gpt-4o-mini", False)] * asked + [("chat gpt-4o", True)]


def test_a_long_prompt_is_cut_and_stays_json(telling, monkeypatch):
    monkeypatch.setenv(CONTENT_VARIABLE, "SPAN_ONLY")
    program = telling()
    history = [{"role": "user", "content": f"{n} " + "x" * 20_000} for n in range(10)]
    program.client.chat.completions.create(
        model="gpt-4o", messages=[*history, {"role": "user", "content": "y" * 10**6}]
    )
    text = program.spans[0].attributes["gen_ai.input.messages"]
    assert len(text) <= 65_536
    assert json.loads(text)[-1]["parts"][0]["content"].endswith("y… [cut]")


def test_messages_that_can_be_read_only_once_are_sent_whole(telling, monkeypatch, fake_openai):
    monkeypatch.setenv(CONTENT_VARIABLE, "SPAN_ONLY")
    program = telling()
    program.client.chat.completions.create(model="gpt-4o", messages=(each for each in PROMPT))
    assert len(fake_openai.requests[-1].json["messages"]) == 2
    assert asked({"messages": iter(PROMPT)}) == []


TOOL_ASKED = [
    {"role": "assistant", "content": None, "tool_calls": wire.TOOL_CALLS[:1]},
    {"role": "tool", "tool_call_id": "call_1", "content": "21"},
]
ANTHROPIC = [
    {"role": "assistant", "content": [{"type": "tool_use", "id": "t1", "name": "weather", "input": {"city": "Bern"}}]},
    {
        "role": "user",
        "content": [{"type": "tool_result", "tool_use_id": "t1", "content": [{"type": "text", "text": "21"}]}],
    },
]
RESPONSES = [
    {"type": "function_call", "call_id": "c1", "name": "weather", "arguments": "{}"},
    {"type": "function_call_output", "call_id": "c1", "output": "21"},
]


@pytest.mark.parametrize(
    ("given", "parts"),
    [
        (
            TOOL_ASKED,
            [
                {"type": "tool_call", "id": "call_1", "name": "weather", "arguments": '{"city": "Bern"}'},
                {"type": "tool_call_response", "id": "call_1", "response": [{"type": "text", "content": "21"}]},
            ],
        ),
        (
            ANTHROPIC,
            [
                {"type": "tool_call", "id": "t1", "name": "weather", "arguments": {"city": "Bern"}},
                {"type": "tool_call_response", "id": "t1", "response": [{"type": "text", "text": "21"}]},
            ],
        ),
        (
            RESPONSES,
            [
                {"type": "tool_call", "id": "c1", "name": "weather", "arguments": "{}"},
                {"type": "tool_call_response", "id": "c1", "response": "21"},
            ],
        ),
        (
            [
                {
                    "role": "user",
                    "content": [
                        {"type": "image_url", "image_url": {"url": "data:…"}},
                        {"type": "text", "text": "this"},
                    ],
                }
            ],
            [{"type": "image_url"}, {"type": "text", "content": "this"}],
        ),
        ([{"role": "model", "parts": [{"text": "hello"}]}], [{"type": "text", "content": "hello"}]),
        (
            [{"role": "assistant", "content": [{"type": "thinking", "thinking": "hm", "text": "hm"}]}],
            [{"type": "reasoning", "content": "hm"}],
        ),
        (["plain", 7, None], [{"type": "text", "content": "plain"}]),
    ],
)
def test_messages_of_every_family_become_the_conventions_parts(given, parts):
    assert [part for message in asked({"messages": given}) for part in message["parts"]] == parts


@pytest.mark.parametrize(
    "answer",
    [
        {"choices": [{"message": {"role": "assistant", "content": "hello"}}]},
        {"candidates": [{"content": {"role": "model", "parts": [{"text": "hello"}]}}]},
        {"output": {"message": {"role": "assistant", "content": [{"text": "hello"}]}}},
        {"output": [{"type": "message", "role": "assistant", "content": [{"type": "output_text", "text": "hello"}]}]},
        {"role": "assistant", "content": [{"type": "text", "text": "hello"}]},
        {"message": {"role": "assistant", "content": "hello"}},
        None,
    ],
)
def test_answers_of_every_family_become_the_conventions_messages(answer):
    expected = [{"role": "assistant", "parts": [{"type": "text", "content": "hello"}], "finish_reason": "stop"}]
    assert answered(answer, "" if answer else "hello", ("stop",)) == expected


class Block:
    def __init__(self, **fields):
        self.__dict__.update(fields)


def test_results_that_are_objects_are_told_by_their_text_or_their_kind():
    result = {"type": "tool_result", "content": [Block(text="21"), Block(data=b"0"), None, {"n": 1}]}
    [message] = asked({"messages": [{"role": "user", "content": [result]}]})
    assert message["parts"][0]["response"] == ["21", "Block", None, {"n": 1}]


def test_what_says_nothing_is_nothing():
    assert (asked({}), instructions({}), answered(None, "", ())) == ([], [], [])


USED_A_TOOL = [
    {
        "type": "tool_use",
        "id": "t1",
        "name": "find",
        "input": {"name": SECRET, "id": SECRET, "by": [{"role": SECRET}, 7]},
    },
    {"type": "tool_result", "tool_use_id": "t1", "content": [{"type": "text", SECRET: {"type": SECRET}}]},
]


def test_what_a_tool_is_given_and_gives_is_redacted_whatever_it_is_called(telling, monkeypatch):
    monkeypatch.setenv(CONTENT_VARIABLE, "SPAN_ONLY")
    program = telling(redact=lambda text: text.replace(SECRET, "[code]"))
    program.client.chat.completions.create(model="gpt-4o", messages=[{"role": "user", "content": USED_A_TOOL}])
    sent = program.spans[0].attributes["gen_ai.input.messages"]
    assert SECRET not in sent
    [message] = json.loads(sent)
    assert message["parts"] == [
        {
            "type": "tool_call",
            "id": "t1",
            "name": "find",
            "arguments": {"name": "[code]", "id": "[code]", "by": [{"role": "[code]"}, 7]},
        },
        {"type": "tool_call_response", "id": "t1", "response": [{"type": "text", "[code]": {"type": "[code]"}}]},
    ]


@pytest.mark.parametrize(
    "content",
    [[{"type": "text", "text": f"{n} " + "d" * 20_000} for n in range(10)], "\n" * 80_000],
    ids=["many parts", "characters that JSON escapes"],
)
def test_of_a_newest_message_that_does_not_fit_the_beginnings_are_told(telling, monkeypatch, content):
    monkeypatch.setenv(CONTENT_VARIABLE, "SPAN_ONLY")
    program = telling()
    messages = [{"role": "user", "content": "before"}, {"role": "user", "content": content}]
    program.client.chat.completions.create(model="gpt-4o", messages=messages)
    text = program.spans[0].attributes["gen_ai.input.messages"]
    assert len(text) <= 65_536
    parts = json.loads(text)[-1]["parts"]
    assert len(parts) == (10 if isinstance(content, list) else 1)
    assert all(part["content"].endswith("… [cut]") for part in parts)


def test_a_newest_message_of_too_many_parts_is_left_out(telling, monkeypatch):
    monkeypatch.setenv(CONTENT_VARIABLE, "SPAN_ONLY")
    program = telling()
    content = [{"type": "text", "text": "d" * 200} for _ in range(1000)]
    program.client.chat.completions.create(model="gpt-4o", messages=[{"role": "user", "content": content}])
    assert contents(program.spans[0].attributes).keys() == {"gen_ai.output.messages"}


def test_half_a_surrogate_pair_reaches_the_collector_as_its_escape(telling, fake_openai, monkeypatch):
    """A model's answer may be cut within an emoji; no exporter can encode the half."""
    monkeypatch.setenv(CONTENT_VARIABLE, "SPAN_ONLY")
    program = telling()
    fake_openai.play(wire.chat(choices=wire.choices({"role": "assistant", "content": "Zoë \ud83d"})))
    program.ask()
    text = program.spans[0].attributes["gen_ai.output.messages"]
    assert text.encode().decode() == text
    assert json.loads(text)[0]["parts"][0]["content"] == "Zoë \ud83d"

"""Every SDK's arguments are read for what the model sees; framing and tools count as the provider bills them."""

import json
from collections import OrderedDict

import pytest
from pydantic import BaseModel

from costspan import token_counter
from costspan.tokens.counting import ask
from costspan.tokens.families import family_of
from costspan.tokens.reading import HISTORY, NEWEST, ROLES, SYSTEM, TOOL_RESULTS, TOOLS
from costspan.tokens.tokenizers import ENCODINGS
from costspan.tokens.tools import declare_tools

FRANCE = "What is the capital of France?"  # 7 tokens
USER = {"role": "user", "content": FRANCE}
WEATHER = {
    "name": "get_weather",
    "description": "Weather of a place",
    "parameters": {
        "type": "object",
        "properties": {
            "place": {"type": "string", "description": "A city"},
            "unit": {"type": "string", "enum": ["celsius", "fahrenheit"]},
            "days": {"type": ["integer", "null"]},
            "points": {"type": "array", "items": {"type": "object", "properties": {"x": {"type": "integer"}}}},
            "tags": {"type": "array"},
            "either": {"anyOf": [{"type": "string"}, {"type": "number"}]},
            "whatever": {},
            "broken": None,
        },
        "required": ["place"],
    },
}


def count(body, model="gpt-4o", operation="chat"):
    return int(ask(body, model, operation).count())


def texts(body, model="gpt-4o", operation="chat"):
    return ask(body, model, operation).prompt.texts


# Provider-reported prompt tokens of plain chats; more of them: benchmarks/tokens.py
def test_a_known_role_is_one_token_in_every_chat_encoding_and_an_odd_one_as_many_as_it_has():
    assert {ENCODINGS.get(name).count(role) for name in ("o200k_base", "cl100k_base") for role in ROLES} == {1}
    assert token_counter("gpt-4o", messages=[{"role": "grand inquisitor", "content": "hi"}]) == 3 + 3 + 3 + 1


@pytest.mark.parametrize(
    ("model", "body", "reported"),
    [
        ("gpt-4o", {"messages": [USER]}, 14),
        ("gpt-4", {"messages": [USER]}, 14),
        ("gpt-3.5-turbo-0301", {"messages": [USER]}, 15),  # four tokens a message: OpenAI's cookbook
        ("gpt-5", {"messages": [USER]}, 13),
        ("gpt-5.5", {"input": [{"role": "user", "content": "Reply with exactly: pong"}]}, 11),
        ("gpt-4o-mini", {"input": "Say this is a test", "instructions": "You are a helpful assistant."}, 22),
        (
            "gpt-4o-mini",
            {
                "messages": [
                    {"role": "system", "content": "You're a helpful assistant."},
                    {"role": "user", "content": "What's the weather in Seattle and San Francisco today?"},
                ]
            },
            26,
        ),
    ],
)
def test_plain_openai_chats_count_exactly_what_openai_bills(model, body, reported):
    assert count(body, model) == reported
    assert ask(body, model).count().exact


def test_azure_s_name_without_a_version_may_be_framed_as_the_oldest_one_and_is_not_called_exact():
    counted = ask({"messages": [USER]}, "gpt-35-turbo").count()
    assert (int(counted), counted.exact) == (14, False)


def test_a_name_costs_a_token_besides_its_own():
    named = {"messages": [USER | {"name": "Alice"}]}
    assert count(named) == count({"messages": [USER]}) + 2


def test_tools_are_shown_to_openais_models_as_typescript():
    assert declare_tools([{"type": "function", "function": WEATHER}, {"name": "now"}]) == (
        "namespace functions {\n"
        "\n"
        "// Weather of a place\n"
        "type get_weather = (_: {\n"
        "// A city\n"
        "place: string,\n"
        'unit?: "celsius" | "fahrenheit",\n'
        "days?: integer | null,\n"
        "points?: {\nx?: number,\n}[],\n"
        "tags?: any[],\n"
        "either?: string | number,\n"
        "whatever?: any,\n"
        "broken?: any,\n"
        "}) => any;\n"
        "\n"
        "type now = () => any;\n"
        "\n"
        "} // namespace functions"
    )


def test_tools_in_another_provider_s_form_are_shown_alike():
    """As gpt-oss gets them at Bedrock, by Converse."""
    of_bedrock = {"name": WEATHER["name"], "description": WEATHER["description"]}
    of_bedrock["inputSchema"] = {"json": WEATHER["parameters"]}

    for tool in ({"toolSpec": of_bedrock}, {"function_declarations": [WEATHER]}):
        assert declare_tools([tool]) == declare_tools([WEATHER])
    assert count({"messages": [USER], "toolConfig": {"tools": [{"toolSpec": of_bedrock}]}}, "openai.gpt-oss-20b-1:0")


@pytest.mark.parametrize("odd", [{"type": {}}, {"enum": [{(1, 2): 3}]}, {"items": 1, "type": "array"}])
def test_a_schema_that_is_none_still_counts(odd):
    tool = {"name": "f", "parameters": {"properties": {"a": odd}}}

    assert count({"messages": [USER], "tools": [tool]}) > count({"messages": [USER]})


def test_functions_count_as_openai_reports_them():
    location = {"type": "string", "description": "The city and state, e.g. San Francisco, CA"}
    unit = {"type": "string", "enum": ["celsius", "fahrenheit"]}
    function = {
        "name": "get_current_weather",
        "description": "Get the current weather in a given location",
        "parameters": {
            "type": "object",
            "properties": {"location": location, "unit": unit},
            "required": ["location"],
        },
    }
    asked = {"messages": [{"role": "user", "content": "What's the weather like in Boston?"}], "functions": [function]}
    assert count(asked, "gpt-4") == 82


@pytest.mark.parametrize(
    ("model", "reported"), [("gpt-3.5-turbo", 105), ("gpt-4", 105), ("gpt-4o", 101), ("gpt-4o-mini", 101)]
)
def test_the_cookbooks_tools_count_as_the_cookbook_says_openai_reports_them(model, reported):
    location = {"type": "string", "description": "The city and state, e.g. San Francisco, CA"}
    unit = {
        "type": "string",
        "description": "The unit of temperature to return",
        "enum": ["celsius", "fahrenheit"],
    }
    function = {
        "name": "get_current_weather",
        "description": "Get the current weather in a given location",
        "parameters": {
            "type": "object",
            "properties": {"location": location, "unit": unit},
            "required": ["location"],
        },
    }
    told = "You are a helpful assistant that can answer to questions about the weather."
    messages = [
        {"role": "system", "content": told},
        {"role": "user", "content": "What's the weather like in San Francisco?"},
    ]
    assert token_counter(model, messages=messages, tools=[{"type": "function", "function": function}]) == reported


@pytest.mark.parametrize("model", ["claude-sonnet-4-5", "gpt-5", "gemini-2.5-flash"])
def test_tools_whose_framing_is_not_public_make_an_estimate(model):
    assert token_counter(model, messages=[USER], tools=[{"function": WEATHER}]).error >= 0.25


def test_a_providers_own_tool_makes_an_estimate():
    told = token_counter("gpt-4o", messages=[USER], tools=[{"type": "web_search"}])
    assert told.source == "heuristic"
    assert token_counter("gpt-4o", messages=[USER], tools=[{"function": WEATHER}]).exact


def test_a_deep_schema_ends():
    schema = {"type": "object", "properties": {}}
    schema["properties"]["again"] = schema
    arrays = {"type": "array"}
    arrays["items"] = arrays
    unions = {}
    unions["anyOf"] = [unions]
    properties = {"tree": schema, "lists": arrays, "unions": unions}
    asked = {"messages": [USER], "tools": [{"name": "f", "parameters": {"properties": properties}}]}
    assert count(asked) > 20


class Answer(BaseModel):
    rating: int
    joke: str


def test_the_schema_of_a_structured_output_counts():
    schema = {"type": "json_schema", "json_schema": {"name": "Answer", "schema": Answer.model_json_schema()}}
    flat = {"format": {"type": "json_schema", "name": "Answer", "schema": Answer.model_json_schema()}}
    plain = count({"messages": [USER]})
    assert count({"messages": [USER], "response_format": schema}) > plain + 20
    assert count({"messages": [USER], "response_format": Answer}) == count(
        {"messages": [USER], "response_format": schema}
    )
    assert count({"input": [USER], "text": flat}) == count({"messages": [USER], "response_format": schema})
    assert count({"messages": [USER], "response_format": {"type": "json_object"}}) == plain
    assert count({"messages": [USER], "response_format": int}) == plain
    assert count({"messages": [USER], "response_format": {"type": "json_schema"}}) == plain


def parts(body, model="gpt-4o"):
    return {part: int(tokens) for part, tokens in ask(body, model).parts().items() if tokens}


def test_a_conversation_divides_into_its_parts():
    found = parts(
        {
            "messages": [
                {"role": "system", "content": "You are terse."},
                {"role": "user", "content": "Weather in Rome?"},
                {"role": "assistant", "tool_calls": [{"function": {"name": "get_weather", "arguments": "{}"}}]},
                {"role": "tool", "tool_call_id": "c1", "content": "sunny and 30 degrees"},
                USER,
            ],
            "tools": [{"type": "function", "function": WEATHER}],
        }
    )
    assert set(found) == {SYSTEM, TOOLS, TOOL_RESULTS, HISTORY, NEWEST}
    assert found[NEWEST] == 11


@pytest.mark.parametrize(
    "result",
    [
        {"role": "user", "content": [{"type": "tool_result", "tool_use_id": "t", "content": "sunny"}]},
        {"role": "user", "content": [{"toolResult": {"toolUseId": "t", "content": [{"json": {"sky": "sunny"}}]}}]},
        {"type": "function_call_output", "call_id": "c", "output": "sunny"},
        {"role": "user", "parts": [{"functionResponse": {"name": "f", "response": {"sky": "sunny"}}}]},
    ],
    ids=["anthropic", "bedrock", "responses", "gemini"],
)
def test_tool_results_are_told_apart_in_every_shape(result):
    found = parts({"messages": [USER, result]}, "gpt-4o")
    assert found[TOOL_RESULTS] > 0
    assert found[NEWEST] == 11


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ({"system": "Be terse.", "messages": [USER]}, ["Be terse.", FRANCE]),
        ({"system": [{"type": "text", "text": "Be terse."}], "messages": [USER]}, ["Be terse.", FRANCE]),
        ({"contents": FRANCE, "config": {"system_instruction": "Be terse."}}, ["Be terse.", FRANCE]),
        ({"contents": [{"parts": [{"text": FRANCE}]}]}, [FRANCE]),
        ({"messages": [{"role": "user", "content": [{"text": FRANCE}]}], "system": [{"text": "S"}]}, ["S", FRANCE]),
        (
            {"message": FRANCE, "chat_history": [{"role": "USER", "message": "Hi"}], "preamble": "P"},
            ["P", "Hi", FRANCE],
        ),
        ({"prompt": FRANCE}, [FRANCE]),
        ({"inputText": FRANCE}, [FRANCE]),
        ({"body": json.dumps({"messages": [USER]})}, [FRANCE]),
        ({"body": b"not JSON"}, ["not JSON"]),
        (FRANCE, [FRANCE]),
    ],
)
def test_the_texts_of_every_sdks_arguments_are_found(body, expected):
    assert [text for _, text in texts(body, "claude-sonnet-4-5")] == expected


def test_bedrock_and_gemini_declare_tools_in_their_own_places():
    bedrock = {"messages": [USER], "toolConfig": {"tools": [{"toolSpec": {"name": "get_weather"}}]}}
    gemini = {"contents": FRANCE, "config": {"tools": [{"function_declarations": [{"name": "get_weather"}]}]}}
    assert any("get_weather" in text for part, text in texts(bedrock, "nova-pro") if part == TOOLS)
    assert any("get_weather" in text for part, text in texts(gemini, "gemini-2.5-pro") if part == TOOLS)


def test_thinking_adds_what_the_provider_adds():
    asked = {"messages": [USER]}
    model = "claude-sonnet-4-5"
    assert count(asked | {"thinking": {"type": "enabled"}}, model) == count(asked, model) + 28
    assert count(asked | {"thinking": {"type": "disabled"}}, model) == count(asked, model)


def test_thoughts_of_earlier_turns_are_not_input():
    thought = {"role": "assistant", "content": [{"type": "thinking", "thinking": "long " * 100, "signature": "s"}]}
    assert count({"messages": [thought, USER]}, "claude-sonnet-4-5") < 30


def test_a_history_that_only_the_provider_holds_makes_an_estimate():
    assert not ask({"input": FRANCE, "previous_response_id": "resp_1"}, "gpt-4o").count().exact


def test_token_ids_count_as_they_are():
    assert count({"prompt": [1, 2, 3]}, "davinci-002", "text_completion") == 3
    assert count({"input": [[1, 2], [3]]}, "text-embedding-3-small", "embeddings") == 3
    assert count({"input": True}, "text-embedding-3-small", "embeddings") == 0


def test_what_json_cannot_say_is_named():
    block = {"type": "tool_use", "name": "f", "input": {"when": object(), "who": Answer(rating=1, joke="ha")}}
    [(_, text)] = [each for each in texts({"messages": [{"role": "assistant", "content": [block]}]}) if "{" in each[1]]
    assert text == '{"when":"object","who":"Answer"}'


@pytest.mark.parametrize(
    ("model", "family"),
    [
        ("us.anthropic.claude-sonnet-4-5-20250929-v1:0", "claude"),
        ("openrouter/anthropic/claude-opus-5", "claude-4.7"),
        ("claude-haiku-4-5-20251001", "claude"),
        ("claude-sonnet-4@20250514", "claude"),
        ("openrouter/anthropic/claude-opus-4.6", "claude"),
        ("claude-opus-4-7", "claude-4.7"),
        ("models/gemini-2.5-pro", "gemini"),
        ("gpt-35-turbo", "gpt-35"),
        ("gpt-35-turbo-0613", "gpt-4"),
        ("gpt-6-sol", "gpt-next"),
        ("meta.llama3-1-8b-instruct-v1:0", "llama"),
        ("mistralai/Mixtral-8x7B-Instruct-v0.1", "mistral"),
        ("qwen/qwen3-30b", "qwen"),
        ("meta-llama/Llama-4-Scout-17B-16E-Instruct", "llama-4"),
        ("palmyra-x5", "palmyra"),
        ("", "unknown"),
        ("my-own-model", "unknown"),
    ],
)
def test_a_models_family_is_known_by_any_providers_way_of_writing_it(model, family):
    assert family_of(model).name == family


def test_an_answer_given_back_as_the_sdks_own_object_counts_as_its_dict():
    from openai.types.chat import ChatCompletionMessage  # noqa: PLC0415 the shape of a real SDK

    call = {"id": "c1", "type": "function", "function": {"name": "get_weather", "arguments": '{"place":"Rome"}'}}
    told = {"role": "assistant", "content": None, "tool_calls": [call]}
    theirs = ChatCompletionMessage.model_validate(told)
    assert count({"messages": [USER, theirs]}) == count({"messages": [USER, told]})
    assert count({"messages": [USER, theirs]}) > count({"messages": [USER]}) + 8


def test_tools_given_as_objects_count_and_those_that_cannot_be_read_make_an_estimate():
    class Tool:
        def __init__(self):
            self.type, self.function = "function", WEATHER

    exact = token_counter("gpt-4o", messages=[USER], tools=[{"type": "function", "function": WEATHER}])
    assert token_counter("gpt-4o", messages=[USER], tools=[Tool()]) == exact
    assert token_counter("gpt-4o", messages=[USER], tools=[Tool(), print, "web_search"]).source == "heuristic"


def test_kinds_of_dict_and_list_are_read_as_what_they_are():
    class Messages(list):
        pass

    assert count({"messages": Messages([OrderedDict(USER)])}) == count({"messages": [USER]})

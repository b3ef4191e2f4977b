"""The fake says what the real SDK understands, in every shape, and remembers what it was asked."""

from __future__ import annotations

import openai as sdk
import pytest

from fake_providers import MISSING, openai, openai_odd


@pytest.fixture
def client(fake_openai):
    with sdk.OpenAI(base_url=fake_openai.url + "/v1", api_key="k", max_retries=1) as client:
        yield client


ASK = {"model": "gpt-4o", "messages": [{"role": "user", "content": "Tell me about cats."}]}


def test_a_chat_is_answered_by_the_dated_model(client):
    answer = client.chat.completions.create(**ASK)

    assert (answer.model, answer.choices[0].message.content) == ("gpt-4o-2024-08-06", openai.TEXT)
    assert answer.usage.prompt_tokens == 19


def test_what_was_sent_is_remembered(client, fake_openai):
    client.chat.completions.create(**ASK, extra_headers={"X-Team": "search"})

    (received,) = fake_openai.requests
    assert (received.method, received.path, received.query) == ("POST", "/v1/chat/completions", "")
    assert received.json == ASK
    assert received.headers["x-team"] == "search"


@pytest.mark.parametrize("asked", [True, False])
def test_a_stream_reports_usage_only_if_asked(client, asked):
    chunks = list(client.chat.completions.create(**ASK, stream=True, stream_options={"include_usage": asked}))

    assert "".join(chunk.choices[0].delta.content or "" for chunk in chunks if chunk.choices) == openai.TEXT
    assert [chunk.usage.total_tokens for chunk in chunks if chunk.usage] == ([29] if asked else [])


@pytest.mark.parametrize("stream", [True, False])
def test_an_operation_plays_with_changed_fields(client, fake_openai, stream):
    fake_openai.play(openai.chat(usage=openai.CACHED, service_tier=MISSING))

    more = {"stream": True, "stream_options": {"include_usage": True}} if stream else {}
    answer = client.chat.completions.create(**ASK, **more)
    last = list(answer)[-1] if stream else answer

    assert (last.usage, last.service_tier) == (sdk.types.CompletionUsage(**openai.CACHED), None)


def test_tools_are_called_and_their_arguments_streamed_in_parts(client):
    tools = [{"type": "function", "function": {"name": "weather", "parameters": {"type": "object"}}}]
    with client.chat.completions.stream(**ASK, tools=tools) as stream:
        message = stream.get_final_completion().choices[0].message

    assert [call.function.arguments for call in message.tool_calls] == ['{"city": "Bern"}', '{"city": "Rome"}']


@pytest.mark.parametrize(("played", "field"), [(openai.REFUSED, "refusal"), (openai.SPOKEN, "audio")])
def test_a_message_may_be_a_refusal_or_sound(client, fake_openai, played, field):
    fake_openai.play(openai.chat(choices=openai.choices(played, n=2)))

    deltas = [chunk.choices[0].delta for chunk in client.chat.completions.create(**ASK, n=2, stream=True)]

    assert sum(bool(getattr(delta, field, None)) for delta in deltas) >= 2


def test_a_legacy_completion_streams_its_usage(client):
    ask = {"model": "gpt-3.5-turbo-instruct", "prompt": "Cats"}
    chunks = list(client.completions.create(**ask, stream=True, stream_options={"include_usage": True}))

    assert "".join(chunk.choices[0].text for chunk in chunks if chunk.choices) == openai.TEXT
    assert chunks[-1].usage == client.completions.create(**ask).usage


def test_a_response_streams_to_the_same_end(client):
    ask = {"model": "gpt-5", "input": "Cats?", "tools": [{"type": "web_search"}]}
    with client.responses.stream(**ask) as stream:
        final = stream.get_final_response()

    assert final.output_text == client.responses.create(**ask).output_text == openai.TEXT
    assert [item.type for item in final.output] == ["web_search_call"] * 3 + ["message"]
    assert final.usage.input_tokens_details.cached_tokens == 600


@pytest.mark.parametrize("status", ["incomplete", "failed"])
def test_a_response_may_end_badly(client, fake_openai, status):
    fake_openai.play(openai.response(status=status))

    last = list(client.responses.create(model="gpt-5", input="Cats?", stream=True))[-1]

    assert (last.type, last.response.status) == (f"response.{status}", status)


def test_a_response_may_call_a_function(client):
    tool = {"type": "function", "name": "weather", "parameters": {}, "strict": False}
    events = list(client.responses.create(model="gpt-5", input="Weather?", tools=[tool], stream=True))

    assert events[-1].response.output[0].arguments == '{"city": "Bern"}'


def test_a_background_response_is_queued_and_later_retrieved(client):
    queued = client.responses.create(model="gpt-5", input="Cats?", background=True)
    done = client.responses.retrieve(queued.id)

    assert (queued.status, queued.usage) == ("queued", None)
    assert (done.id, done.status, done.usage.total_tokens) == (queued.id, "completed", 1200)


def test_a_conversation_is_compacted_and_counted(client):
    assert client.responses.compact(model="gpt-5", input="Cats").usage.input_tokens == 1000
    assert client.responses.input_tokens.count(model="gpt-5", input="Cats").input_tokens == 42


@pytest.mark.parametrize("more", [{}, {"encoding_format": "float"}])
def test_embeddings_come_as_floats(client, more):
    answer = client.embeddings.create(model="text-embedding-3-small", input=["a", "b"], **more)

    assert [each.embedding for each in answer.data] == [[0.5, -0.25, 0.125]] * 2


def test_only_gpt_images_report_usage(client):
    assert client.images.generate(model="gpt-image-1", prompt="cat").usage.output_tokens == 1056
    assert client.images.generate(model="dall-e-3", prompt="cat", n=1).usage is None
    edit = client.images.edit(model="gpt-image-1", prompt="cat", image=b"png", stream=True)
    assert [event.type for event in edit] == ["image_edit.partial_image", "image_edit.completed"]


def test_speech_is_bytes_and_transcriptions_report_tokens_or_seconds(client):
    assert client.audio.speech.create(model="tts-1", voice="alloy", input="Hi").read().startswith(b"RIFF")
    file = ("a.mp3", b"mp3")
    assert client.audio.transcriptions.create(model="whisper-1", file=file).usage.seconds == 9
    stream = client.audio.transcriptions.create(model="gpt-4o-transcribe", file=file, stream=True)
    assert list(stream)[-1].usage.input_tokens == 14


def test_moderation_batches_and_models_answer(client):
    assert not client.moderations.create(input="Cats").results[0].flagged
    made = client.batches.create(input_file_id="file-1", endpoint="/v1/chat/completions", completion_window="24h")
    assert (made.status, made.usage) == ("validating", None)
    assert client.batches.retrieve(made.id).usage.total_tokens == 1200
    assert [model.id for model in client.models.list()] == ["gpt-4o"]


def test_azure_answers_with_the_model_behind_the_deployment(fake_openai):
    azure = sdk.AzureOpenAI(
        azure_endpoint=fake_openai.url, api_key="k", api_version="2025-01-01", azure_deployment="d1"
    )
    with azure as client:
        assert client.chat.completions.create(**ASK | {"model": "d1"}).model == openai.AZURE_MODEL

    assert fake_openai.requests[0].path == "/openai/deployments/d1/chat/completions"


def test_a_failed_attempt_is_tried_again(client, fake_openai):
    fake_openai.play(openai.error(429, retry_after_ms="1"))

    assert client.chat.completions.create(**ASK).id == f"chatcmpl-{2:029}"
    assert len(fake_openai.requests) == 2


def test_an_unknown_path_is_not_found(client):
    with pytest.raises(sdk.NotFoundError):
        client.get("/v1/nothing", cast_to=object)


def test_clear_starts_again(client, fake_openai):
    fake_openai.play(openai.error(500))
    fake_openai.clear()

    assert client.chat.completions.create(**ASK).id == f"chatcmpl-{1:029}"


def test_a_stream_may_be_cut(client, fake_openai):
    fake_openai.play(openai_odd.STREAM_CHAT["cut in the middle"])
    stream = client.chat.completions.create(**ASK, stream=True)

    assert next(stream).choices[0].delta.content == "Hi"
    with pytest.raises(sdk.APIConnectionError):
        list(stream)

"""What the openai SDK can do, in every shape, and the odd answers it is put through."""

from __future__ import annotations

from itertools import product

from fake_providers import openai, openai_odd
from openai import AsyncStream, Stream
from openai.types.chat import ChatCompletion, ChatCompletionChunk
from pydantic import BaseModel

from conformance.stainless import EVERY_WAY, HELPER, PLAIN_SHAPES, STREAM_SHAPES
from conformance.suite import Group, Operation


class Weather(BaseModel):
    city: str
    degrees: int


QUESTION = {"role": "user", "content": "Tell me about cats."}
FUNCTION = {"type": "function", "function": {"name": "weather", "parameters": {"type": "object", "properties": {}}}}
FILE = ("a.mp3", b"mp3")


def _chat(**more):
    return lambda: {"model": "gpt-4o", "messages": [dict(QUESTION)], **more}


def _generated():
    """The prompt can be walked once: who walks it first takes it from the provider."""
    return {"model": "gpt-4o", "messages": (dict(QUESTION) for _ in range(2)), "stop": (stop for stop in ("a", "b"))}


def _post(**more):
    return lambda: {
        "path": "/chat/completions",
        "body": {"model": "gpt-4o", "messages": [QUESTION], **more},
        "cast_to": ChatCompletionChunk if more else ChatCompletion,
    }


CHAT = Operation("chat", "chat.completions.create", _chat())
USAGE_ASKED = Operation("chat with usage", CHAT.path, _chat(stream_options={"include_usage": True}))
USAGE_DECLINED = Operation("chat without usage", CHAT.path, _chat(stream_options={"include_usage": False}))
RESPONSES = Operation("responses", "responses.create", lambda: {"model": "gpt-5", "input": "Cats?"})
COMPLETIONS = Operation(
    "completions", "completions.create", lambda: {"model": "gpt-3.5-turbo-instruct", "prompt": "Cats"}
)
CHAT_HELPER = Operation("chat helper", "chat.completions.stream", _chat())
RESPONSES_HELPER = Operation("responses helper", "responses.stream", RESPONSES.arguments)

CHATS = (  # the same operation, asked in other ways
    Operation("chat from generators", CHAT.path, _generated),
    Operation("chat with tools", CHAT.path, _chat(tools=[FUNCTION], n=2, user="u-1", metadata={"team": "search"})),
    Operation("chat with headers", CHAT.path, _chat(extra_headers={"X-A": "1"}, extra_query={"q": "1"}, timeout=30)),
    Operation("chat with extra body", CHAT.path, _chat(extra_body={"cache": True}, temperature=None)),
)
PARSERS = (
    Operation("chat parse", "chat.completions.parse", _chat(response_format=Weather)),
    Operation("responses parse", "responses.parse", lambda: RESPONSES.arguments() | {"text_format": Weather}),
)
EMBEDDINGS = Operation(
    "embeddings", "embeddings.create", lambda: {"model": "text-embedding-3-small", "input": ["a", "b"]}
)
PLAIN_ONLY = (
    Operation("compact", "responses.compact", RESPONSES.arguments),
    Operation("retrieve", "responses.retrieve", lambda: {"response_id": "resp_9"}, spans=None),
    Operation("count", "responses.input_tokens.count", RESPONSES.arguments),
    EMBEDDINGS,
    Operation("image variation", "images.create_variation", lambda: {"model": "dall-e-2", "image": b"png"}),
    Operation("translation", "audio.translations.create", lambda: {"model": "whisper-1", "file": FILE}),
    Operation("moderation", "moderations.create", lambda: {"input": "Cats"}),
    Operation("batch", "batches.retrieve", lambda: {"batch_id": "batch_7"}, spans=None),
    Operation("models", "models.list", dict, spans=0),
)
BOTH = (
    RESPONSES,
    COMPLETIONS,
    Operation("web search", "responses.create", lambda: RESPONSES.arguments() | {"tools": [{"type": "web_search"}]}),
    Operation("images", "images.generate", lambda: {"model": "gpt-image-1", "prompt": "cat", "n": 2}),
    Operation("image edit", "images.edit", lambda: {"model": "gpt-image-1", "prompt": "cat", "image": b"png"}),
    Operation("transcription", "audio.transcriptions.create", lambda: {"model": "gpt-4o-transcribe", "file": FILE}),
)
SPEECH = Operation("speech", "audio.speech.create", lambda: {"model": "tts-1", "voice": "alloy", "input": "Hi"})
POST = Operation("post", "post", _post())
POSTED_STREAMS = {
    "sync": Operation(
        "post stream", "post", lambda: _post(stream=True)() | {"stream_cls": Stream[ChatCompletionChunk]}
    ),
    "async": Operation(
        "post stream", "post", lambda: _post(stream=True)() | {"stream_cls": AsyncStream[ChatCompletionChunk]}
    ),
}
CLIENTS = ("sync", "async")


def _groups(operations, shapes, answers=None):
    """Every combination, sync and async; odd answers take turns: sync in one shape, async in the next."""
    for place, (operation, shape) in enumerate(product(operations, shapes)):
        for turn, client in enumerate(CLIENTS):
            if answers is None:
                yield Group(operation, shape, client)
            else:
                mine = list(answers.items())[(place + turn) % 2 :: 2]
                yield Group(operation, shape, client, {name: (answer,) for name, answer in mine})


def _ways(*names):
    return [EVERY_WAY[name] for name in names]


USUAL = [
    *_groups((CHAT, *BOTH), (*PLAIN_SHAPES, *STREAM_SHAPES)),
    *_groups(CHATS, _ways("plain", "raw", "stream", "streaming events")),
    *_groups((USAGE_ASKED, USAGE_DECLINED), STREAM_SHAPES),
    *_groups(PLAIN_ONLY, _ways("plain", "bound early", "raw", "streaming parsed")),
    *_groups((SPEECH, *PARSERS), _ways("plain", "bound early")),
    *_groups((CHAT_HELPER, RESPONSES_HELPER), [HELPER]),
    *_groups((POST,), _ways("plain")),
    *(Group(POSTED_STREAMS[client], EVERY_WAY["stream"], client) for client in CLIENTS),
]
RESPONSE_CHANGES = {
    **{f"usage: {name}": {"usage": usage} for name, usage in openai_odd.ODD_USAGE.items() if "missing" not in name},
    "incomplete": {"status": "incomplete", "incomplete_details": {"reason": "max_output_tokens"}},
    "failed": {"status": "failed", "error": {"code": "server_error", "message": "no"}, "usage": None},
    "output null": {"output": None},
    "output odd": {"output": [None, {"type": "rumour"}, {"type": "message", "content": None}, 3]},
    "ids null": {"id": None, "model": None, "status": None},
    "written to the cache": {"usage": openai.RESPONSE_WRITTEN},
    "tool usage odd": {"tool_usage": {"web_search": "two", "image_gen": None}},
}
ODD_RESPONSES = {
    **{name: openai.response(**changes) for name, changes in RESPONSE_CHANGES.items()},
    **openai_odd.PLAIN_BODIES,
}
EMBEDDED = {name: openai.embeddings(usage=usage) for name, usage in openai_odd.ODD_USAGE.items()}
ODD = [
    *_groups((CHAT,), _ways("plain", "raw", "streaming parsed"), openai_odd.PLAIN_CHAT),
    *_groups((USAGE_ASKED, CHAT), _ways("stream"), openai_odd.STREAM_CHAT),
    *_groups((CHAT,), _ways("raw stream", "streaming lines"), openai_odd.STREAM_LIFE),
    *_groups((CHAT_HELPER,), [HELPER], openai_odd.STREAM_CHAT),
    *_groups((RESPONSES,), _ways("plain"), ODD_RESPONSES),
    *_groups((RESPONSES,), _ways("stream"), openai_odd.STREAM_RESPONSES),
    *_groups((*PARSERS, EMBEDDINGS, *BOTH[-3::2]), _ways("plain"), openai_odd.PLAIN_BODIES),
    *_groups((EMBEDDINGS,), _ways("plain"), EMBEDDED),
    *_groups((CHAT,), _ways("plain", "raw", "stream", "streaming parsed"), openai_odd.ERRORS),
]
RETRIED = [
    Group(
        operation, EVERY_WAY[way], client, {"tried again": (openai.error(429, retry_after_ms="1"),)}, {"max_retries": 1}
    )
    for operation, way, client in product((CHAT, RESPONSES), ("plain", "raw", "stream", "streaming parsed"), CLIENTS)
]
GROUPS = [*USUAL, *ODD, *RETRIED]

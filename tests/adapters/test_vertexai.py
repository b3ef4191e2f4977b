"""Google's older Vertex SDK, over REST: it takes google-genai before 3."""

from __future__ import annotations

import asyncio
from unittest.mock import Mock

import pytest
import vertexai
from fake_providers import gemini as wire
from google.auth.credentials import AnonymousCredentials
from vertexai.generative_models import GenerationConfig, GenerativeModel
from vertexai.language_models import TextEmbeddingModel

from costspan.usage import Usage

pytestmark = pytest.mark.filterwarnings("ignore:.*(deprecated|end of life|_asyncio)")


@pytest.fixture
def fake(serve):
    served = serve(wire)
    vertexai.init(
        project="p",
        location="us-central1",
        api_endpoint=served.url,
        api_transport="rest",
        credentials=AnonymousCredentials(),
    )
    return served


def model(**more):
    return GenerativeModel("gemini-2.5-flash", **more)


def test_every_token_is_in_one_bucket(watch, fake):
    seen = watch("vertexai")
    told = {name: count for name, count in wire.FULL.items() if not name.startswith("toolUse")}  # not in its protobuf
    fake.play(wire.generated(usageMetadata=told | {"totalTokenCount": 1220}))

    model().generate_content("Cats?", generation_config=GenerationConfig(temperature=0.5))

    assert seen.usage == Usage(
        input=200, cache_read=500, input_audio=200, cache_read_audio=100, output=100, output_image=50, reasoning=70
    )
    assert (seen.reply.model, seen.reply.finish_reasons) == ("gemini-2.5-flash-001", ("STOP",))
    attributes = seen.attributes
    assert attributes["gen_ai.request.model"] == "gemini-2.5-flash"
    assert attributes["gen_ai.provider.name"] == "gcp.vertex_ai"
    assert attributes["server.address"] == "us-central1-aiplatform.googleapis.com"


def test_a_stream_merges_what_its_chunks_tell(watch, fake):
    """A count of 0 in protobuf is one that is not there: the last chunk has no prompt details."""
    seen = watch("vertexai")

    chunks = list(model().generate_content("Cats?", stream=True))

    assert len(chunks) > 1
    assert (seen.usage, seen.call.request.stream, seen.reply.partial) == (Usage(input=19, output=10), True, False)


@pytest.mark.filterwarnings("ignore:unclosed", "ignore::pytest.PytestUnraisableExceptionWarning")  # as without us
def test_a_stream_left_early_is_told_once(watch, fake):
    seen = watch("vertexai")

    stream = model().generate_content("Cats?", stream=True)
    next(stream)
    stream.close()

    assert (seen.reply.partial, len(seen.spans)) == (True, 1)


def test_a_chat_is_seen_too(watch, fake):
    seen = watch("vertexai")

    model().start_chat().send_message("Cats?")

    assert seen.usage == Usage(input=19, output=10)


def test_embeddings_tell_the_tokens_of_each_text(watch, fake, monkeypatch):
    seen = watch("vertexai")
    texts = object.__new__(TextEmbeddingModel)
    texts._model_id = "text-embedding-005"
    one = {"embeddings": {"values": [0.5], "statistics": {"token_count": 4, "truncated": False}}}
    monkeypatch.setattr(TextEmbeddingModel, "_prepare_text_embedding_request", Mock(), raising=False)
    texts._endpoint = Mock(predict=Mock(return_value=Mock(predictions=[one, one])))

    texts.get_embeddings(["a", "b"])

    assert (seen.usage, seen.call.request.model) == (Usage(input=8), "text-embedding-005")


def test_a_coroutine_is_a_call_when_it_is_awaited(watch, fake, monkeypatch):
    """REST has no async transport in this SDK: what answers is put in its place."""
    seen = watch("vertexai")
    made = model()
    answer = made.generate_content("Cats?")
    seen.calls.clear()

    class Later:
        async def generate_content(self, request):
            return answer._raw_response

    monkeypatch.setattr(type(made), "_prediction_async_client", Later())
    asyncio.run(made.generate_content_async("Cats?"))

    assert seen.usage == Usage(input=19, output=10)

"""Reads what a finished answer of any supported SDK used: its own object, or the same as a dict."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from costspan.adapters import anthropic, bedrock, cohere, google_genai, litellm, ollama, openai
from costspan.adapters._google import snake
from costspan.adapters._paths import member, path, text_of
from costspan.call import Reply, Request
from costspan.usage import STANDARD

if TYPE_CHECKING:
    from costspan.adapters._adapter import Operation
    from costspan.adapters._paths import Read


class _Shape(NamedTuple):
    """How answers of one API look: a path that only they have, whose API it is (empty: of many), and how to read it."""

    mark: Read
    provider: str
    operation: Operation


def _host(response: Any) -> Any:
    """What LiteLLM keeps beside its answers, where pydantic keeps what is private: who gave them."""
    hidden = response.get(_HIDDEN) if isinstance(response, dict) else getattr(response, _HIDDEN, None)
    return member(hidden, "custom_llm_provider")


_HIDDEN = "_hidden_params"
_PROMPT = path("usage.prompt_tokens")
_SHAPES = (
    _Shape(path("data.0.b64_json|data.0.url"), "", openai.IMAGE),
    _Shape(path("usage.input_token_details|usage.seconds|duration"), "", openai.TRANSCRIPTION),
    _Shape(path("usage_metadata"), "gcp.gemini", google_genai.GENERATE),
    _Shape(path("usage.inputTokens"), "aws.bedrock", bedrock.CONVERSE),
    _Shape(path("data.meta.billed_units|data.usage.billed_units"), "cohere", cohere.CHAT),
    _Shape(path("prompt_eval_count"), "ollama", ollama.CHAT),
    _Shape(lambda response: _PROMPT(response) and _host(response), "", litellm.CHAT),
    _Shape(_PROMPT, "", openai.CHAT),
    _Shape(path("usage.input_tokens_details|output"), "", openai.RESPONSE),
    _Shape(path("usage.input_tokens"), "anthropic", anthropic.MESSAGE),
)


def read_reply(response: Any) -> tuple[str, Reply]:
    """The provider as far as the answer's form tells it (empty: it does not), and what was used.

    The reply's usage is None if the answer tells none, or is of no known form.
    """
    if isinstance(response, dict) and "usageMetadata" in response:
        response = snake(response)  # as the REST API writes it; the SDK has names of its own
    for source in (response, {"data": response}):  # Cohere's adapter sits where answers are inside `data`
        for shape in _SHAPES:
            if shape.mark(source) is not None:
                return _read(source, shape)
    return "", Reply(model=text_of(path("model")(response)))


def _read(response: Any, shape: _Shape) -> tuple[str, Reply]:
    operation, request = shape.operation, Request(shape.operation.name, shape.provider, body={})
    model = operation.read.model
    terms = {name: text_of(read(response)).lower() for name, read in operation.read_terms}
    reply = Reply(model=text_of(model(response)) if model else "", terms=STANDARD._replace(**terms))  # type: ignore[arg-type] # text fields
    assert operation.usage is not None  # noqa: S101 each of the shapes has one
    places = operation.usage.roots, operation.usage.last_roots
    told = ([each for root in roots if (each := root(response)) is not None] for roots in places)
    usages = next(filter(None, told), [])
    reply.usage, reply.clamped, reply.stated_cost = operation.usage.read(usages)
    if operation.hook is not None:
        operation.hook(request, response, reply)
    return text_of(_host(response)) or request.provider, reply

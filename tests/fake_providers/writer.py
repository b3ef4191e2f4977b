"""Writer's wire format: OpenAI's chat at another path, and operations that report no usage (writer-sdk 3.0.0)."""

from __future__ import annotations

from fake_providers import Route, openai, operation
from fake_providers.openai_streams import events, pieces

TEXT = openai.TEXT


def _values(asked, payload):
    return events([{"value": each} for each in pieces(payload["choices"][0]["text"])], done=False)


def _suggested(asked, payload):
    return events([{"delta": {"content": each}} for each in pieces(payload["suggestion"])], done=False)


def _answered(asked, payload):
    return events([{"data": {**payload, "answer": each}} for each in pieces(payload["answer"])], done=False)


def _completion(asked):
    return {"model": asked.fields["model"], "choices": [{"text": TEXT, "log_probs": None}]}


def _question(asked):
    return {"question": asked.fields["question"], "answer": TEXT, "sources": []}


completion = operation(_completion, _values)
application = operation(lambda asked: {"title": "Cats", "suggestion": TEXT}, _suggested)
question = operation(_question, _answered)
data = operation(lambda asked: {"data": TEXT})

ROUTES = (
    Route("POST", "/v1/chat", openai.chat()),
    Route("POST", "/v1/completions", completion()),
    Route("POST", "/v1/applications/[^/]+", application()),
    Route("POST", "/v1/graphs/question", question()),
    Route("POST", "/v1/(translation|vision)", data()),
)

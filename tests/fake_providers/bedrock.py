"""The wire format of Amazon Bedrock's runtime (read from botocore 1.44, 2026-11-22): JSON, and AWS's event streams."""

from __future__ import annotations

import binascii
import json
import struct
from base64 import b64encode
from urllib.parse import unquote

from costspan.demo.server import Answer, reply
from fake_providers import Route
from fake_providers import anthropic as claude

TEXT = "Cats sleep most of the day, and hunt at dawn."
USAGE = {"inputTokens": 19, "outputTokens": 10, "totalTokens": 29}
CACHED = {
    "inputTokens": 400,
    "outputTokens": 200,
    "totalTokens": 1500,
    "cacheReadInputTokens": 600,
    "cacheWriteInputTokens": 300,
    "cacheDetails": [{"ttl": "5m", "inputTokens": 100}, {"ttl": "1h", "inputTokens": 200}],
}
COUNTS = {"x_amzn_bedrock_input_token_count": "19", "x_amzn_bedrock_output_token_count": "10"}


def converse(usage=USAGE, **more):
    message = {"role": "assistant", "content": [{"text": TEXT}]}
    return reply({"output": {"message": message}, "stopReason": "end_turn", "usage": usage, **more})


def converse_stream(usage=USAGE, **more):
    words = [("contentBlockDelta", {"contentBlockIndex": 0, "delta": {"text": word + " "}}) for word in TEXT.split()]
    return stream(
        ("messageStart", {"role": "assistant"}),
        *words,
        ("messageStop", {"stopReason": "end_turn"}),
        ("metadata", {"usage": usage, "metrics": {"latencyMs": 5}, **more}),
    )


def invoked(body, **headers):
    return reply(body, 200, **headers)


def invoked_stream(*payloads):
    chunks = [("chunk", {"bytes": b64encode(json.dumps(each).encode()).decode()}) for each in payloads]
    return stream(*chunks)


def claude_chunks(asked, usage=claude.CACHED):
    """What Anthropic's own API would have streamed, and Bedrock's sums at its end."""
    parts = claude.cut(asked, claude._message(asked) | {"usage": usage}).parts
    events = [json.loads(part.split(b"data: ", 1)[1]) for part in parts]
    events[-1]["amazon-bedrock-invocationMetrics"] = {
        "inputTokenCount": 400,
        "outputTokenCount": 200,
        "cacheReadInputTokenCount": 600,
        "cacheWriteInputTokenCount": 300,
    }
    return events


def stream(*events):
    return Answer(
        tuple(_message(*each) for each in events), content_type="application/vnd.amazon.eventstream", streamed=True
    )


def failed(kind="modelStreamErrorException"):
    """An error told within a stream."""
    return _message(kind, {"message": "The model failed."}, sort="exception")


def _message(kind, payload, sort="event"):
    """One event: lengths, headers and body, each part with its checksum."""
    name = ":event-type" if sort == "event" else ":exception-type"
    named = {name: kind, ":content-type": "application/json", ":message-type": sort}
    headers = b"".join(
        struct.pack("!B", len(key)) + key.encode() + b"\x07" + struct.pack("!H", len(text)) + text.encode()
        for key, text in named.items()
    )
    body = json.dumps(payload).encode()
    prelude = struct.pack("!II", 16 + len(headers) + len(body), len(headers))
    head = prelude + struct.pack("!I", binascii.crc32(prelude)) + headers + body
    return head + struct.pack("!I", binascii.crc32(head))


def model_call(step, usage, model="", part="orchestrationTrace", **more):
    """The two traces of one call of a model by an agent: what it is asked, and what it used."""
    asked = {"traceId": step, "type": "ORCHESTRATION", "text": "{}"} | ({"foundationModel": model} if model else {})
    told = {"traceId": step, "metadata": {"usage": usage, "totalTimeMs": 5}}
    kinds = {"modelInvocationInput": asked}, {"modelInvocationOutput": told}
    return [("trace", {"agentId": "A1", "trace": {part: kind}, **more}) for kind in kinds]


def completion(*traces):
    """What an agent streams."""
    words = [("chunk", {"bytes": b64encode(word.encode()).decode()}) for word in TEXT.split()]
    return stream(*traces, *words)


def profile(*models):
    """An application inference profile, whose id says which regions it reaches: `us-east-1+us-west-2`."""

    def answer(asked):
        regions = unquote(asked.received.path).rpartition("/")[2].partition("-of-")[0].split("+")
        arns = [f"arn:aws:bedrock:{region}::foundation-model/{model}" for region in regions for model in models]
        return reply({"models": [{"modelArn": arn} for arn in arns], "status": "ACTIVE", "type": "APPLICATION"})

    return answer


def error(status, kind="ValidationException"):
    return reply({"message": "The request was refused."}, status, x_amzn_errortype=kind)


ROUTES = (
    Route("POST", "/converse", lambda _asked: converse()),
    Route("POST", "/converse-stream", lambda _asked: converse_stream()),
    Route("POST", "/invoke", lambda asked: invoked(claude._message(asked) | {"usage": claude.CACHED}, **COUNTS)),
    Route("POST", "/invoke-with-response-stream", lambda asked: invoked_stream(*claude_chunks(asked))),
    Route("GET", "/inference-profiles/.*", profile("amazon.nova-lite-v1:0")),
    Route("POST", "/agents/.*", lambda _asked: completion()),
    Route("POST", "/retrieveAndGenerate", lambda _asked: reply({"output": {"text": TEXT}, "sessionId": "s"})),
    Route("POST", "/retrieveAndGenerateStream", lambda _asked: stream(("output", {"text": TEXT}))),
    Route("POST", "/count-tokens", lambda _asked: reply({"inputTokens": 42})),
)

"""Anthropic's SDK with its clients for Bedrock, Vertex and others. Source: anthropic 0.40 to 2.12, read 2026-11-22."""

from __future__ import annotations

from costspan.adapters import _anthropic_hooks as hooks
from costspan.adapters._adapter import Adapter, Operation, Route, Seat
from costspan.adapters._stainless import stainless

MESSAGE = Operation(
    "chat",
    usage=hooks.USAGE,
    model="message.model|model",
    id="message.id|id",
    finish="delta.stop_reason|stop_reason",
    text="delta.text|delta.thinking|delta.partial_json",
    full_text="content.*.text",
    terms={
        "tier": "message.usage.service_tier|usage.service_tier",
        "speed": "message.usage.speed|usage.speed",
        "geo": "message.usage.inference_geo|usage.inference_geo",
    },
    asked={"speed": "speed", "geo": "inference_geo"},
    hook=hooks.read_message,
    parameters={
        "max_tokens": "max_tokens",
        "temperature": "temperature",
        "top_p": "top_p",
        "top_k": "top_k",
        "stop_sequences": "stop_sequences",
    },
    output_type="output_config.format.type|output_format.type",
    attribution={"metadata.user_id": "user"},
)
COMPLETION = Operation("text_completion", finish="stop_reason", text="completion", full_text="completion")
BATCH_RESULTS = Operation("batch", model="", id="", lookup=True, tally=hooks.tally_batch, hook=hooks.read_batch)
HELPERS = (  # module below anthropic.lib.streaming, class
    ("_messages", "MessageStream"),
    ("_messages", "AsyncMessageStream"),
    ("_beta_messages", "BetaMessageStream"),
    ("_beta_messages", "BetaAsyncMessageStream"),
    ("_prompt_caching_beta_messages", "PromptCachingBetaMessageStream"),  # 0.40 only
    ("_prompt_caching_beta_messages", "AsyncPromptCachingBetaMessageStream"),
)

ADAPTER = Adapter(
    provider="anthropic",
    package="anthropic >= 0.40",
    by_host=True,
    clients={"BaseBedrockClient": "aws.bedrock", "BaseVertexClient": "gcp.vertex_ai"},
    native_tracer=hooks.own_tracer,
    routes=(
        Route("POST", "v1/messages", MESSAGE),
        Route("POST", "v1/messages/count_tokens", Operation("count_tokens", free=True)),
        Route("GET", "v1/messages/batches/{id}/results", BATCH_RESULTS),
        Route("POST", "v1/complete", COMPLETION),
    ),
    seats=(
        *stainless("anthropic"),
        Seat("anthropic._decoders.jsonl", "JSONLDecoder.close", closes="_iterator"),
        Seat("anthropic._decoders.jsonl", "AsyncJSONLDecoder.close", closes="_iterator", waits=True),
        *(
            Seat(
                f"anthropic.lib.streaming.{module}",
                f"{name}.close",
                closes="_raw_stream._iterator",
                waits="Async" in name,
            )
            for module, name in HELPERS
        ),
        # before 0.43
        *(
            Seat(f"anthropic.lib.streaming.{module}", f"{name}.__init__", rereads="_raw_stream")
            for module, name in HELPERS
        ),
    ),
)

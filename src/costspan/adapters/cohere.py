"""Cohere's SDK, at its raw clients: one HTTP call each, also for clients made before, and below `embed`'s threads.

Source: cohere 5.16 to 7.3 as installed, read 2026-11-23; billing rule 33 (`billed_units` is what costs, not `tokens`,
which hold the template too).
"""

from __future__ import annotations

from costspan.adapters import _cohere_hooks, _openai_fields
from costspan.adapters._adapter import Adapter, Operation, methods
from costspan.adapters._request import open_keywords
from costspan.adapters._usage import UsageMap

USAGE = UsageMap(
    roots=("data.usage", "data.meta", "delta.usage", "response.meta"),
    extra_input="billed_units.input_tokens|billed_units.text_tokens|tokens.input_tokens",
    input_image="billed_units.image_tokens",
    total_output="billed_units.output_tokens|tokens.output_tokens",
    images="billed_units.images",
    pages="billed_units.pages",
    search_units="billed_units.search_units",
    classifications="billed_units.classifications",
)
PARAMETERS = _openai_fields.PARAMETERS | {"p": "top_p", "k": "top_k", "stop_sequences": "stop_sequences"}
CHAT = Operation(
    "chat",
    usage=USAGE,
    id="data.id|data.generation_id|response.generation_id|id",
    finish="data.finish_reason|delta.finish_reason|finish_reason",
    text="delta.message.content.text|text",
    full_text="data.message.content.*.text|data.text",
    error="delta.error",
    parameters=PARAMETERS,
    output_type="response_format.type",
)
GENERATE = Operation(
    "text_completion",
    usage=USAGE,
    id="data.id|response.id|id",
    text="text",
    full_text="data.generations.*.text",
    parameters=PARAMETERS,
)
SUMMARIZE = Operation("text_completion", usage=USAGE, id="data.id", full_text="data.summary", parameters=PARAMETERS)
EMBED = Operation("embeddings", usage=USAGE, id="data.id", hook=_cohere_hooks.count_pictures_once)
RERANK = Operation("rerank", usage=USAGE, id="data.id")
CLASSIFY = Operation("classify", usage=USAGE, id="data.id")
PARSE = Operation("ocr", usage=USAGE, id="data.id")
TRANSCRIPTION = Operation("speech_to_text", id="", full_text="data.text")  # the answer is the text alone
BATCH = Operation("batch", model="data.batch.model", id="data.batch.id", lookup=True, hook=_cohere_hooks.bill_batch)
EMBED_JOB = Operation(
    "embeddings", usage=USAGE, model="data.model", id="data.job_id", lookup=True, hook=_cohere_hooks.bill_job
)
_POLLED = (
    ("cohere.batches.raw_client:{}RawBatchesClient", {"retrieve": BATCH}),
    ("cohere.embed_jobs.raw_client:{}RawEmbedJobsClient", {"get": EMBED_JOB}),
)
_SPEECH = "cohere.audio.transcriptions.raw_client:"

_V2 = {"chat": CHAT, "embed": EMBED, "rerank": RERANK, "parse": PARSE}
_V1 = {
    "chat": CHAT,
    "embed": EMBED,
    "rerank": RERANK,
    "generate": GENERATE,
    "classify": CLASSIFY,
    "summarize": SUMMARIZE,
}
_V1_STREAMS = {"chat_stream": CHAT, "generate_stream": GENERATE}

ADAPTER = Adapter(
    provider="cohere",
    package="cohere >= 5.16",
    iterator="_data",
    address="_client_wrapper._base_url",
    seats=(
        *methods("cohere.v2.raw_client:RawV2Client", _V2 | {"chat_stream": CHAT}, opener=open_keywords),
        *methods("cohere.v2.raw_client:AsyncRawV2Client", _V2, opener=open_keywords, waits=True),
        *methods("cohere.v2.raw_client:AsyncRawV2Client", {"chat_stream": CHAT}, opener=open_keywords),
        *methods("cohere.raw_base_client:RawBaseCohere", _V1 | _V1_STREAMS, opener=open_keywords),
        *methods("cohere.raw_base_client:AsyncRawBaseCohere", _V1, opener=open_keywords, waits=True),
        *methods("cohere.raw_base_client:AsyncRawBaseCohere", _V1_STREAMS, opener=open_keywords),
        *methods(f"{_SPEECH}RawTranscriptionsClient", {"create": TRANSCRIPTION}, opener=open_keywords),
        *(
            seat
            for where, operations in _POLLED
            for twin in ("", "Async")
            for seat in methods(
                where.format(twin), operations, opener=open_keywords, waits=bool(twin), arguments=("id",)
            )
        ),
        *methods(f"{_SPEECH}AsyncRawTranscriptionsClient", {"create": TRANSCRIPTION}, opener=open_keywords, waits=True),
    ),
)

"""Mistral's SDK. Source: mistralai 1.0 to 3.7 as installed, read 2026-11-22; billing rule 31."""

from __future__ import annotations

from dataclasses import replace

from costspan.adapters import _mistral_batches as batches
from costspan.adapters import _mistral_hooks, openai
from costspan.adapters import _openai_hooks as hooks
from costspan.adapters._adapter import Adapter, Operation, Seat, methods
from costspan.adapters._hearing import hear_lines
from costspan.adapters._mistral_hooks import USAGE
from costspan.adapters._openai_fields import PARAMETERS, RESPONSES_USAGE
from costspan.adapters._request import open_keywords
from costspan.adapters._usage import UsageMap

CHAT = Operation(
    "chat",
    usage=USAGE,
    model="model|data.model",
    id="id|data.id",
    finish="choices.*.finish_reason|data.choices.*.finish_reason",
    text="data.choices.*.delta.content",
    full_text="choices.*.message.content",
    terms={"tier": "usage.service_tier|data.usage.service_tier"},
    parameters=PARAMETERS | {"random_seed": "seed", "top_k": "top_k"},
    output_type="response_format.type",
)
CONVERSATION = replace(
    CHAT,
    model="model|data.model|outputs.-1.model",
    id="conversation_id|data.conversation_id",
    finish="",
    text="data.content",
    full_text="outputs.*.content",
    error="data.code",
)
RESPONSE = replace(
    openai.RESPONSE,
    usage=RESPONSES_USAGE.at("usage", "response.usage", "data.response.usage"),
    model="model|data.response.model",
    id="id|data.response.id",
    text="data.delta",
    terms={"tier": "service_tier|data.response.service_tier"},
)
EMBEDDINGS = Operation("embeddings", usage=USAGE, parameters={"output_dimension": "embeddings.dimension.count"})
OCR = Operation(
    "ocr", usage=UsageMap(roots=("usage_info",), pages="pages_processed"), id="", hook=_mistral_hooks.read_ocr
)
CLASSIFIER = Operation("moderation", usage=USAGE)
TRANSCRIPTION = Operation("speech_to_text", usage=USAGE, model="model|data.model", text="data.text", full_text="text")
SPEECH = Operation("text_to_speech", usage=USAGE, hook=hooks.count_characters)
JOB = Operation("batch", model="", lookup=True, hook=batches.read_job)
RESULTS = Operation(
    "batch", model="", id="", lookup=True, deliver=hear_lines, tally=batches.tally_line, hook=batches.read_results
)

_CLASSES = {
    "chat:Chat": {"complete": CHAT, "stream": CHAT},
    "fim:Fim": {"complete": CHAT, "stream": CHAT},
    "agents:Agents": {"complete": CHAT, "stream": CHAT},
    "conversations:Conversations": dict.fromkeys(
        ("start", "append", "restart", "start_stream", "append_stream", "restart_stream"), CONVERSATION
    ),
    "responses:Responses": {"create": RESPONSE},
    "embeddings:Embeddings": {"create": EMBEDDINGS},
    "ocr:Ocr": {"process": OCR},
    "classifiers:Classifiers": dict.fromkeys(("moderate", "moderate_chat", "classify", "classify_chat"), CLASSIFIER),
    "transcriptions:Transcriptions": {"complete": TRANSCRIPTION, "stream": TRANSCRIPTION},
    "speech:Speech": {"complete": SPEECH},
}
# 1.x had no `client`; Azure and Google Cloud have classes of their own
_PACKAGES = {
    "mistralai.client": {**_CLASSES, "jobs:Jobs": {"get": JOB}, "batch_jobs:BatchJobs": {"get": JOB}},
    "mistralai": {**_CLASSES, "mistral_jobs:MistralJobs": {"get": JOB}},
    "mistralai.azure.client": {"chat:Chat": _CLASSES["chat:Chat"]},
    "mistralai.gcp.client": {"chat:Chat": _CLASSES["chat:Chat"], "fim:Fim": _CLASSES["fim:Fim"]},
}

ADAPTER = Adapter(
    provider="mistral_ai",
    package="mistralai >= 1.0",
    iterator="generator",
    address="sdk_configuration.server_url",
    home="https://api.mistral.ai",
    seats=(
        *(
            seat
            for package, classes in _PACKAGES.items()
            for where, operations in classes.items()
            for seat in methods(f"{package}.{where}", operations, opener=open_keywords, later="{}_async")
        ),
        *(
            seat
            for package in ("mistralai.client", "mistralai")
            for seat in methods(
                f"{package}.files:Files", {"download": RESULTS}, opener=batches.open_results, later="{}_async"
            )
        ),
        *(
            Seat(f"{package}.utils.eventstreaming", f"EventStream{twin}.{close}", closes="generator", waits=bool(twin))
            for package in _PACKAGES
            for twin in ("", "Async")
            for close in ("close", "__exit__" if not twin else "__aexit__")
        ),
    ),
)

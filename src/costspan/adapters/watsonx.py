"""IBM's SDK for watsonx.ai, at the objects behind `ModelInference`: its `generate_text` gives only text.

Source: ibm-watsonx-ai 1.3 to 1.8 as installed, read 2026-11-22.
"""

from __future__ import annotations

from dataclasses import replace

from costspan.adapters import _openai_fields, openai
from costspan.adapters import _watsonx_hooks as hooks
from costspan.adapters._adapter import Adapter, Operation, methods
from costspan.adapters._usage import UsageMap

PARAMETERS = _openai_fields.PARAMETERS | {"max_new_tokens": "max_tokens", "top_k": "top_k", "random_seed": "seed"}
CHAT = replace(
    openai.CHAT,
    model="model_id|model",
    asks_usage=False,
    parameters=PARAMETERS,
    parameters_in="params",
    lazy=True,
)
TEXT = Operation(
    "text_completion",
    usage=hooks.USAGE,
    model="model_id",
    finish="results.*.stop_reason",
    text="results.*.generated_text",
    hook=hooks.read_answers,
    parameters=PARAMETERS,
    parameters_in="params",
    lazy=True,
)
PROMPTS = replace(TEXT, usage=None, full_text=TEXT.text, tally=hooks.tally_prompt)  # one, or a list, or as they come
COUNTED = UsageMap(roots=("",), total_input="input_token_count")
EMBED = Operation("embeddings", usage=COUNTED, model="model_id", id="")
RERANK = Operation("rerank", usage=COUNTED, model="model_id", id="")

_PROMPT = ("prompt", "params", "raw_response")
_OF_A_MODEL = (  # methods, whether they are `async def`, how they are opened, arguments by position
    ({"chat": CHAT, "chat_stream": CHAT}, False, hooks.open_inference, ("messages", "params")),
    ({"achat": CHAT, "achat_stream": CHAT}, True, hooks.open_inference, ("messages", "params")),
    ({"generate": PROMPTS}, False, hooks.open_inference, _PROMPT[:2]),
    ({"generate_text_stream": TEXT}, False, hooks.open_text_stream, _PROMPT),
    ({"_agenerate_single": TEXT, "agenerate_stream": TEXT}, True, hooks.open_inference, _PROMPT[:2]),
)
_OF_EMBEDDINGS = (
    ({"generate": EMBED}, False, hooks.open_inference, ("inputs", "params")),
    ({"agenerate": EMBED}, True, hooks.open_inference, ("inputs", "params")),
)
_OF_RERANK = (({"generate": RERANK}, False, hooks.open_inference, ("query", "inputs", "params")),)
_CLASSES = {
    "inference.fm_model_inference:FMModelInference": _OF_A_MODEL,
    "inference.deployment_model_inference:DeploymentModelInference": _OF_A_MODEL,
    "embeddings.embeddings:Embeddings": _OF_EMBEDDINGS,
    "rerank.rerank:Rerank": _OF_RERANK,
}

ADAPTER = Adapter(
    provider="ibm.watsonx.ai",
    package="ibm-watsonx-ai >= 1.3",
    address="_client.credentials.url",
    seats=tuple(
        seat
        for where, kinds in _CLASSES.items()
        for operations, waits, opener, arguments in kinds
        for seat in methods(
            f"ibm_watsonx_ai.foundation_models.{where}", operations, opener=opener, waits=waits, arguments=arguments
        )
    ),
)

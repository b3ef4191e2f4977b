"""Replicate's SDK: billed by the second of hardware, or by the token. Source: replicate 1.0 as installed, 2026-11-22.

`replicate.run` waits for the answer to its `create`; a prediction that is not done by then is billed when it is.
"""

from __future__ import annotations

from dataclasses import replace

from costspan.adapters._adapter import Adapter, Operation, methods
from costspan.adapters._replicate_hooks import read_again, read_made
from costspan.adapters._request import open_keywords
from costspan.adapters._usage import UsageMap

PREDICTION = Operation(
    "generate_content",
    usage=UsageMap(
        roots=("metrics",),
        total_input="input_token_count",
        total_output="output_token_count",
        compute_s="predict_time",
    ),
    full_text="output.*|output",
    error="error|status=canceled.status",
    hook=read_made,
)
ASKED_FOR = replace(PREDICTION, lookup=True, hook=read_again)
_OPERATIONS = {"create": PREDICTION}
_OF_ALL = _OPERATIONS | {"get": ASKED_FOR, "cancel": ASKED_FOR}

ADAPTER = Adapter(
    provider="replicate",
    package="replicate >= 1.0",
    address="_client._base_url",
    home="https://api.replicate.com",
    seats=(
        *methods("replicate.prediction:Predictions", _OF_ALL, opener=open_keywords, later="async_{}"),
        *methods("replicate.model:ModelsPredictions", _OPERATIONS, opener=open_keywords, later="async_{}"),
        *methods("replicate.deployment:DeploymentsPredictions", _OPERATIONS, opener=open_keywords, later="async_{}"),
    ),
)

"""The settings of counting, which a program may also assign: `costspan.disable_token_counter = True`."""

from __future__ import annotations

import sys
from typing import Any

from costspan.config import tolerant_settings

_SETTINGS = tolerant_settings()  # the environment, as it was when counting began
disable_token_counter = _SETTINGS.disable_token_counter
async_tokenizer_threshold_bytes = _SETTINGS.async_tokenizer_threshold_bytes
tokenizer_threadpool_max_workers = _SETTINGS.tokenizer_threadpool_max_workers
tokenizer_timeout_seconds = _SETTINGS.tokenizer_timeout_seconds
tokenizers = _SETTINGS.tokenizers


def switch(name: str) -> Any:
    """What the program has assigned to `costspan.<name>`; else what the environment says."""
    assigned = vars(sys.modules["costspan"])
    return assigned[name] if name in assigned else globals()[name]

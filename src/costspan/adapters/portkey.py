"""Portkey's SDK, which holds a copy of OpenAI's. Source: portkey-ai 2.3 as installed, read 2026-11-23.

Which provider answers is set at the gateway: COSTSPAN_HOSTS says whose prices apply.
"""

from __future__ import annotations

from dataclasses import replace

from costspan.adapters import openai
from costspan.adapters._adapter import Adapter, methods
from costspan.adapters._portkey_hooks import open_prompt
from costspan.adapters._stainless import stainless

PROMPT = {"create": replace(openai.CHAT, asks_usage=False, request_model="", asked={}, attribution={})}
_PROMPTS = "portkey_ai.api_resources.apis.generation"

ADAPTER = Adapter(
    provider="portkey",
    package="portkey-ai >= 2.0",
    by_host=True,
    seats=(
        *stainless("portkey_ai._vendor.openai"),
        *methods(f"{_PROMPTS}:Completions", PROMPT, opener=open_prompt),
        *methods(f"{_PROMPTS}:AsyncCompletions", PROMPT, opener=open_prompt, waits=True),
    ),
    routes=openai.ROUTES,
)

"""Cerebras' SDK. Source: cerebras-cloud-sdk 1.91 as installed, read 2026-11-22."""

from __future__ import annotations

from costspan.adapters import openai
from costspan.adapters._adapter import Adapter, some
from costspan.adapters._stainless import stainless

ADAPTER = Adapter(
    provider="cerebras",
    package="cerebras-cloud-sdk >= 1.0",
    seats=stainless("cerebras.cloud.sdk"),
    routes=some(openai.ROUTES, "chat/completions", "completions"),
)

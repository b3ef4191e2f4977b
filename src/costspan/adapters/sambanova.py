"""SambaNova's SDK. Source: sambanova 1.13 as installed, read 2026-11-22."""

from __future__ import annotations

from costspan.adapters import openai
from costspan.adapters._adapter import Adapter
from costspan.adapters._stainless import stainless

ADAPTER = Adapter(
    provider="sambanova",
    package="sambanova >= 1.0",
    seats=stainless("sambanova"),
    routes=openai.ROUTES,
)

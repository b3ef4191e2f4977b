"""Portkey's SDK, which holds a copy of OpenAI's. Source: portkey-ai 2.3 as installed, read 2026-11-22.

Which provider answers is set at the gateway: COSTSPAN_HOSTS says whose prices apply.
"""

from __future__ import annotations

from costspan.adapters import openai
from costspan.adapters._adapter import Adapter
from costspan.adapters._stainless import stainless

ADAPTER = Adapter(
    provider="portkey",
    package="portkey-ai >= 2.0",
    by_host=True,
    seats=stainless("portkey_ai._vendor.openai"),
    routes=openai.ROUTES,
)

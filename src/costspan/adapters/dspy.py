"""DSPy's own engine, lm15, at the transport below all its providers. Source: dspy 3.4 as installed, read 2026-11-23.

What passes there are the providers' own wire formats: `dspy.LM(…, engine="litellm")` does not pass there.
"""

from __future__ import annotations

from dataclasses import replace

from costspan.adapters import anthropic, google_genai, openai
from costspan.adapters._adapter import Adapter, Route, Seat, some
from costspan.adapters._dspy_hooks import hear, open_transport

_TRANSPORTS = "dspy._vendor.lm15.transports"

ADAPTER = Adapter(
    provider="openai",
    package="dspy >= 3.4",
    by_host=True,
    iterator="_chunks",
    seats=(
        Seat(f"{_TRANSPORTS}._sync", "StdlibTransport.stream", open=open_transport),
        Seat(f"{_TRANSPORTS}._async", "StdlibAsyncTransport._do_stream", open=open_transport, waits=True),
        Seat(f"{_TRANSPORTS}._types", "TransportResponse.close", closes="_chunks"),
        Seat(f"{_TRANSPORTS}._types", "AsyncTransportResponse.aclose", closes="_chunks", waits=True),
    ),
    routes=tuple(
        replace(route, operation=replace(route.operation, deliver=hear))
        for route in (
            *some(
                openai.ROUTES,
                "chat/completions",
                "completions",
                "responses",
                "images/generations",
                "images/edits",
                "audio/speech",
                "batches/{id}",
            ),
            Route("POST", "messages", anthropic.MESSAGE),
            Route("GET", "messages/batches/{id}/results", anthropic.BATCH_RESULTS),
            # what stands behind a colon is a segment of its own
            Route("POST", "{id}/rawPredict", anthropic.MESSAGE),
            Route("POST", "{id}/streamRawPredict", anthropic.MESSAGE),
            Route("POST", "{id}/generateContent", google_genai.GENERATE),
            Route("POST", "{id}/streamGenerateContent", google_genai.GENERATE),
        )
    ),
)

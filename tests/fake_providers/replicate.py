"""Replicate's wire format (read from replicate 1.0.7, 2026-11-22): a prediction, mostly finished at once."""

from __future__ import annotations

from fake_providers import Route, operation

DONE = {
    "id": "p-1",
    "model": "meta/llama-4",
    "version": "v",
    "status": "succeeded",
    "input": {},
    "output": ["Cats ", "sleep."],
    "logs": "",
    "metrics": {"predict_time": 1.5, "input_token_count": 9, "output_token_count": 4},
    "urls": {},
}
done = operation(lambda _asked: DONE)

RUNNING = {"status": "starting", "output": None, "metrics": None}

ROUTES = (
    Route("POST", "/predictions", done()),
    Route("POST", "/cancel", done(status="canceled")),
    Route("GET", "/predictions/p-1", done()),
)

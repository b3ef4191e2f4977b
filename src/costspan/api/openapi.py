"""The API described for programs (OpenAPI 3.1) and, made from that, for people."""

from __future__ import annotations

import html
from typing import Any

from costspan import __version__
from costspan.ledger.listing import ORDERS
from costspan.ledger.question import NAMES, TIMES

_MONEY = {"type": "string", "description": "USD as exact decimal text", "examples": ["0.004500000001"]}
_COUNT = {"type": "integer", "minimum": 0}
_TEXT = {"type": "string"}


def _query(name: str, what: str, example: str = "", **schema: Any) -> dict[str, Any]:
    parameter: dict[str, Any] = {
        "name": name,
        "in": "query",
        "description": what,
        "schema": {"type": "string"} | schema,
    }
    return parameter | ({"example": example} if example else {})


_PERIOD = [
    _query("since", "Start: 30d, 24h, today, month, a date, a time, or all", "7d", default="30d"),
    _query("until", "End, not included; as since", "2026-11-22"),
    _query("tz", "Time zone of days, weeks and months", "Europe/Berlin", default="UTC"),
]
_FILTERS = [
    _query(name, f"Only calls of this {name}; several times for any of them, * for any text, `{name}!` for none", "")
    for name in NAMES
]
_BY = _query(
    "group_by", f"Names separated by commas: {', '.join((*TIMES, *NAMES))}, tag.NAME (at most one time)", "day,model"
)


def _object(**properties: Any) -> dict[str, Any]:
    return {"type": "object", "properties": properties}


_ROW = _object(
    calls=_COUNT, tokens=_COUNT, input_tokens=_COUNT, cache_read_tokens=_COUNT, cache_write_tokens=_COUNT,
    output_tokens=_COUNT, reasoning_tokens=_COUNT, cost=_MONEY, share={"type": "number"},
    costs=_object(input=_MONEY, cache_read=_MONEY, cache_write=_MONEY, output=_MONEY, other=_MONEY), discount=_MONEY,
    max_cost=_MONEY, unpriced_calls=_COUNT, failed_calls=_COUNT, estimated_calls=_COUNT,
    average_seconds={"type": "number"},
)  # fmt: skip
_GROUP = _TEXT | {"description": "a name of group_by"}
_CALL = _object(
    start={"type": "string", "format": "date-time"}, trace_id=_TEXT, span_id=_TEXT, duration_ms=_COUNT,
    **dict.fromkeys(NAMES, _TEXT), tags={"type": "object"}, session=_TEXT, reason=_TEXT, tier=_TEXT,
    input_tokens=_COUNT, cache_read_tokens=_COUNT, cache_write_tokens=_COUNT, output_tokens=_COUNT,
    reasoning_tokens=_COUNT, usage={"type": "object"}, cost=_MONEY | {"type": ["string", "null"]},
    costs={"type": "object"}, discount=_MONEY,
)  # fmt: skip
_SPAN = _object(
    span_id=_TEXT, parent_id=_TEXT, name=_TEXT, service=_TEXT, depth=_COUNT, offset_us=_COUNT, duration_us=_COUNT,
    failed={"type": "boolean"}, subtree_cost=_MONEY, call=_CALL | {"type": ["object", "null"]},
)  # fmt: skip
_MONTH = _object(start=_TEXT, end=_TEXT, cost=_MONEY, calls=_COUNT, unpriced_calls=_COUNT, forecast=_MONEY)
_REPORT = _object(
    since={"type": ["string", "null"]}, until={"type": ["string", "null"]}, group_by={"type": "array"},
    currency=_TEXT, rows={"type": "array", "items": _ROW | {"additionalProperties": _GROUP}}, total=_ROW,
)  # fmt: skip
_CACHE = _object(read_tokens=_COUNT, write_tokens=_COUNT, saved=_MONEY, write_premium=_MONEY)
_SURE = _object(
    calls=_COUNT, estimated_calls=_COUNT, unpriced_calls=_COUNT, reported_share={"type": "number"},
    priced_share={"type": "number"},
)  # fmt: skip
_SUMMARY = _object(
    now=_TEXT, first_day={"type": ["string", "null"]}, currency=_TEXT,
    today=_ROW, month=_MONTH, last_hour=_ROW, same_hour_last_week=_ROW, period=_REPORT,
    previous=_REPORT, cache=_CACHE, sure=_SURE,
)  # fmt: skip
_LIMIT = _query("limit", "How many, at most 1000", "50", default="50")
_ORDER = _query("order", "Which first", "dearest", enum=list(ORDERS), default="latest")
_TRACE = {"name": "trace_id", "in": "path", "required": True, "schema": {"type": "string"}}

_PROVIDER = _query("provider", "Only at this provider", "openai")
_PRICE = _object(
    provider=_TEXT, model=_TEXT, currency=_TEXT, prices={"type": "object"},
    max_input_tokens={"type": ["integer", "null"]},
    max_output_tokens={"type": ["integer", "null"]}, since={"type": ["string", "null"]}, source=_TEXT,
)  # fmt: skip
_ADVICE = _object(kind=_TEXT, usd=_MONEY, sure=_TEXT, basis=_TEXT, calls=_COUNT, where={"type": "object"})
_RETRY = _object(
    provider=_TEXT, model=_TEXT, error=_TEXT, calls=_COUNT, cost=_MONEY, again_cost=_MONEY, succeeded=_COUNT
)  # fmt: skip
_BUDGET = _object(
    name=_TEXT, unit=_TEXT | {"enum": ["USD", "tokens"]}, per=_TEXT | {"enum": ["day", "month"]},
    who={"type": "object"}, limit=_TEXT, spent=_TEXT, left=_TEXT, used={"type": "number"},
)  # fmt: skip

# path: (what it answers, its parameters, the answer's form)
ENDPOINTS: dict[str, tuple[str, list[dict[str, Any]], dict[str, Any]]] = {
    "/api/usage": (
        "Tokens and cost by day, model, team, user …, and the total",
        [_BY, *_PERIOD, _query("top", "Only so many rows; the total is of all"), *_FILTERS],
        _REPORT,
    ),
    "/api/summary": (
        "Today, this month and its forecast, the last hour, the period and the one before, how sure, what caches saved",
        [*_PERIOD, *_FILTERS],
        _SUMMARY,
    ),
    "/api/calls": (
        "Single calls, the latest or the dearest first",
        [_ORDER, _LIMIT, *_PERIOD, *_FILTERS],
        _object(order=_TEXT, calls={"type": "array", "items": _CALL}),
    ),
    "/api/prices": (
        "Prices and limits of every model that a price list knows",
        [_query("search", "Only ids with this text", "gpt-4o"), _PROVIDER],
        _object(list_date=_TEXT, models={"type": "array", "items": _PRICE}),
    ),
    "/api/prices/{model}": (
        "Prices and limits of one model, at each provider that sells it",
        [{"name": "model", "in": "path", "required": True, "schema": {"type": "string"}}, _PROVIDER],
        _object(list_date=_TEXT, models={"type": "array", "items": _PRICE}),
    ),
    "/api/advice": (
        "What could have been saved, and how sure that is",
        [
            _query("what_if", "Compare with this model of a price list, and not with those in use already"),
            *_PERIOD,
            *_FILTERS,
        ],
        _object(advice={"type": "array", "items": _ADVICE}),
    ),
    "/api/retries": (
        "Failed calls that the program tried again within a minute, in the same trace, among the latest ones",
        [*_PERIOD, *_FILTERS],
        _object(looked_at=_COUNT, retries={"type": "array", "items": _RETRY}),
    ),
    "/api/budgets": (
        "What is left of each budget of COSTSPAN_BUDGETS in its current day or month; `problem` if it cannot be read",
        [],
        _object(budgets={"type": "array", "items": _BUDGET}, problem=_TEXT),
    ),
    "/api/traces/{trace_id}": (
        "A trace as a waterfall with the cost of each span and of what is below it",
        [_TRACE],
        _object(trace_id=_TEXT, start=_TEXT, cost=_MONEY, calls=_COUNT, spans={"type": "array", "items": _SPAN}),
    ),
}


def document() -> dict[str, Any]:
    """The OpenAPI document."""
    return {
        "openapi": "3.1.0",
        "info": {"title": "costspan", "version": __version__, "description": "Spend on LLM calls, from the ledger."},
        "paths": {path: {"get": _operation(path, *endpoint)} for path, endpoint in ENDPOINTS.items()},
    }


def _operation(path: str, what: str, parameters: list[dict[str, Any]], schema: dict[str, Any]) -> dict[str, Any]:
    failures = {"400": "The question cannot be asked; `error` says why"}
    if "{" in path:
        failures["404"] = "Nothing of that name"
    if not path.startswith("/api/prices"):
        failures["503"] = "The ledger cannot answer; `error` says why"
    error = {"content": {"application/json": {"schema": _object(error=_TEXT)}}}
    return {
        "summary": what,
        "parameters": parameters,
        "responses": {
            "200": {"description": what, "content": {"application/json": {"schema": schema}}},
        }
        | {status: {"description": said} | error for status, said in failures.items()},
    }


def _page() -> str:
    """The same for people, as one page without anything from elsewhere."""
    parts = [f"<h2><code>GET {path}</code></h2><p>{html.escape(what)}</p>{_table(parameters)}"
             for path, (what, parameters, _) in ENDPOINTS.items()]  # fmt: skip
    style = (
        ":root{color-scheme:light dark}body{font:15px/1.5 system-ui,sans-serif;max-width:60rem;margin:2rem auto}"
        "td{padding:.15rem 1rem .15rem 0;vertical-align:top}h2{margin-top:2.5rem;font-size:1.1rem}"
    )
    return (
        f"<!doctype html><html lang=en><meta charset=utf-8><title>costspan API</title><style>{style}</style>"
        "<h1>costspan API</h1><p>JSON over HTTP. Money is exact decimal text in USD. For programs: "
        f"<a href=/api/openapi.json>openapi.json</a>.</p>{''.join(parts)}</html>"
    )


def _table(parameters: list[dict[str, Any]]) -> str:
    rows = (
        f"<tr><td><code>{html.escape(each['name'])}</code><td>{html.escape(each.get('description', ''))}"
        for each in parameters
    )
    return f"<table>{''.join(rows)}</table>"


PAGE = _page()

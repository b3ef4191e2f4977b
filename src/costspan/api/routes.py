"""The endpoints. Each opens the ledger for itself, on a worker thread, so that none holds up another."""

from __future__ import annotations

import binascii
import json
from datetime import datetime, timezone
from functools import partial
from typing import TYPE_CHECKING, Any

from starlette.concurrency import run_in_threadpool
from starlette.responses import Response
from starlette.routing import Route

from costspan.api.asking import QUESTION_SECONDS, question_of, whole
from costspan.api.exposition import CONTENT_TYPE, exposition
from costspan.api.openapi import PAGE, document
from costspan.api.prices import every_price, list_date, prices_of
from costspan.api.shapes import call_json, summary_json, trace_json
from costspan.config import SettingError, tolerant_settings
from costspan.ledger.book import open_ledger
from costspan.ledger.listing import ORDERS
from costspan.ledger.question import QuestionError
from costspan.ledger.schema import LedgerError
from costspan.limits import read_quotas
from costspan.pricing.lookup import own_pricer, unknown_model
from costspan.reports.advise import advise
from costspan.reports.attempts import LOOKED_AT, tried_again
from costspan.reports.budgets import read_budgets
from costspan.reports.summary import read_summary
from costspan.reports.usage import read_usage

if TYPE_CHECKING:
    from collections.abc import Callable

    from starlette.requests import Request

    from costspan.ledger.book import Book

_MOST_CALLS = 1000
_MOST_ROWS = 100_000


class NotFoundError(LookupError):
    """Nothing of that name."""


def routes(ledger: str) -> list[Route]:
    """Everything under /api, and /metrics for Prometheus, over the ledger of that path or URL."""
    answers: dict[str, Callable[[str, Request], Any]] = {
        "/api/usage": usage,
        "/api/summary": summary,
        "/api/calls": calls,
        "/api/traces/{trace_id}": trace,
        "/api/prices": prices,
        "/api/prices/{model:path}": price,
        "/api/advice": advice,
        "/api/retries": retries,
        "/api/budgets": budgets,
    }
    paths = [Route(path, _endpoint(partial(answer, ledger))) for path, answer in answers.items()]
    paths.append(Route("/api/openapi.json", _endpoint(lambda _: document())))

    async def metrics(_: Request) -> Response:
        return await run_in_threadpool(_metrics, ledger)

    return [*paths, Route("/api", _page), Route("/metrics", metrics)]


def _endpoint(answer: Callable[[Request], Any]) -> Callable[[Request], Any]:
    async def endpoint(request: Request) -> Response:
        return await run_in_threadpool(_answer, answer, request)

    return endpoint


def _answer(answer: Callable[[Request], Any], request: Request) -> Response:
    try:
        status, content = 200, answer(request)
    except QuestionError as error:
        status, content = 400, {"error": str(error)}
    except NotFoundError as error:
        status, content = 404, {"error": str(error)}
    except LedgerError as error:
        status, content = 503, {"error": str(error)}
    body = json.dumps(content, ensure_ascii=False, separators=(",", ":"))
    return Response(body, status, {"cache-control": "no-store"}, "application/json")


def _metrics(ledger: str) -> Response:
    try:
        return Response(exposition(ledger, datetime.now(timezone.utc)), headers={"content-type": CONTENT_TYPE})
    except LedgerError as error:
        return Response(str(error), 503, media_type="text/plain")


def _page(_: Request) -> Response:
    return Response(PAGE, media_type="text/html")


def _open(ledger: str) -> Book:
    return open_ledger(ledger, QUESTION_SECONDS)


def usage(ledger: str, request: Request) -> dict[str, Any]:
    """Usage and cost by what `group_by` names, over the period and filters of the query string."""
    query = request.query_params
    with _open(ledger) as book:
        return read_usage(book, question_of(query)).as_dict(whole(query, "top", _MOST_ROWS, _MOST_ROWS))


def summary(ledger: str, request: Request) -> dict[str, Any]:
    """Today, the month, the last hour, the period and the one before, how sure it is, what the cache saved."""
    with _open(ledger) as book:
        return summary_json(read_summary(book, question_of(request.query_params), datetime.now(timezone.utc)))


def calls(ledger: str, request: Request) -> dict[str, Any]:
    """Single calls, the latest or the dearest first."""
    query = request.query_params
    order = query.get("order", "latest")
    if order not in ORDERS:
        raise QuestionError(f"order must be {' or '.join(ORDERS)}, not {order!r}")
    with _open(ledger) as book:
        listed = book.list_calls(question_of(query), order, whole(query, "limit", 50, _MOST_CALLS))
    return {"order": order, "calls": [call_json(call) for call in listed]}


def trace(ledger: str, request: Request) -> dict[str, Any]:
    """A trace with a call in it, as a waterfall with the cost of each span."""
    asked = request.path_params["trace_id"].lower()
    try:
        trace_id = binascii.unhexlify(asked)
    except (binascii.Error, ValueError) as error:
        raise QuestionError("a trace id is 32 hexadecimal digits") from error
    with _open(ledger) as book:
        spans = book.read_trace(trace_id)
    if not spans:
        raise NotFoundError("no call of that trace is in the ledger")
    return trace_json(asked, spans)


def prices(_: str, request: Request) -> dict[str, Any]:
    """Prices and limits of every model, or of those with `search` in their id."""
    query = request.query_params
    return {"list_date": list_date(), "models": every_price(query.get("search", ""), query.get("provider", ""))}


def price(_: str, request: Request) -> dict[str, Any]:
    """Prices and limits of one model, at each provider that sells it."""
    name = request.path_params["model"]
    found = prices_of(name, request.query_params.get("provider", ""))
    if not found:
        raise NotFoundError(f"no price list knows the model {name!r}")
    return {"list_date": list_date(), "models": found}


def advice(ledger: str, request: Request) -> dict[str, Any]:
    """What could be saved, and how sure that is."""
    query = request.query_params
    what_if = query.get("what_if", "")
    if what_if and not own_pricer().resolver.knows(what_if):
        raise QuestionError(f"what_if: {unknown_model(what_if)}")
    with _open(ledger) as book:
        lines = advise(book, question_of(query), what_if)
    return {"advice": [line.as_dict() for line in lines]}


def retries(ledger: str, request: Request) -> dict[str, Any]:
    """Failed calls that the program tried again, among the latest."""
    with _open(ledger) as book:
        calls = book.list_calls(question_of(request.query_params), "latest", LOOKED_AT)
    return {"looked_at": len(calls), "retries": [row.as_dict() for row in tried_again(calls)]}


def budgets(ledger: str, _: Request) -> dict[str, Any]:
    """What is left of each budget; the file is read anew, so that a change shows."""
    try:
        quotas, problem = read_quotas(tolerant_settings().budgets), ""
    except SettingError as error:
        quotas, problem = (), str(error)
    with _open(ledger) as book:
        states = read_budgets(book, quotas, datetime.now(timezone.utc))
    return {"budgets": [state.as_dict() for state in states], "problem": problem}

"""What the API's objects look like. Money is decimal text in USD: JSON numbers would round it."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

from costspan.ledger.money import usd_of_pico
from costspan.reports.usage import text

if TYPE_CHECKING:
    from costspan.ledger.listing import ListedCall, TraceSpan
    from costspan.reports.summary import Summary
    from costspan.reports.usage import UsageRow


_MICROSECOND = timedelta(microseconds=1)


def money(pico: int | None) -> str | None:
    """Decimal text in USD; None if it is not known."""
    return None if pico is None else text(usd_of_pico(pico))


def call_json(call: ListedCall) -> dict[str, Any]:
    """A call; `cost` null is not known, which is not 0."""
    tokens = call.tokens
    return {
        "start": call.start.isoformat(),
        "trace_id": call.trace_id,
        "span_id": call.span_id,
        "duration_ms": call.duration_ms,
        **call.dims,
        "tags": call.tags,
        "session": call.extra.get("session", ""),
        "reason": call.extra.get("reason", ""),
        "tier": call.extra.get("tier", ""),
        "input_tokens": tokens["input"] + tokens["cache_read"] + tokens["cache_write"],
        "cache_read_tokens": tokens["cache_read"],
        "cache_write_tokens": tokens["cache_write"],
        "output_tokens": tokens["output"] + tokens["reasoning"],
        "reasoning_tokens": tokens["reasoning"],
        "usage": call.extra.get("usage", {name: count for name, count in tokens.items() if count}),
        "cost": money(call.cost),
        "costs": {name: money(pico) for name, pico in call.costs.items()},
        "discount": money(call.discount),
    }


def trace_json(trace_id: str, spans: list[TraceSpan]) -> dict[str, Any]:
    """A trace as a waterfall: offsets from its start, depth in the tree, and each span's own and its subtree's cost."""
    start = min(span.start for span in spans)
    spans = _as_tree(spans)
    depths, sums = _depths(spans), _subtree_costs(spans)
    calls = [span.call for span in spans if span.call]
    return {
        "trace_id": trace_id,
        "start": start.isoformat(),
        "cost": money(sum(call.cost or 0 for call in calls)),
        "calls": len(calls),
        "spans": [
            {
                "span_id": span.span_id,
                "parent_id": span.parent_id,
                "name": span.name,
                "service": span.service,
                "depth": depths[span.span_id],
                "offset_us": (span.start - start) // _MICROSECOND,
                "duration_us": span.duration_us,
                "failed": span.failed,
                "subtree_cost": money(sums[span.span_id]),
                "call": call_json(span.call) if span.call else None,
            }
            for span in spans
        ],
    }


def _as_tree(spans: list[TraceSpan]) -> list[TraceSpan]:
    """Every span after its parent, children by their start."""
    known = {span.span_id for span in spans}
    below: dict[str, list[TraceSpan]] = {}
    for span in spans:
        below.setdefault(span.parent_id if span.parent_id in known else "", []).append(span)
    ordered, ahead = [], list(reversed(below.pop("", [])))
    while ahead:
        ordered.append(ahead.pop())
        ahead += reversed(below.pop(ordered[-1].span_id, []))
    return ordered + [span for circle in below.values() for span in circle]


def _depths(spans: list[TraceSpan]) -> dict[str, int]:
    parents = {span.span_id: span.parent_id for span in spans}
    return {span.span_id: len(_ancestors(span.span_id, parents)) for span in spans}


def _subtree_costs(spans: list[TraceSpan]) -> dict[str, int]:
    parents = {span.span_id: span.parent_id for span in spans}
    sums = dict.fromkeys(parents, 0)
    for span in spans:
        cost = (span.call.cost or 0) if span.call else 0
        for each in (span.span_id, *_ancestors(span.span_id, parents)):
            sums[each] += cost
    return sums


def _ancestors(span_id: str, parents: dict[str, str]) -> list[str]:
    """From the parent up to the root, each once even if a sender made a circle."""
    seen: dict[str, None] = {}
    each = parents[span_id]
    while each in parents and each not in seen and each != span_id:
        seen[each] = None
        each = parents[each]
    return list(seen)


def summary_json(summary: Summary) -> dict[str, Any]:
    """A summary; its rows are those of /api/usage."""
    period = summary.period
    month, cache = summary.month, summary.cache
    return {
        "now": summary.now.isoformat(),
        "first_day": summary.first_day and summary.first_day.isoformat(),
        "currency": "USD",
        "today": summary.today.as_dict(),
        "month": {
            "start": month.start.isoformat(),
            "end": month.end.isoformat(),
            "cost": text(month.cost),
            "calls": month.calls,
            "unpriced_calls": month.unpriced_calls,
            "forecast": text(month.forecast),
        },
        "last_hour": summary.last_hour.as_dict(),
        "same_hour_last_week": summary.same_hour_last_week.as_dict(),
        "period": period.as_dict(0) | {"rows": []},
        "previous": summary.previous.as_dict(),
        "cache": {
            "read_tokens": cache.read_tokens,
            "write_tokens": cache.write_tokens,
            "saved": text(cache.saved),
            "write_premium": text(cache.write_premium),
        },
        "sure": sure_json(period.total),
    }


def sure_json(total: UsageRow) -> dict[str, Any]:
    """How much of the calls is counted by the provider and priced: the rest is estimated or unknown."""
    return {
        "calls": total.calls,
        "estimated_calls": total.estimated_calls,
        "unpriced_calls": total.unpriced_calls,
        "reported_share": round(1 - total.estimated_calls / total.calls, 6) if total.calls else 1.0,
        "priced_share": round(1 - total.unpriced_calls / total.calls, 6) if total.calls else 1.0,
    }

"""Compares the ledger with a provider's own usage or cost export, by day and model, and says what the difference is.

Fields are those of (all read on 2026-11-22):
- OpenAI's organization usage and costs interfaces: pages of buckets of `results` (in its OpenAPI document `result`),
  input with the cached in it, `amount.value` in USD, `line_item` like "gpt-4o-2024-08-06, input"
  (developers.openai.com/api/reference, organization/usage/completions and organization/costs);
- Anthropic's usage and cost reports: cached input apart, `amount` in cents as text (platform.claude.com/docs/en/api:
  admin/usage_report/retrieve_messages, admin/cost_report; from 2026-10-29 beta/organization/analytics/usage, …/cost);
- the CSV exports of both dashboards, which no reference describes, as public programs read them: OpenAI's costs
  (`start_time_iso`, `amount_value`, `line_item`; a row of nothing for a day without cost) and activity; Anthropic's
  usage (`usage_date_utc`, `model_version`, `usage_input_tokens_no_cache` …) and costs (`cost_usd` in USD, and a
  model by its display name, "Claude Haiku 4.5").
"""

from __future__ import annotations

import csv
import io
import json
import re
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta, timezone
from decimal import Decimal, InvalidOperation
from typing import TYPE_CHECKING, Any

from costspan.ledger.question import Filter, Question
from costspan.ledger.record import Measures, dim_text
from costspan.reports.usage import UsageRow, read_usage, text
from costspan.reports.wording import counted

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from costspan.ledger.book import Book

_DAYS = ("start_time_iso", "starting_at", "usage_date_utc", "date", "day", "start_time", "aggregation_timestamp")
_ENDS = ("end_time_iso", "ending_at", "end_time")
_MODELS = ("model", "model_version", "snapshot_id", "line_item", "description")
_INPUTS = (  # what is summed up to all input, cached included
    ("input_tokens", "n_context_tokens_total"),
    ("uncached_input_tokens", "usage_input_tokens_no_cache"),
    ("cache_read_input_tokens", "usage_input_tokens_cache_read"),
    ("cache_creation.ephemeral_5m_input_tokens", "usage_input_tokens_cache_write_5m"),
    ("cache_creation.ephemeral_1h_input_tokens", "usage_input_tokens_cache_write_1h"),
)
_OUTPUTS = (("output_tokens", "usage_output_tokens", "n_generated_tokens_total"),)
_CALLS = ("num_model_requests", "n_requests", "num_requests", "requests")
_COSTS = ("amount.value", "amount_value", "cost_usd", "amount", "cost")
_UNNAMED = ("group", "usage", "cost")  # parts of a row that are not in its names
_CURRENCIES = ("amount.currency", "amount_currency", "currency")
_ABSURD = Decimal(10**15)
_YEARS = range(2020, 3000)  # before them no LLM was billed; 20261121, taken for seconds, is in 1970
_ROUNDING = Decimal("0.005")  # of the cost: providers round lines to the cent or less
_DATED = re.compile(r"-(\d{8}|\d{4}-\d\d-\d\d)$")
PROVIDERS = ("openai", "anthropic")
_PRICE = "price: tokens agree, so the price differs (a discount, a tier, tools): see costspan price"
_PRICE_OR_CALLS = "price or calls: this export states no tokens; to tell which, reconcile the usage export too"


class BillError(ValueError):
    """The export cannot be read; one line with what is wrong."""


@dataclass(frozen=True)
class Billed:
    """What the provider says of a day and model."""

    calls: int = 0
    input: int = 0
    output: int = 0
    cost: Decimal | None = None

    def __add__(self, other: Billed) -> Billed:
        costs = [each.cost for each in (self, other) if each.cost is not None]
        cost = sum(costs, Decimal(0)) if costs else None
        return Billed(self.calls + other.calls, self.input + other.input, self.output + other.output, cost)


@dataclass(frozen=True)
class Line:
    """One day and model: theirs against ours, and what explains it."""

    day: str
    model: str
    theirs: Billed
    ours: UsageRow | None
    causes: list[str] = field(default_factory=list)

    @property
    def cost(self) -> Decimal | None:
        """USD that the ledger has; None if that is 0, and some calls have no price."""
        return Decimal(0) if self.ours is None else self.ours.cost if self.ours.has_cost else None

    @property
    def difference(self) -> Decimal | None:
        """USD that the provider charges more than the ledger has; None if either is not known."""
        return None if self.theirs.cost is None or self.cost is None else self.theirs.cost - self.cost

    def as_dict(self) -> dict[str, Any]:
        """For JSON."""
        ours, theirs = self.ours, self.theirs
        return {
            "day": self.day,
            "model": self.model,
            "theirs": {
                "calls": theirs.calls,
                "input_tokens": theirs.input,
                "output_tokens": theirs.output,
                "cost": None if theirs.cost is None else text(theirs.cost),
            },
            "ours": {
                "calls": ours.calls if ours else 0,
                "input_tokens": ours.input_tokens if ours else 0,
                "output_tokens": ours.output_tokens if ours else 0,
                "cost": None if self.cost is None else text(self.cost),
            },
            "difference": None if self.difference is None else text(self.difference),
            "causes": self.causes,
        }


def read_bill(path: Path, provider: str) -> dict[tuple[str, str], Billed]:
    """What an export says, by day (UTC) and model.

    Raises:
        BillError: It is neither CSV nor JSON of a known form.
    """
    try:
        content = path.read_text(encoding="utf-8-sig")
    except OSError as error:
        raise BillError(f"{path} cannot be read: {error}") from error
    except UnicodeDecodeError as error:
        raise BillError(f"{path} is not UTF-8: save it as the provider exports it, or in Excel as CSV UTF-8") from error
    bills: dict[tuple[str, str], Billed] = {}
    for number, row in enumerate(_rows(content, path), 1):
        day, model, billed = _read(row, provider, f"{path}, row {number}")
        if billed != Billed():
            bills[day, model] = bills.get((day, model), Billed()) + billed
    if not bills:
        raise BillError(
            f"{path} has no usage or cost in a form that is known: export it as CSV or JSON by day and model"
        )
    return bills


def _read(row: dict[str, Any], provider: str, where: str) -> tuple[str, str, Billed]:
    """Day, model and what is billed; a row of nothing may have no day."""
    try:
        billed = _billed(row, provider)
        day, hour = ("", "") if billed == Billed() else _moment(_first(row, _DAYS))
        end = _moment(_first(row, _ENDS) or day) if day else ("", "")
    except BillError as error:
        raise BillError(f"{where}: {error}") from error
    if day and end > (f"{date.fromisoformat(day) + timedelta(days=1)}", hour):
        raise BillError(f"{where}: it is of several days: export it by day")
    return day, _model(str(_first(row, _MODELS) or "")), billed


def _rows(content: str, path: Path) -> Iterator[dict[str, Any]]:
    """Flat rows: nested names joined by dots, a bucket's time in each of its results."""
    if not content.lstrip().startswith(("{", "[")):
        try:
            yield from csv.DictReader(io.StringIO(content))
        except csv.Error as error:  # a quote that is not closed makes one field of all that follows
            raise BillError(f"{path} is no CSV: {error}") from error
        return
    try:
        yield from [
            _flat({name: value for name, value in bucket.items() if not name.startswith("result")} | result)
            for bucket in _buckets(json.loads(content))
            for result in _buckets(bucket.get("results", bucket.get("result", bucket)))
        ]
    except (ValueError, RecursionError) as error:
        raise BillError(f"{path} is no JSON: {error}") from error


def _buckets(data: Any) -> Iterator[dict[str, Any]]:
    """The buckets of a page, of a list of pages, or themselves."""
    for each in data if isinstance(data, list) else [data]:
        if isinstance(each, dict):
            yield from _buckets(each["data"]) if "data" in each else [each]


def _flat(nested: dict[str, Any], before: str = "") -> dict[str, Any]:
    flat: dict[str, Any] = {}
    for name, value in nested.items():
        inside = "" if name in _UNNAMED else f"{before}{name}."
        flat |= _flat(value, inside) if isinstance(value, dict) else {before + name: value}
    return flat


def _first(row: dict[str, Any], names: tuple[str, ...]) -> Any:
    return next((row[name] for name in names if row.get(name) not in (None, "")), None)


def _moment(said: Any) -> tuple[str, str]:
    """The day, in UTC as the exports have it, and the time of day, if it is told."""
    with suppress(TypeError, ValueError, OverflowError, OSError):
        is_number = isinstance(said, (int, float)) or str(said).isdigit()
        told = datetime.fromtimestamp(int(said), timezone.utc).isoformat() if is_number else str(said)
        if date.fromisoformat(told[:10]).year in _YEARS:
            return told[:10], told[10:19]
    raise BillError(f"{str(said)[:60]!r} is no day that is billed: write 2026-11-21, or Unix seconds")


def _model(said: str) -> str:
    """`gpt-4o-2024-08-06, input` is a line of that model, and `Claude Haiku 4.5` is `claude-haiku-4-5`."""
    name = said.partition(",")[0].strip()
    return dim_text(name.lower().replace(" ", "-").replace(".", "-") if name.startswith("Claude ") else name)


def _billed(row: dict[str, Any], provider: str) -> Billed:
    cost = _number(row, _COSTS)
    if cost and (currency := str(_first(row, _CURRENCIES) or "usd")).lower() != "usd":
        raise BillError(f"costs in {currency!r}: the ledger has USD, and no rate of exchange")
    if cost and provider == "anthropic" and "amount" in row:  # the cost report's own unit is the cent
        cost /= 100
    calls, asked, given = (int(sum(_number(row, names) or 0 for names in of)) for of in ((_CALLS,), _INPUTS, _OUTPUTS))
    repeats = provider == "anthropic" and cost is not None  # its costs tell the requests of its usage, or of tools
    return Billed(0 if repeats else calls, asked, given, cost)


def _number(row: dict[str, Any], names: tuple[str, ...]) -> Decimal | None:
    said = _first(row, names)
    try:
        number = None if said is None else Decimal(str(said))
    except InvalidOperation as error:
        raise BillError(f"{str(said)[:60]!r} is no number: a usage or cost export has one here") from error
    if number is not None and not (number.is_finite() and abs(number) < _ABSURD):
        raise BillError(f"{str(said)[:60]!r} is no amount or count that anybody bills")
    return number


def reconcile(book: Book, bills: dict[tuple[str, str], Billed], provider: str) -> list[Line]:
    """Each day and model of the export, or of the ledger in the same days, that either has."""
    days = sorted(day for day, _ in bills)
    since = datetime.fromisoformat(days[0]).replace(tzinfo=timezone.utc)
    until = datetime.fromisoformat(days[-1]).replace(tzinfo=timezone.utc) + timedelta(days=1)
    by = ("day", "model") if any(model for _, model in bills) else ("day",)  # an export may state the sums of days
    question = Question(since, until, by, (Filter("provider", (provider,)),))
    ours: dict[tuple[str, str], UsageRow] = {}
    for row in read_usage(book, question).rows:
        key = _key_of(row, bills)
        ours[key] = _together(ours[key], row) if key in ours else row
    lines = []
    for day, model in sorted(bills.keys() | ours.keys()):
        theirs, own = bills.get((day, model), Billed()), ours.get((day, model))
        lines.append(Line(day, model, theirs, own, list(_causes(theirs, own))))
    return lines


def _key_of(row: UsageRow, bills: dict[tuple[str, str], Billed]) -> tuple[str, str]:
    """Day and model as the export says them: some exports leave the day out of a model's name."""
    day, model = row.keys["day"], row.keys.get("model", "")
    undated = day, _DATED.sub("", model)
    return undated if (day, model) not in bills and undated in bills else (day, model)


def _together(one: UsageRow, other: UsageRow) -> UsageRow:
    return one._replace(
        sums=Measures(*map(sum, zip(one.sums, other.sums, strict=True))),
        unpriced_calls=one.unpriced_calls + other.unpriced_calls,
        estimated_calls=one.estimated_calls + other.estimated_calls,
    )


def _causes(theirs: Billed, ours: UsageRow | None) -> Iterator[str]:
    """What explains a difference; nothing where there is none."""
    if ours is None:
        is_model = theirs.calls or theirs.input or theirs.output
        what = "" if is_model else "; if it is no model, it is a tool, storage or credits"
        yield f"missing: the ledger has no call of it on this day{what}"
        return
    if theirs == Billed():
        yield "only here: the export does not have it (another account, or a gateway)"
        return
    seen = (ours.input_tokens, ours.output_tokens)
    if theirs.calls > ours.calls:
        yield f"missing: {counted(theirs.calls - ours.calls, 'call')} that the ledger was not sent"
    elif (theirs.input or theirs.output) and (theirs.input, theirs.output) != seen and not ours.estimated_calls:
        yield f"tokens: {theirs.input - seen[0]:+,} input, {theirs.output - seen[1]:+,} output there"
    if ours.unpriced_calls:
        yield f"unpriced: no full price here for {counted(ours.unpriced_calls, 'call')}"
    if ours.estimated_calls:
        yield f"estimated: tokens of {counted(ours.estimated_calls, 'call')} were counted here"
    if theirs.cost is not None:
        yield from _causes_of_cost(theirs, theirs.cost, ours, is_same=(theirs.input, theirs.output) in (seen, (0, 0)))


def _causes_of_cost(theirs: Billed, cost: Decimal, ours: UsageRow, *, is_same: bool) -> Iterator[str]:
    """What explains a difference in cost; `is_same`: tokens agree, as far as they are stated."""
    gap, fees = abs(cost - ours.cost), ours.costs["other"]
    if gap and gap <= cost * _ROUNDING:
        yield "rounding"
    elif gap and fees and abs(cost - (ours.cost - fees)) <= cost * _ROUNDING:
        yield f"tools: ${text(fees)} here are fees of tools, which the export has on lines of their own"
    elif gap and theirs.calls <= ours.calls and is_same:
        yield _PRICE if theirs.input or theirs.output else _PRICE_OR_CALLS

"""Usage and cost by day, model, user, team …: the rows of every report, of the JSON API and of the exports."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from costspan.ledger.money import usd_of_pico
from costspan.ledger.question import TIMES, Question
from costspan.ledger.record import Measures

if TYPE_CHECKING:
    from collections.abc import Iterable
    from decimal import Decimal

    from costspan.ledger.reader import Answer, Reader

_GUESSED = ("tokenizer", "heuristic")


@dataclass(frozen=True)
class UsageRow:
    """One group's usage. Tokens whole, money in USD, exact. What it is grouped by is an attribute: `row.model`."""

    keys: dict[str, str]
    sums: Measures
    share: float  # of the report's cost, 0 to 1
    max_cost: Decimal  # of its dearest call, USD
    unpriced_calls: int = 0
    failed_calls: int = 0
    estimated_calls: int = 0  # tokens counted here, because the provider did not say
    month_to_date: Decimal | None = None  # USD of the month up to this day, where it is grouped by day

    def __getattr__(self, name: str) -> str:
        keys: dict[str, str] = self.__dict__.get("keys", {})
        if name in keys:
            return keys[name]
        if name == "date" and self.time is not None:
            return self.time
        msg = f"this row has no {name!r}: it is grouped by {', '.join(keys) or 'nothing'}"
        raise AttributeError(msg)

    @property
    def time(self) -> str | None:
        """The hour, day, week or month, if it is grouped by one."""
        return next((self.keys[name] for name in TIMES if name in self.keys), None)

    @property
    def calls(self) -> int:
        return self.sums.calls

    @property
    def input_tokens(self) -> int:
        """All input, cached included."""
        return self.sums.input + self.sums.cache_read + self.sums.cache_write

    @property
    def output_tokens(self) -> int:
        """All output, reasoning included."""
        return self.sums.output + self.sums.reasoning

    @property
    def cache_read_tokens(self) -> int:
        return self.sums.cache_read

    @property
    def cache_write_tokens(self) -> int:
        return self.sums.cache_write

    @property
    def reasoning_tokens(self) -> int:
        return self.sums.reasoning

    @property
    def tokens(self) -> int:
        """Input and output."""
        return self.input_tokens + self.output_tokens

    @property
    def cost(self) -> Decimal:
        """USD of the calls whose price is known."""
        return usd_of_pico(self.sums.cost)

    @property
    def costs(self) -> dict[str, Decimal]:
        """USD by kind; `other` is tools and units, and cost that nobody broke down."""
        sums = self.sums
        known = {
            "input": sums.cost_input,
            "cache_read": sums.cost_cache_read,
            "cache_write": sums.cost_cache_write,
            "output": sums.cost_output,
        }
        return {name: usd_of_pico(pico) for name, pico in (known | {"other": sums.cost - sum(known.values())}).items()}

    @property
    def discount(self) -> Decimal:
        """USD that the user's own discounts saved against list prices."""
        return usd_of_pico(self.sums.discount)

    @property
    def average_seconds(self) -> float:
        return self.sums.duration_ms / 1000 / self.sums.calls if self.sums.calls else 0.0

    def as_dict(self) -> dict[str, Any]:
        """For JSON: money as decimal text, so that nothing is lost."""
        names = ("calls", "tokens", "input_tokens", "cache_read_tokens", "cache_write_tokens", "output_tokens")
        row: dict[str, Any] = dict(self.keys) | {name: getattr(self, name) for name in names}
        row |= {"reasoning_tokens": self.reasoning_tokens, "cost": text(self.cost), "share": round(self.share, 6)}
        row["costs"] = {name: text(usd) for name, usd in self.costs.items()}
        row |= {"discount": text(self.discount), "max_cost": text(self.max_cost)}
        row |= {name: getattr(self, name) for name in ("unpriced_calls", "failed_calls", "estimated_calls")}
        row["average_seconds"] = round(self.average_seconds, 3)
        if self.month_to_date is not None:
            row["month_to_date"] = text(self.month_to_date)
        return row


def text(usd: Decimal) -> str:
    """USD as plain decimal text without trailing zeros: `0.0125`, `3`."""
    plain = f"{usd:f}"
    return (plain.rstrip("0").rstrip(".") if "." in plain else plain) or "0"


@dataclass(frozen=True)
class UsageReport:
    """Rows, dearest first (by time where it is grouped by time), and the total over all of them."""

    question: Question
    rows: list[UsageRow]
    total: UsageRow

    def as_dict(self, top: int | None = None) -> dict[str, Any]:
        """For JSON: the period, the first `top` rows, and the total of all."""
        since, until = self.question.since, self.question.until
        return {
            "since": since.isoformat() if since else None,
            "until": until.isoformat() if until else None,
            "group_by": list(self.question.by),
            "currency": "USD",
            "rows": [row.as_dict() for row in self.rows[:top]],
            "total": self.total.as_dict(),
        }


def read_usage(reader: Reader, question: Question) -> UsageReport:
    """The report that answers `question`."""
    detail = Question(
        question.since, question.until, (*question.by, *_missing(question.by)), question.where, question.zone
    )
    groups: dict[tuple[str, ...], list[Answer]] = {}
    answers = reader.ask(detail)
    for answer in answers:
        groups.setdefault(tuple(answer.keys[name] for name in question.by), []).append(answer)
    cost = sum(answer.sums.cost for answer in answers)
    rows = [_row(dict(zip(question.by, key, strict=True)), members, cost) for key, members in groups.items()]
    time = question.time
    rows.sort(key=lambda row: (row.keys[time] if time else "", -row.sums.cost, tuple(row.keys.values())))
    return UsageReport(question, rows, _row({}, answers, cost))


def _missing(by: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(name for name in ("status", "source", "error") if name not in by)


def _row(keys: dict[str, str], members: Iterable[Answer], total: int) -> UsageRow:
    answers = list(members)
    columns = zip(*(answer.sums for answer in answers), strict=True)
    sums = Measures(*(sum(column) for column in columns)) if answers else Measures(*[0] * len(Measures._fields))
    return UsageRow(
        keys,
        sums,
        share=sums.cost / total if total else 0.0,
        max_cost=usd_of_pico(max((answer.max_cost for answer in answers), default=0)),
        unpriced_calls=_calls(answers, "status", ("unpriced", "partial")),
        failed_calls=sum(answer.sums.calls for answer in answers if answer.keys["error"]),
        estimated_calls=_calls(answers, "source", _GUESSED),
    )


def _calls(answers: list[Answer], name: str, values: tuple[str, ...]) -> int:
    return sum(answer.sums.calls for answer in answers if answer.keys[name] in values)

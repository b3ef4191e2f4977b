"""What is paid in a period whatever is called: the fees of the user's price file, which no call's cost holds."""

from __future__ import annotations

from datetime import datetime, timedelta
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, NamedTuple

from costspan.ledger.money import pico_of_femto, usd_of_pico
from costspan.pricing.lookup import own_pricer

if TYPE_CHECKING:
    from decimal import Decimal

    from costspan.ledger.question import Question
    from costspan.pricing.contracts import Fee

_MOMENT = timedelta(microseconds=1)


class DueFee(NamedTuple):
    """A fee, and USD of it that fall into the period; of a month's by its days."""

    name: str
    provider: str
    usd: Decimal


def fees_due(question: Question) -> list[DueFee]:
    """The fees of COSTSPAN_PRICES in the question's period; none where it asks for less than a provider or model."""
    last = (question.until - _MOMENT if question.until else datetime.now(question.zone)).astimezone(question.zone)
    found = []
    for fee in own_pricer().resolver.file.fees:
        first = question.since.astimezone(question.zone).date() if question.since else fee.since
        if first is not None and _is_asked_for(fee, question):
            due = DueFee(fee.name, fee.provider, usd_of_pico(pico_of_femto(fee.between(first, last.date()))))
            found += [due] if due.usd else []
    return found


def _is_asked_for(fee: Fee, question: Question) -> bool:
    """A team's or user's share of a fee is not known."""
    told = {"provider": fee.provider, "model": fee.model}
    return all(
        each.name in told
        and any(fnmatchcase(told[each.name].lower(), value.lower()) for value in each.values) != each.negative
        for each in question.where
    )

"""A rate card: the rates of one model, on given terms, at one time. Multiplies and adds; every lookup is done."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple, TypeAlias

from costspan.pricing.price import Entry, Price, PriceStatus
from costspan.usage import INPUT_TOKENS, OUTPUT_TOKENS

if TYPE_CHECKING:
    from collections.abc import Mapping
    from fractions import Fraction

    from costspan.pricing.model import Model
    from costspan.usage import Usage

# Femto-dollars per token or unit; a Fraction where no integer is exact.
Flat: TypeAlias = "Mapping[str, int | Fraction]"

# Two measures of one matter: what is billed by one of them is not billed again by another.
MATTERS = (
    frozenset({*INPUT_TOKENS, "input_characters", "input_audio_ms", "pages", "search_units", "classifications"}),
    frozenset({*OUTPUT_TOKENS, "output_characters", "output_audio_ms", "output_video_ms", "images"}),
)
_ALL = frozenset({*MATTERS[0], *MATTERS[1], "compute_ms"})  # the time of a machine is all that it did


_new = tuple.__new__  # a Price without the detour over keyword defaults, which takes as long as pricing a bucket


class Step(NamedTuple):
    """Rates that hold from above so many input tokens on."""

    above: int
    rates: Flat


class RateCard:
    """Prices a Usage. Immutable by convention; made by `compile_card`, shared by all threads."""

    __slots__ = (
        "entry",
        "fee",
        "marginal",
        "minimum_audio_ms",
        "rates",
        "reason",
        "special",
        "status",
        "steps",
        "timed",
    )

    def __init__(self, steps: tuple[Step, ...], entry: Entry, model: Model | None = None, reason: str = "") -> None:
        self.rates = steps[0].rates
        self.steps = steps[1:]
        self.entry = entry
        self.marginal = model is not None and model.marginal
        self.timed = model is not None and model.own and "compute_ms" in self.rates  # charged by how long a call took
        self.minimum_audio_ms = model.minimum_audio_ms if model else 0
        self.fee = "requests" in self.rates  # charged once per call, counted or not
        self.special = self.fee or self.minimum_audio_ms > 0
        self.reason = reason  # why the price is only a part, or free
        free = not any(any(step.rates.values()) for step in steps)
        self.status = PriceStatus.FREE if free else PriceStatus.PARTIAL if reason else PriceStatus.PRICED

    def price(self, usage: Usage) -> Price:
        """What `usage` costs, exactly."""
        rates = self.rates
        if self.steps:
            if self.marginal:
                return self._by_layers(self._billed(usage._counts))
            total_input = usage.total_input - usage._counts.get("input_grounding", 0)  # not billed: no long prompt
            requests = usage._counts.get("requests", 1)  # of a batch: what each has in the mean may be long
            for above, higher in self.steps:
                if total_input > above * requests:
                    rates = higher
        counts = self._billed(usage._counts) if self.special else usage._counts
        total = 0
        breakdown: dict[str, int] = {}
        missing: tuple[str, ...] = ()
        for bucket, count in counts.items():
            rate = rates.get(bucket)
            if rate is None:
                missing += (bucket,)
                continue
            amount = count * rate
            if type(amount) is not int:
                amount = round(amount)
            if amount:
                breakdown[bucket] = amount
                total += amount
        if missing:
            return self._partial(total, breakdown, missing, counts)
        return _new(Price, (self.status, total, breakdown, self.entry, (), self.reason, False, None))

    def _billed(self, counts: dict[str, int]) -> dict[str, int]:
        """The counts as they are charged: a request is one, of which a short recording has the least length."""
        counts = {"requests": 1} | counts if self.fee else counts
        least = self.minimum_audio_ms * counts.get("requests", 1)
        return counts | {"input_audio_ms": least} if 0 < counts.get("input_audio_ms", 0) < least else counts

    def _partial(
        self, total: int, breakdown: dict[str, int], missing: tuple[str, ...], counts: Mapping[str, int]
    ) -> Price:
        rated = counts.keys() & self.rates.keys()
        billed = [matter | {"compute_ms"} for matter in MATTERS if matter & rated] + [_ALL] * ("compute_ms" in rated)
        missing = tuple(bucket for bucket in missing if bucket != "requests" and not any(bucket in of for of in billed))
        if not missing:
            return Price(self.status, total, breakdown, self.entry, (), self.reason)
        reason = (
            f"no rate for {', '.join(missing)} of {self.entry.model}; register_model or COSTSPAN_PRICES can give one"
        )
        if not rated:
            return Price(PriceStatus.UNPRICED, None, {}, self.entry, missing, reason)
        return Price(PriceStatus.PARTIAL, total, breakdown, self.entry, missing, reason)

    def _by_layers(self, counts: dict[str, int]) -> Price:
        """Each bucket's own count divided over the steps: a rate holds for what lies above its threshold."""
        layers = (Step(0, self.rates), *self.steps)
        ends = [*(step.above for step in self.steps), None]
        breakdown: dict[str, int] = {}
        for bucket, count in counts.items():
            rated = [
                (min(count, count if end is None else end) - layer.above) * layer.rates[bucket]
                for layer, end in zip(layers, ends, strict=True)
                if bucket in layer.rates and count > layer.above
            ]
            if rated:
                breakdown[bucket] = round(sum(rated))
        missing = tuple(bucket for bucket in counts if bucket not in self.rates)
        return self._partial(sum(breakdown.values()), breakdown, missing, counts)


class DiscountedCard:
    """Prices a Usage by a contract, with the list price beside."""

    __slots__ = ("_card", "_listed", "entry", "timed")

    def __init__(self, card: RateCard, listed: RateCard) -> None:
        self.timed = card.timed
        self._card = card
        self._listed = listed
        self.entry = card.entry

    def price(self, usage: Usage) -> Price:
        """What `usage` costs by the contract; `list_femto` is what it would cost without."""
        return self._card.price(usage)._replace(list_femto=self._listed.price(usage).total_femto)


class NoCard:
    """Stands for a model without rates: every call is unpriced, for the reason given."""

    __slots__ = ("_price", "entry")
    timed = False

    def __init__(self, reason: str, entry: Entry | None = None) -> None:
        self.entry = entry
        self._price = Price(PriceStatus.UNPRICED, entry=entry, reason=reason)

    def price(self, usage: Usage) -> Price:  # noqa: ARG002 as a rate card is asked
        """No price, and why."""
        return self._price

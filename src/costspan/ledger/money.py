"""Money as the ledger keeps it: whole pico-dollars (1e-12 USD), exact from the text of a number."""

from __future__ import annotations

from decimal import ROUND_HALF_EVEN, Decimal

from costspan.pricing.price import EXACT

_FEMTO_IN_PICO = 1000
_SURE = 0.49


def pico_of_usd(usd: float | str | Decimal) -> int:
    """Pico-dollars of USD, through its shortest decimal text: `3e-06` is exactly 3_000_000."""
    if type(usd) is float and 0 <= usd < 1:
        pico = usd * 1e12  # off by less than 0.001 from what the text says, so far from the middle rounding is certain
        nearest = round(pico)
        if abs(pico - nearest) < _SURE:
            return nearest
    text = usd if isinstance(usd, (str, Decimal)) else repr(usd)
    return int(Decimal(text).scaleb(12, EXACT).to_integral_value(ROUND_HALF_EVEN))


def pico_of_femto(femto: int) -> int:
    """Pico-dollars of femto-dollars, half to even."""
    whole, rest = divmod(femto, _FEMTO_IN_PICO)
    half = _FEMTO_IN_PICO // 2
    return whole + (rest > half or (rest == half and whole % 2 == 1))


def usd_of_pico(pico: int) -> Decimal:
    """USD, exact."""
    return Decimal(pico).scaleb(-12, EXACT)


def spread(total: int, parts: dict[str, int]) -> dict[str, int]:
    """Parts that sum to `total` where they missed it by rounding only; the largest takes the difference."""
    rest = total - sum(parts.values())
    if not parts or abs(rest) > len(parts):
        return parts
    largest = max(parts, key=parts.__getitem__)
    return parts | {largest: parts[largest] + rest}

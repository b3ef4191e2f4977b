"""From a provider's numbers to a Usage: merge what the chunks said, make the buckets disjoint, cut what cannot be."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from costspan.adapters._paths import Read, path
from costspan.usage import BUCKETS, INPUT_TOKENS, OUTPUT_TOKENS, Usage

if TYPE_CHECKING:
    from collections.abc import Iterable

_CACHE = tuple(bucket for bucket in INPUT_TOKENS if bucket.startswith("cache_"))
_MILLISECONDS = 1000


class UsageMap:
    """Where a provider puts its counts, relative to the `roots` where usage objects are found.

    Each keyword is a bucket of Usage, or one of
    - `total_input` / `total_output`: a count that contains the side's other buckets (`input` = the rest),
    - `cache_write_total`: all cache writes, where some are told apart by time to live,
    - `extra_input`: more fresh input, told apart by the provider but priced alike,
    - `total`: the provider's own sum; it decides whether reasoning is inside the output count or beside it,
    - `<unit>_s`: seconds, for a bucket in milliseconds.
    An `input` or `output` given directly does not contain cache or reasoning, but does contain audio, image and video.
    """

    def __init__(self, *, roots: tuple[str, ...] = ("usage",), **counts: str) -> None:
        known = BUCKETS | {"total_input", "total_output", "total", "extra_input", "cache_write_total"}
        if unknown := {name for name in counts if name not in known and name.removesuffix("_s") + "_ms" not in known}:
            msg = f"no such usage count: {', '.join(sorted(unknown))}"
            raise ValueError(msg)
        self.roots = tuple(path(root) for root in roots)
        self.counts: tuple[tuple[str, Read, int], ...] = tuple(
            (name, path(text), 1) if name in known else (name.removesuffix("_s") + "_ms", path(text), _MILLISECONDS)
            for name, text in counts.items()
        )

    def read(self, roots: Iterable[Any]) -> tuple[Usage | None, bool]:
        """The Usage that the usage objects tell together, and whether it had to be cut to what is possible.

        Later objects win, count by count (streams repeat usage cumulatively). None if no count is there at all.
        """
        raw: dict[str, int] = {}
        odd = False
        for root in roots:
            for name, read, scale in self.counts:
                value = read(root)
                if value is None:
                    continue
                count = _whole(value, scale)
                if count is None:
                    odd = True
                else:
                    raw[name] = count
        if not raw:
            return None, odd
        cut = _Cut(raw)
        counts = cut.input_side() | cut.output_side()
        counts |= {name: raw[name] for name in raw.keys() & BUCKETS - set(INPUT_TOKENS) - set(OUTPUT_TOKENS)}
        return Usage.of({name: count for name, count in counts.items() if count}), odd or cut.clamped


class _Cut:
    """Takes the parts out of the totals that contain them; what does not fit is cut, never negative."""

    def __init__(self, raw: dict[str, int]) -> None:
        self._raw = raw
        self.clamped = False

    def input_side(self) -> dict[str, int]:
        raw = self._raw
        parts = {name: raw[name] for name in INPUT_TOKENS if name in raw and name != "input"}
        if "cache_write_total" in raw:
            told = sum(parts.get(name, 0) for name in _CACHE if name.startswith("cache_write_"))
            parts["cache_write"] = max(raw["cache_write_total"] - told, 0)
        self._split_cached_modalities(parts)
        if "total_input" in raw:
            rest = self._take(raw["total_input"], parts)
        else:
            rest = self._take(raw.get("input", 0), parts, keep=_CACHE)
        return parts | {"input": rest + raw.get("extra_input", 0)}

    def _split_cached_modalities(self, parts: dict[str, int]) -> None:
        """Cached audio counts in the audio and in the cache total: it is one bucket of its own."""
        for kind in ("audio", "image", "video"):
            cached = parts.get(f"cache_read_{kind}", 0)
            if not cached:
                continue
            for whole in (f"input_{kind}", "cache_read"):
                if whole in parts:
                    parts[whole] = max(parts[whole] - cached, 0)

    def output_side(self) -> dict[str, int]:
        raw = self._raw
        parts = {name: raw[name] for name in OUTPUT_TOKENS if name in raw and name != "output"}
        inside = "total_output" in raw
        whole = raw.get("total_output", raw.get("output", 0))
        beside = ("reasoning", "citation")
        if "total" in raw and parts.get("reasoning") and self._known_input() is not None:
            apart = sum(parts.get(name, 0) for name in beside)
            gap = raw["total"] - (self._known_input() or 0) - whole
            inside = gap != apart if inside else gap == 0
        return parts | {"output": self._take(whole, parts, keep=() if inside else beside)}

    def _known_input(self) -> int | None:
        """All input as the provider's own total counts it."""
        raw = self._raw
        if "total_input" in raw:
            return raw["total_input"] + raw.get("extra_input", 0)
        if "input" in raw:
            return raw["input"] + raw.get("extra_input", 0) + sum(raw.get(name, 0) for name in _CACHE)
        return None

    def _take(self, whole: int, parts: dict[str, int], keep: tuple[str, ...] = ()) -> int:
        """What is left of `whole` without its parts; a part that is larger than what is left is cut to it."""
        for name, count in parts.items():
            if name in keep:
                continue
            if count > whole:
                self.clamped = True
                parts[name] = whole
            whole -= parts[name]
        return whole


def _whole(value: Any, scale: int) -> int | None:
    """A count as a whole number, or None for what is no count: text, truth values, NaN, less than 0."""
    if type(value) is int:
        return value * scale if value >= 0 else None
    if isinstance(value, float) and math.isfinite(value) and value >= 0:
        return round(value * scale)
    return None

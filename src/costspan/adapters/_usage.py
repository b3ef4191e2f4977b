"""From a provider's numbers to a Usage: merge what the chunks said, make the buckets disjoint, cut what cannot be."""

from __future__ import annotations

from copy import copy
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from functools import lru_cache
from typing import TYPE_CHECKING, Any, NamedTuple, TypeAlias

from costspan.adapters._paths import Read, is_given, member, members, path
from costspan.usage import BUCKETS, INPUT_TOKENS, MOST, MOST_USD, OUTPUT_TOKENS, UNITS, Usage

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

_CACHE = tuple(bucket for bucket in INPUT_TOKENS if bucket.startswith("cache_"))
_BESIDE_OUTPUT = ("reasoning", "citation")
_IN, _OUT, _UNIT = range(3)
_SIDES = (
    {name: _IN for name in INPUT_TOKENS if name != "input"}
    | {name: _OUT for name in OUTPUT_TOKENS if name != "output"}
    | dict.fromkeys(UNITS, _UNIT)
)
_MILLISECONDS = 1000


class Told(NamedTuple):
    """What the usage objects of one call tell together."""

    usage: Usage | None  # None if no count is there at all
    clamped: bool  # it had to be cut to what is possible
    cost: Decimal | None  # USD that the provider says it charges


class UsageMap:
    """Where a provider puts its counts, relative to the `roots` where usage objects are found.

    `last` are places that are only looked at in the last chunk, and only where no usage was found before.

    Each keyword is a bucket of Usage, or one of
    - `total_input` / `total_output`: a count that contains the side's other buckets (`input` = the rest),
    - `cache_write_total`: all cache writes, where some are told apart by time to live,
    - `extra_input`, `extra_web_searches`: more of them, told apart by the provider but priced alike,
    - `total`: the provider's own sum; it decides whether reasoning is inside the output count or beside it,
    - `<unit>_s`: seconds, for a bucket in milliseconds,
    - `<unit>_list`: a list of them,
    - `cost`: USD that the provider says it charges, or `cost_ticks`: the same in xAI's ticks of 1e-10 USD.
    An `input` or `output` given directly does not contain cache or reasoning, but does contain audio, image and video.
    """

    def __init__(self, *, roots: tuple[str, ...] = ("usage",), last: tuple[str, ...] = (), **counts: str) -> None:
        if unknown := counts.keys() - _NUMBERS.keys():
            raise ValueError(f"no such usage count: {', '.join(sorted(unknown))}")
        self.names = frozenset(counts)
        self._look_in(roots)
        self.last_roots = tuple(path(root) for root in last)
        self._tree = _Node()
        self._picked: list[tuple[Read, _Leaf]] = []  # paths that pick from lists
        for name, text in counts.items():
            bucket, number = _NUMBERS[name]
            for rank, alternative in enumerate(text.split("|")):
                leaf = bucket, rank, number
                if all(step.isidentifier() for step in alternative.split(".")):
                    self._tree.plant(alternative.split("."), leaf)
                else:
                    self._picked.append((path(alternative), leaf))

    def at(self, *roots: str) -> UsageMap:
        """The same counts, found elsewhere."""
        moved = copy(self)
        moved._look_in(roots)
        return moved

    def _look_in(self, roots: tuple[str, ...]) -> None:
        self.roots = tuple(path(root) for root in roots)
        self.tells = path("|".join(roots))  # whether there is usage in any of them

    def read(self, roots: Iterable[Any]) -> Told:
        """What the usage objects tell together. Later ones win, count by count: streams repeat usage cumulatively."""
        folded = self.fold(roots)
        raw = folded.counts
        cost = raw.pop("cost", None)
        if not raw:
            return Told(None, folded.odd, cost)
        counts, clamped = _make_disjoint(raw)
        return Told(Usage.of(counts), folded.odd or clamped, cost)

    def fold(self, roots: Iterable[Any]) -> _Found:
        """What `read` would find in them, as one that it takes in their place."""
        folded: _Found | None = None
        for root in roots:
            found = root if type(root) is _Found else self._find(root)
            if folded is None:
                folded = found
            else:
                folded.counts |= found.counts
                folded.odd = folded.odd or found.odd
        return folded or _Found()

    def _find(self, root: Any) -> _Found:
        found = _Found()
        self._tree.walk(root, found)
        for read, leaf in self._picked:
            found.note(read(root), leaf)
        return found


# A number that a path leads to: its bucket, its rank (of alternatives, the lowest that is there wins), and what a value
# is as a number of that bucket; None: it is none.
_Leaf: TypeAlias = "tuple[str, int, Callable[[Any], int | Decimal | None]]"


class _Found:
    """The counts of one usage object."""

    __slots__ = ("_ranks", "counts", "odd")

    def __init__(self) -> None:
        self.counts: dict[str, Any] = {}
        self._ranks: dict[str, int] = {}  # of counts that are not from the first place where they may be
        self.odd = False

    def note(self, value: Any, leaf: _Leaf) -> None:
        if value is None:
            return
        bucket, rank, number = leaf
        count = value if number is _whole and type(value) is int and 0 <= value <= MOST else number(value)
        if count is None:
            self.odd = self.odd or is_given(value)
        elif bucket not in self.counts or rank < self._ranks.get(bucket, 0):
            self.counts[bucket] = count
            if rank or self._ranks:
                self._ranks[bucket] = rank


class _Node:
    """All paths of a map as one tree, so that one walk over the members that are there reads them all."""

    __slots__ = ("children", "leaves")

    def __init__(self) -> None:
        self.children: dict[str, _Node] = {}
        self.leaves: list[_Leaf] = []

    def plant(self, steps: list[str], leaf: _Leaf) -> None:
        node = self
        for step in steps:
            node = node.children.setdefault(step, _Node())
        node.leaves.append(leaf)

    def walk(self, value: Any, found: _Found) -> None:
        children = self.children
        there = members(value)
        if there is None:
            there = {name: member(value, name) for name in children}
        for name, each in there.items():
            if each is None or name not in children:
                continue
            node = children[name]
            if not node.children or (node.leaves and isinstance(each, (int, float, str))):  # a bare number, or details
                for leaf in node.leaves:
                    found.note(each, leaf)
            else:
                node.walk(each, found)


@dataclass(slots=True)
class _Plan:
    """How counts of certain names become disjoint: which there are of each side, and what contains them."""

    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    units: tuple[str, ...]
    modalities: tuple[str, ...]  # cached audio counts in the audio and in the cache total: it is a bucket of its own
    whole_input: str
    whole_output: str
    beside_input: tuple[str, ...]
    beside_output: tuple[str, ...]
    is_input_known: bool


@lru_cache(maxsize=256)
def _plan(names: tuple[str, ...]) -> _Plan:
    sides: tuple[list[str], ...] = ([], [], [])
    for name in names:
        if name in _SIDES:
            sides[_SIDES[name]].append(name)
    contains = "total_input" in names
    return _Plan(
        inputs=tuple(sides[_IN]),
        outputs=tuple(sides[_OUT]),
        units=tuple(sides[_UNIT]),
        modalities=tuple(name for name in sides[_IN] if name.startswith("cache_read_")),
        whole_input="total_input" if contains else "input",
        whole_output="total_output" if "total_output" in names else "output",
        beside_input=() if contains else _CACHE if "input" in names else INPUT_TOKENS,
        beside_output=() if "total_output" in names else _BESIDE_OUTPUT,
        is_input_known=contains or "input" in names,
    )


def _make_disjoint(raw: dict[str, int]) -> tuple[dict[str, int], bool]:
    """Buckets that add up to the totals: parts are taken out of what contains them; what does not fit is cut."""
    plan = _plan(tuple(raw))
    inputs = {name: count for name in plan.inputs if (count := raw[name])}
    outputs = {name: count for name in plan.outputs if (count := raw[name])}
    if "cache_write_total" in raw:
        told = sum(count for name, count in inputs.items() if name.startswith("cache_write_"))
        inputs["cache_write"] = max(raw["cache_write_total"] - told, 0)
    for name in plan.modalities:
        for whole in ("input_" + name.removeprefix("cache_read_"), "cache_read"):
            if whole in inputs:
                inputs[whole] = max(inputs[whole] - raw[name], 0)
    fresh, cut_in = _take(raw.get(plan.whole_input, 0), inputs, plan.beside_input)
    beside = plan.beside_output
    if "citation" in outputs:  # only Perplexity counts them, beside its completion, whether its total holds them or not
        beside = _BESIDE_OUTPUT
    elif "total" in raw and "reasoning" in outputs and plan.is_input_known:
        beside = _beside_by_total(raw, outputs, plan)
    shown, cut_out = _take(raw.get(plan.whole_output, 0), outputs, beside)
    counts = {"input": fresh + raw.get("extra_input", 0), **inputs, "output": shown, **outputs}
    for name in plan.units:
        counts[name] = raw[name]
    if "extra_web_searches" in raw:
        counts["web_searches"] = raw.get("web_searches", 0) + raw["extra_web_searches"]
    if not all(counts.values()):
        counts = {name: count for name, count in counts.items() if count}
    return counts, cut_in or cut_out


def _beside_by_total(raw: dict[str, int], outputs: dict[str, int], plan: _Plan) -> tuple[str, ...]:
    """What is not inside the output count: as declared, unless the provider's own total says otherwise."""
    known = raw[plan.whole_input] + raw.get("extra_input", 0)
    for name in plan.beside_input:
        known += raw.get(name, 0)
    gap = raw["total"] - known - raw.get(plan.whole_output, 0)
    if plan.beside_output:
        return () if gap == 0 else _BESIDE_OUTPUT
    return _BESIDE_OUTPUT if gap == outputs["reasoning"] else ()


def _take(whole: int, parts: dict[str, int], beside: tuple[str, ...]) -> tuple[int, bool]:
    """What is left of `whole` without the parts that are inside of it, and whether one had to be cut to fit."""
    clamped = False
    for name, count in parts.items():
        if name in beside:
            continue
        if count <= whole:
            whole -= count
        else:
            clamped = True
            parts[name], whole = whole, 0
    return whole, clamped


def _whole(value: Any, scale: int = 1) -> int | None:
    """A count as a whole number, or None for what is no count: words, truth values, NaN, less than 0, absurdly much."""
    if type(value) is int:
        return value * scale if 0 <= value <= MOST else None
    if isinstance(value, float) and 0 <= value <= MOST:
        return round(value * scale)
    is_digits = isinstance(value, str) and value.isascii() and value.isdigit() and len(value) <= len(str(MOST))
    return _whole(int(value), scale) if is_digits else None


def _milliseconds(seconds: Any) -> int | None:
    return _whole(seconds, _MILLISECONDS)


def _length(values: list[Any]) -> int:
    """How many there are; a text that is there twice is one."""
    return len({each if isinstance(each, str) else id(each) for each in values})


def _dollars(value: Any) -> Decimal | None:
    """USD through its decimal text, so that 0.1 stays 0.1; None for what is no amount."""
    try:
        amount = Decimal(str(value))
    except InvalidOperation:
        return None
    return amount if amount.is_finite() and 0 <= amount <= MOST_USD else None


def of_ticks(value: Any) -> Decimal | None:
    """USD by xAI's ticks of 1e-10 USD; None for what is no number of them."""
    return _dollars(f"{value}e-10") if type(value) is int else None


_SUMS = ("total_input", "total_output", "total", "extra_input", "extra_web_searches", "cache_write_total")
_NUMBERS: dict[str, tuple[str, Callable[[Any], int | Decimal | None]]] = {  # the bucket of a name, and its numbers
    **{name: (name, _whole) for name in (*BUCKETS, *_SUMS)},
    **{f"{name.removesuffix('_ms')}_s": (name, _milliseconds) for name in BUCKETS if name.endswith("_ms")},
    **{f"{name}_list": (name, _length) for name in (*UNITS, "extra_web_searches")},
    "cost": ("cost", _dollars),
    "cost_ticks": ("cost", of_ticks),
}

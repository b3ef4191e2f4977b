"""What one call used, in disjoint buckets, and on which terms: integers, no SDK, no prices, no OpenTelemetry."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

INPUT_TOKENS = (
    "input",  # fresh text (and whatever the provider does not price apart)
    "cache_read",
    "cache_write",  # written for the provider's default time to live
    "cache_write_5m",
    "cache_write_30m",
    "cache_write_1h",
    "cache_write_12h",
    "input_audio",
    "input_image",
    "input_video",
    "cache_read_audio",
    "cache_read_image",
    "cache_read_video",
    "input_grounding",  # what a search of the provider's own brought into the prompt, and is not billed
)
OUTPUT_TOKENS = (
    "output",  # visible text
    "reasoning",
    "citation",  # Perplexity meters text that it quotes apart
    "output_audio",
    "output_image",
    "output_video",
)
UNITS = (
    "requests",
    "images",
    "pages",
    "input_pixels",
    "input_characters",
    "output_characters",
    "input_audio_ms",  # milliseconds: providers bill fractions of a second
    "output_audio_ms",
    "output_video_ms",
    "compute_ms",
    "search_units",
    "classifications",
    "web_searches",
    "web_fetches",
    "file_searches",
    "maps_searches",
    "code_sessions",  # of a container of 1 GB: a larger one is as many of them
)
TOKENS = INPUT_TOKENS + OUTPUT_TOKENS
CACHE_READS = tuple(name for name in INPUT_TOKENS if name.startswith("cache_read"))
CACHE_WRITES = tuple(name for name in INPUT_TOKENS if name.startswith("cache_write"))
BUCKETS = frozenset(TOKENS + UNITS)
MOST = 10**12  # of anything in one call: what is above it is no count, and would not fit into what carries the sums
MOST_USD = 10**5  # for one call: what is above it is no price


class Usage:
    """Token counts and billable units of one call; every bucket disjoint, absent ones 0, immutable.

    `Usage(input=400, cache_read=600, output=150, reasoning=50)` was a prompt of 1,000 tokens, 600 of them
    from the cache, and an answer of 200 tokens, 50 of them thoughts.

    Raises:
        ValueError: An unknown bucket, or a count that is not a whole number from 0 to 10**12.
    """

    __slots__ = ("_counts", "total_cache_read", "total_cache_write", "total_input", "total_output")
    _counts: dict[str, int]
    total_input: int  # all input tokens, cached ones included, as OpenTelemetry's conventions count them
    total_output: int  # all output tokens, reasoning included
    total_cache_read: int  # input tokens served from the provider's cache
    total_cache_write: int  # input tokens written to the provider's cache, of any time to live

    if TYPE_CHECKING:  # one line per bucket for editors; their properties are made below
        input: int
        cache_read: int
        cache_write: int
        cache_write_5m: int
        cache_write_30m: int
        cache_write_1h: int
        cache_write_12h: int
        input_audio: int
        input_image: int
        input_video: int
        cache_read_audio: int
        cache_read_image: int
        cache_read_video: int
        input_grounding: int
        output: int
        reasoning: int
        citation: int
        output_audio: int
        output_image: int
        output_video: int
        requests: int
        images: int
        pages: int
        input_pixels: int
        input_characters: int
        output_characters: int
        input_audio_ms: int
        output_audio_ms: int
        output_video_ms: int
        compute_ms: int
        search_units: int
        classifications: int
        web_searches: int
        web_fetches: int
        file_searches: int
        maps_searches: int
        code_sessions: int

    def __init__(self, **counts: int) -> None:
        for bucket, count in counts.items():
            if bucket not in BUCKETS:
                raise ValueError(f"unknown usage bucket {bucket!r}")
            if type(count) is not int or not 0 <= count <= MOST:
                raise ValueError(f"usage bucket {bucket} must be a whole number from 0 to {MOST:,}, not {count!r}")
        _fill(self, {bucket: count for bucket, count in counts.items() if count})

    @classmethod
    def of(cls, counts: dict[str, int]) -> Usage:
        """A Usage over positive counts that are known to be good; takes the dict over, without a copy."""
        usage = cls.__new__(cls)
        _fill(usage, counts)
        return usage

    @property
    def counts(self) -> Mapping[str, int]:
        """Only the buckets that are not 0."""
        return self._counts

    def __setattr__(self, name: str, value: object) -> None:
        raise AttributeError("a Usage cannot be changed; add two for a new one")

    def __add__(self, other: Usage) -> Usage:
        counts = dict(self._counts)
        for bucket, count in other._counts.items():
            counts[bucket] = counts.get(bucket, 0) + count
        return Usage.of(counts)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Usage) and self._counts == other._counts

    def __hash__(self) -> int:
        return hash(frozenset(self._counts.items()))

    def __iter__(self) -> Iterator[tuple[str, int]]:
        return iter(self._counts.items())

    def __bool__(self) -> bool:
        return bool(self._counts)

    def __reduce__(self) -> tuple[object, ...]:
        return Usage.of, (self._counts,)

    def __repr__(self) -> str:
        return f"Usage({', '.join(f'{bucket}={count}' for bucket, count in self._counts.items())})"


for _name in BUCKETS:  # no `__getattr__`: it would make every attribute slow
    setattr(Usage, _name, property(lambda usage, bucket=_name: usage._counts.get(bucket, 0)))  # type: ignore[misc]
del _name


class Terms(NamedTuple):
    """On which terms the provider served a call, as far as they change the price; empty means its standard."""

    tier: str = ""  # flex, priority, scale, fast, batch ...: the tier that served, not the one asked for
    speed: str = ""  # Anthropic: fast
    geo: str = ""  # where inference ran, or a data-residency host: us, eu, a cloud region
    batch: bool = False
    size: str = ""  # of images and videos: 1024x1024
    quality: str = ""  # of images: standard, hd, low, medium, high
    search_context: str = ""  # of web searches: low, medium, high
    search_tool: str = ""  # which web search tool was billed: web_search, web_search_preview
    deployment: str = ""  # Azure, Bedrock: global, data_zone, regional, provisioned


STANDARD = Terms()


class ModelUsage(NamedTuple):
    """A part of a call that another model did, billed at that model's price (Anthropic advisor, Groq compound)."""

    model: str
    usage: Usage


_INPUT, _OUTPUT = frozenset(INPUT_TOKENS), frozenset(OUTPUT_TOKENS)
_READS, _WRITES = frozenset(CACHE_READS), frozenset(CACHE_WRITES)
# past `__setattr__`, and quicker than that of `object`
_put_counts, _put_input, _put_output, _put_read, _put_write = (
    vars(Usage)[name].__set__
    for name in ("_counts", "total_input", "total_output", "total_cache_read", "total_cache_write")
)


def _fill(usage: Usage, counts: dict[str, int]) -> None:
    """Add up once what is asked for several times."""
    total_input = total_output = cache_read = cache_write = 0
    for bucket, count in counts.items():
        if bucket in _OUTPUT:
            total_output += count
        elif bucket in _INPUT:
            total_input += count
            if bucket in _READS:
                cache_read += count
            elif bucket in _WRITES:
                cache_write += count
    _put_counts(usage, counts)
    _put_input(usage, total_input)
    _put_output(usage, total_output)
    _put_read(usage, cache_read)
    _put_write(usage, cache_write)

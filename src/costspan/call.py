"""One LLM call from its start to its end: what was asked, what came back, what it used. No SDK, no OpenTelemetry."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from enum import Enum
from typing import TYPE_CHECKING, Any, Protocol

from costspan.bill import Bill
from costspan.usage import STANDARD, ModelUsage, Terms, Usage

if TYPE_CHECKING:
    from collections.abc import Mapping
    from decimal import Decimal

    from costspan.bill import Bills


class UsageSource(str, Enum):
    """Who counted the tokens."""

    PROVIDER = "provider"
    TOKENIZER = "tokenizer"
    HEURISTIC = "heuristic"

    __str__ = str.__str__  # as `PriceStatus`


@dataclass(slots=True)
class Request:
    """What the program asked for, as far as telemetry and pricing use it."""

    operation: str  # chat, text_completion, embeddings, … as the conventions name it
    provider: str  # gen_ai.provider.name
    model: str = ""
    stream: bool = False
    biller: str = ""  # whose price list applies, where that is not the provider (a router's upstream, an unknown host)
    geo: str = ""  # the region that the address names, where it changes the price
    host: str = ""
    port: int = 0
    resource: str = ""  # id of what is asked for, where the address names it: a batch, a stored response
    parameters: dict[str, Any] = field(default_factory=dict)  # temperature, max_tokens …, by their conventional names
    attribution: Mapping[str, str] = field(default_factory=dict)  # user, session, … that SDK arguments name
    native_tracer: Any = None  # the SDK's own, if it makes a span for this call by itself; opaque here
    parsing: Any = None  # what holds the answer while the SDK makes of it what the program asked for; opaque here
    prompt_hash: str = ""  # keyed, where the settings ask for it
    body: Any = None  # the SDK's own arguments, only held for local counting and content capture, never written to


@dataclass(slots=True)
class Reply:
    """What came back. `usage` is None as long as nobody has counted; it is not the same as an empty Usage."""

    model: str = ""
    id: str = ""
    finish_reasons: tuple[str, ...] = ()
    usage: Usage | None = None
    parts: tuple[ModelUsage, ...] = ()  # billed besides `usage`, at the prices of other models
    terms: Terms = STANDARD
    stated_cost: Decimal | None = None  # USD that the provider says it charges
    gateway_cost: Decimal | None = None  # USD by a gateway's own list, for models that our price list lacks
    clamped: bool = False  # the provider's numbers contradicted themselves and were cut to what is possible
    unpriced: str = ""  # why a price would be a guess (a router that does not say which model served)
    untold: str = ""  # why the usage is only a part of what was used
    free: bool = False  # an operation that is never billed: token counting, moderation
    source: UsageSource = UsageSource.PROVIDER
    text: str = ""  # what arrived, kept only where tokens must be counted locally
    prompt: dict[str, int] | None = None  # how the input divides over the parts of the prompt: an estimate
    answer: Any = None  # the response itself, only held where content is captured
    partial: bool = False  # the program left the stream before its end
    cached: bool = False  # answered by a cache of the program's own side: nothing was spent
    saved: Usage | None = None  # what the cached answer would have used
    saved_femto: int | None = None  # and cost, in femto-dollars; None if that is not known
    pending: bool = False  # it runs on at the provider: what it used is told when it is asked for
    already_billed: bool = False  # a retrieved response whose making was billed before


class Observer(Protocol):
    """Who is told about a call: telemetry. Never waits; the caller guards."""

    bills: Bills  # of what the program gets

    def watching(self) -> bool:
        """Whether a call that begins here and now is to be told (not inside another call, not suppressed)."""
        ...

    def refusal(self, call: Call) -> Exception | None:
        """What the program is to get instead of this call (or of more of its stream): its budget is spent."""
        ...

    def started(self, call: Call) -> object:
        """The call begins, and the program is inside of it until `paused` gets what this returns."""
        ...

    def paused(self, scope: Any) -> None: ...

    def finished(self, call: Call) -> None: ...


class Call:
    """The life of one call: started, first chunk, finished or failed, exactly once, on any thread.

    Times are seconds of `time.perf_counter()`; `started_ns` is wall clock time since the epoch.
    """

    __slots__ = (
        "__weakref__",
        "_observer",
        "begun",
        "bill",
        "chunks",
        "content",
        "dropped",
        "ended",
        "error",
        "first_chunk",
        "metered",
        "open",
        "process",
        "reply",
        "request",
        "scope",
        "span",
        "started_ns",
        "state",
    )

    def __init__(self, request: Request, observer: Observer) -> None:
        self.request = request
        self.reply = Reply()
        self.error = ""  # its name; the error itself holds the frames of a stream, which would stay open with it
        self.first_chunk: float | None = None
        self.chunks = 0
        self.ended: float | None = None
        self.span: Any = None  # telemetry's own, opaque here
        self.state: Any = None  # telemetry's own, opaque here
        self.scope: Any = None  # who pays and which budgets hold where the call began; telemetry's own
        self.process: Any = None  # where it began; telemetry's own
        self.metered = False  # whether a budget watches over the stream while it runs
        self.dropped = False  # by the garbage collector, which comes at any moment: no lock may be taken in its thread
        self.bill = Bill()
        self.content: dict[str, str] | None = None  # what was asked, where content is captured; telemetry's own
        self._observer = observer
        self.open = True  # until `finish`, `fail` or `forget`
        self.started_ns = time.time_ns()
        self.begun = time.perf_counter()

    @property
    def duration_seconds(self) -> float:
        """From start to end, or to now."""
        return (self.ended or time.perf_counter()) - self.begun

    def chunk(self, count: int = 1) -> None:
        """A part of a streamed answer has arrived, or so many."""
        self.chunks += count
        if self.first_chunk is None:
            self.first_chunk = time.perf_counter()

    def finish(self) -> None:
        """The answer is complete (or the program wants no more of it). Only the first end counts."""
        if not self.open:
            return
        self.open = False
        self.ended = time.perf_counter()
        self._observer.finished(self)

    def forget(self) -> None:
        """Nothing happened that telemetry should hear of: a look at an answer that was billed before."""
        self.open = False

    def fail(self, error: BaseException) -> None:
        """The call raised `error` into the program. What was used up to then stays billed."""
        if self.open:
            self.error = type(error).__qualname__
            self.finish()

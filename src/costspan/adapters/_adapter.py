"""What an adapter declares: data, no branch, no SDK import. One `ADAPTER` per file in this folder."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from importlib import import_module
from typing import TYPE_CHECKING, Any

from costspan.adapters._paths import Read, path

if TYPE_CHECKING:
    from collections.abc import Mapping

    from costspan.adapters._sessions import Session
    from costspan.adapters._usage import UsageMap
    from costspan.adapters._watch import Watch
    from costspan.call import Call, Reply, Request

# A named piece of logic of one SDK: may complete the Reply from the last thing seen (in a stream the last that told
# usage, if any did). Runs once, at the end of a call.
Hook = Callable[["Request", Any, "Reply"], None]
# For a stream whose items are answers of their own (the results of a batch): runs for each, and adds it to the reply.
Tally = Callable[["Call", Any], None]
# For an answer that is read in a way of its own: puts the watch where it sees what the host will read. What it gives,
# if anything, stands in for the answer.
Deliver = Callable[[Any, "Watch"], Any]


@dataclass(slots=True)
class Reads:
    """What reads the paths of an operation; None where it has none."""

    model: Read | None
    id: Read | None
    finish: Read | None
    text: Read | None
    full_text: Read | None
    error: Read | None
    request_model: Read | None
    parameters_in: Read | None
    output_type: Read | None


@dataclass(frozen=True, eq=False)
class Operation:
    """One kind of call of an SDK: its name in the conventions, and where its numbers and names are.

    Paths are read from the response, and in a stream from every chunk: the last one that is there wins.
    """

    name: str
    usage: UsageMap | None = None
    model: str = "model"
    id: str = "id"
    finish: str = ""  # one reason or a list of them
    text: str = ""  # of a chunk: what a local count needs when the stream is left early
    full_text: str = ""  # of a complete response: likewise
    terms: Mapping[str, str] = field(default_factory=dict)  # field of Terms: path in response or chunk
    asked: Mapping[str, str] = field(default_factory=dict)  # field of Terms: path in the request
    error: str = ""  # an error told inside a response or chunk of a call that did not raise
    free: bool = False
    asks_usage: bool = False  # a stream tells its usage only if `stream_options.include_usage` is sent
    lazy: bool = False  # a stream asks the provider only when it is iterated
    # asks for what was made before: only told to telemetry if a hook finds something to bill. One that names a model
    # starts what is billed later: budgets may refuse it, and it is told if it fails
    lookup: bool = False
    silent: bool = False  # of a lookup that starts what another call tells of: only budgets are asked
    known: Callable[[str], bool] | None = None  # whether it is a call, by the id of what is asked for
    hook: Hook | None = None
    tally: Tally | None = None
    deliver: Deliver | None = None
    session: Callable[[Watch], Session] | None = None  # a connection, which is no call itself: sees those that it makes
    parameters: Mapping[str, str] = field(default_factory=dict)  # request argument: name after gen_ai.(request.)
    parameters_in: str = "."  # where in the request those arguments are
    output_type: str = ""  # in the request: of which type the answer is to be, in the provider's word for it
    attribution: Mapping[str, str] = field(default_factory=dict)  # path in the request: who pays (user, session)
    request_model: str = "model"
    read: Reads = field(init=False)  # the paths above, compiled
    read_terms: tuple[tuple[str, Read], ...] = field(init=False)
    read_asked: tuple[tuple[str, Read], ...] = field(init=False)
    read_payers: tuple[tuple[str, Read], ...] = field(init=False)
    names_payers: frozenset[str] = field(init=False)  # the arguments that those begin at
    names_output: frozenset[str] = field(init=False)  # likewise of the output's type

    def __post_init__(self) -> None:
        """Compile every path once; frozen data, so they are put beside it."""
        compiled = (path(text) if (text := getattr(self, name)) else None for name in Reads.__slots__)
        object.__setattr__(self, "read", Reads(*compiled))
        object.__setattr__(self, "read_terms", tuple((name, path(text)) for name, text in self.terms.items()))
        object.__setattr__(self, "read_asked", tuple((name, path(text)) for name, text in self.asked.items()))
        payers = tuple((name, path(text)) for text, name in self.attribution.items())
        object.__setattr__(self, "read_payers", payers)
        object.__setattr__(self, "names_payers", frozenset(text.partition(".")[0] for text in self.attribution))
        outputs = (text.partition(".")[0] for text in self.output_type.split("|"))
        object.__setattr__(self, "names_output", frozenset(outputs))


@dataclass(slots=True)
class Opened:
    """A call as a seat saw it begin: what is asked, and the arguments to go on with (the host's own, or copies)."""

    operation: Operation
    request: Request
    args: tuple[Any, ...]
    kwargs: Mapping[str, Any]
    hidden: bool = False  # we asked for a usage chunk: the host must not see it


# How a seat reads the start of a call: (adapter, seat, instance, args, kwargs, settings) -> Opened, or None: not ours.
Open = Callable[..., "Opened | None"]


@dataclass(frozen=True, eq=False)
class Seat:
    """One place in an SDK where we sit: a callable to wrap, and how to read what passes."""

    module: str
    name: str  # `Class.method`, or a function
    open: Open | None = None  # None: not a call, but the place where a stream or raw response ends
    operation: Operation | None = None  # for a seat that serves just one
    closes: str = ""  # for a seat that ends a stream: path to the observed iterator, or "response" if the SDK wraps it
    rereads: str = ""  # for a seat that makes an object which reads the response of a stream anew: path to its stream
    steps: bool = False  # `__next__` of the SDK's own stream, where nothing inside of it could be stood in for
    receives: bool = False  # for a seat through which the next message of a session comes
    parses: bool = False  # for a seat through which a raw response turns into what it holds
    notes: Callable[..., Any] | None = None  # for a seat inside of a call: the wrapper, which notes what it is given
    waits: bool = False  # an `async def`: the call begins when it is awaited
    streams: bool = False  # always gives a stream, without being asked for one
    arguments: tuple[str, ...] = ()  # the names of those that may be given by position
    also: str = ""  # another module that exports the very same function


@dataclass(frozen=True, eq=False)
class Route:
    """An HTTP call by its method and the end of its path; `{id}` stands for one segment."""

    method: str
    suffix: str
    operation: Operation


# The SDK's own tracer, if it will make a span for this call: (instance, args, kwargs) -> tracer, or None.
NativeTracer = Callable[[Any, "tuple[Any, ...]", "Mapping[str, Any]"], Any]


@dataclass(frozen=True, eq=False)
class Adapter:
    """All that costspan knows of one SDK."""

    provider: str  # gen_ai.provider.name, unless the host says otherwise
    package: str  # distribution and lowest version that is supported
    seats: tuple[Seat, ...]
    routes: tuple[Route, ...] = ()
    calls: Mapping[str, Operation] = field(default_factory=dict)  # for an SDK with one method for all: by call name
    by_host: bool = False  # the SDK is a flavour that many hosts speak: the address tells the provider
    clients: Mapping[str, str] = field(default_factory=dict)  # class of a platform's client: its provider
    native_tracer: NativeTracer | None = None  # for an SDK that makes a span for the call by itself
    iterator: str = "_iterator"  # of the SDK's stream objects: the attribute that holds what they iterate
    address: str = ""  # path from what a seat is called on to the base URL, for SDKs without a choke point
    home: str = ""  # the base URL, unless a client is given another

    @property
    def distribution(self) -> str:
        """Name on the package index: `openai`."""
        return self.package.partition(" ")[0]


def methods(
    where: str,
    operations: Mapping[str, Operation],
    *,
    opener: Open,
    later: str = "",
    waits: bool = False,
    arguments: tuple[str, ...] = (),
) -> tuple[Seat, ...]:
    """The seats of a class without a choke point, `package.module:Class` (or of a module: `package.module:`).

    `waits` if its methods are `async def`; `later` is how their async twins are called, where a class has both:
    `{}_async`. A method whose name says `stream` always gives one.
    """
    module, _, owner = where.partition(":")
    named = [(name, operation, waits) for name, operation in operations.items()]
    named += [(later.format(name), operation, True) for name, operation in operations.items() if later]
    return tuple(
        Seat(
            module,
            f"{owner}.{name}".lstrip("."),
            open=opener,
            operation=operation,
            waits=awaited,
            streams="stream" in name,
            arguments=arguments,
        )
        for name, operation, awaited in named
    )


def load(name: str) -> Adapter:
    """The adapter of the file of this name, as entry points and settings call it: `openai`, `google_genai`."""
    adapter: Adapter = import_module(f"costspan.adapters.{name}").ADAPTER
    return adapter


def some(routes: tuple[Route, ...], *suffixes: str) -> tuple[Route, ...]:
    """Those of the routes that end so, for an SDK of the same family whose provider has only these."""
    return tuple(route for route in routes if route.suffix in suffixes)

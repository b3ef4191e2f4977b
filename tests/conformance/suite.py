"""Cases from tables: an operation of an SDK, a call shape, an odd answer. Each runs bare and with costspan, and is compared."""

from __future__ import annotations

from contextlib import nullcontext
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple

from conformance.host import Host, finish

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping


class Operation(NamedTuple):
    """One thing that an SDK can do, and how to ask for it."""

    name: str
    path: str  # from the client: chat.completions.create
    arguments: Callable[[], dict]  # fresh ones for every call
    spans: int = 1  # LLM calls that telemetry must see

    def __str__(self):
        return self.name


class Shape(NamedTuple):
    """One way to make a call: `run(host, call, arguments)`, where `call` is the SDK's own method."""

    name: str
    run: Callable
    via: str = ""  # with_raw_response, with_streaming_response
    early: bool = False  # the method is taken from the client before costspan is switched on
    more: Mapping[str, Any] = {}  # arguments that make the shape, as stream=True

    def __str__(self):
        return self.name


class Client(NamedTuple):
    """A sync or async client of the SDK, and how its steps are run."""

    name: str
    sdk: Any
    run: Callable = finish

    def __str__(self):
        return self.name


@dataclass(frozen=True)
class Case:
    """One call in one shape, answered in one way."""

    operation: Operation
    shape: Shape
    client: str  # sync, async
    answer: str = "as usual"
    play: tuple = ()
    options: Mapping[str, Any] = field(default_factory=dict)  # of the client: max_retries

    def __str__(self):
        return f"{self.operation}-{self.shape}-{self.client}-{self.answer}"

    def observe(self, client, fake, costspan=nullcontext):
        """The diary of a host program that makes this call."""
        fake.clear()
        fake.play(*self.play)
        host, arguments = Host(), self.operation.arguments()
        sdk = client.sdk.with_options(**self.options) if self.options else client.sdk
        early = _method(sdk, self.operation.path, self.shape.via) if self.shape.early else None
        with costspan():
            call = early or _method(sdk, self.operation.path, self.shape.via)
            client.run(_make(host, self.shape, call, {**arguments, **self.shape.more}))
        host.see("own arguments", [_left(value) for value in arguments.values()])
        host.see_wire(fake.requests)
        return host.diary


async def _make(host, shape, call, arguments):
    try:
        await shape.run(host, call, arguments)
    except Exception as error:  # noqa: BLE001 whatever the SDK raises is what is compared
        host.see("raised", error)


def _method(client, path, via):
    *owners, name = path.split(".")
    for each in owners:
        client = getattr(client, each)
    return getattr(getattr(client, via) if via else client, name)


def _left(argument):
    """What the call has left of an argument: nothing of an iterator, all of the rest."""
    return list(argument) if hasattr(argument, "__next__") else argument

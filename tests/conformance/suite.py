"""Cases from tables: an operation of an SDK, a call shape, an odd answer; each runs bare and with costspan."""

from __future__ import annotations

import asyncio
import gc
import time
import warnings
from dataclasses import dataclass, field
from itertools import zip_longest
from typing import TYPE_CHECKING, Any, NamedTuple

from conformance.host import Host, finish

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping


class Operation(NamedTuple):
    """One thing that an SDK can do, and how to ask for it."""

    name: str
    path: str  # from the client: chat.completions.create
    arguments: Callable[[], dict]  # fresh ones for every call
    spans: int | None = 1  # LLM calls that telemetry must tell; None: that depends on what was told before

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
class Group:
    """One operation in one shape on one client, answered in several ways: one case each."""

    operation: Operation
    shape: Shape
    client: str  # sync, async
    answers: Mapping[str, tuple] = field(default_factory=lambda: {"as usual": ()})  # name to what the fake plays
    options: Mapping[str, Any] = field(default_factory=dict)  # of the client: max_retries

    def __str__(self):
        return f"{self.operation}-{self.shape}-{self.client}-{next(iter(self.answers))}"

    def differences(self, client, fake, instrumented):
        """What the host sees otherwise with costspan, and calls not told once; by answer, empty if all is well."""
        sdk = client.sdk.with_options(**self.options) if self.options else client.sdk
        early = _method(sdk, self)
        bare = {name: self._observe(client, early, fake, name) for name in self.answers}
        found = {}
        with instrumented():
            call = early if self.shape.early else _method(sdk, self)
            for name in self.answers:
                ours = self._observe(client, call, fake, name)
                asked = fake.requests or any(what == "raised" for what, *_ in ours)
                wanted = self.operation.spans if asked else 0  # some streams ask only when they are iterated
                told = calls_told(client, instrumented, pause=0.05 if wanted else 0)
                if ours != bare[name] or wanted not in (None, told):
                    found[name] = _first_difference(bare[name], ours) or f"{told} spans, the host saw {ours[0]}"
        return found

    def _observe(self, client, call, fake, answer):
        """The diary of a host program that makes this call."""
        fake.clear()
        fake.play(*self.answers[answer])
        host, arguments = Host(), self.operation.arguments()
        client.run(_make(host, self.shape, call, {**arguments, **self.shape.more}))
        if client.name == "async":
            client.run(breathe())
        host.see("own arguments", [_left(value) for value in arguments.values()])
        host.see_wire(fake.requests)
        return host.diary


def calls_told(client, instrumented, pause=0):
    """How many calls were told; those that only garbage collection ends come after it.

    A generator may hold a generator; a thread of the SDK may hold a stream a little longer: `pause` seconds for it.
    """
    for wait in (0, 0, pause, 10 * pause):
        if spans := instrumented.spans:
            return len(spans)
        time.sleep(wait)
        gc.collect()
        if client.name == "async":
            client.run(breathe())
    return len(instrumented.spans)


def collect():
    """Here and now: not every SDK can close what it opened, and its warning is not for another test."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        gc.collect()


async def breathe():
    """The event loop closes dropped generators in its own time."""
    for _ in range(5):
        await asyncio.sleep(0)


async def _make(host, shape, call, arguments):
    try:
        await shape.run(host, call, arguments)
    except Exception as error:  # noqa: BLE001 whatever the SDK raises is what is compared
        host.see("raised", error)


def _method(client, group):
    *owners, name = group.operation.path.split(".")
    for each in (*owners, *filter(None, [group.shape.via])):
        client = getattr(client, each)
    return getattr(client, name)


def _first_difference(bare, ours):
    """The first entries of two diaries that are not the same: without costspan, with it."""
    return next(((one, other) for one, other in zip_longest(bare, ours) if one != other), None)


def _left(argument):
    """What the call has left of an argument: nothing of an iterator, all of the rest."""
    return list(argument) if hasattr(argument, "__next__") else argument

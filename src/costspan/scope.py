"""What a place in the program inherits: who pays, and where spend is summed up. OpenTelemetry's context carries it.

So it goes where the current span goes: into tasks, and into threads that are given the context.
"""

from __future__ import annotations

import functools
import inspect
from collections.abc import Generator
from contextvars import ContextVar
from types import AsyncGeneratorType, CoroutineType, GeneratorType
from typing import TYPE_CHECKING, Any, Generic, NamedTuple, TypeVar

from opentelemetry import context as otel
from opentelemetry import trace

from costspan.rollup import Account, Spend, deeper

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from types import TracebackType

    from opentelemetry.context import Context

_KEY = otel.create_key("costspan-scope")
PLACE = "_costspan_place"  # attribute of a span: what our span processor knows of it
ENDED = "_costspan_ended"  # attribute of a span that another is about to end: when, for SDKs that do not say yet
Decorated = TypeVar("Decorated", bound="Callable[..., Any]")
AnyRun = TypeVar("AnyRun", bound="Run")


class Scope(NamedTuple):
    """What is inherited here, from which block, and the context around it."""

    payers: Mapping[str, str] = {}
    account: Account | None = None
    run: Run | None = None
    around: Context | None = None


OUTSIDE = Scope()


# What a middleware of ours says of the request: instrumentations of web frameworks begin its span in a context made of
# its headers alone, and make that the current one
REQUEST: ContextVar[Scope] = ContextVar("costspan-request", default=OUTSIDE)


def scope_in(context: Context) -> Scope:
    """The scope of a context: that of our own `with` blocks, and of the spans around (a server's, an agent's)."""
    scope = _own(context)
    place = getattr(trace.get_current_span(context), PLACE, None)
    if place is None or place.account is None:
        return scope
    return Scope(scope.payers or place.payers, deeper(scope.account, place.account))


def _own(context: Context) -> Scope:
    return context.get(_KEY, OUTSIDE)  # type: ignore[return-value] # only ever set below


class Run:
    """One passage through a block: entered and left once, or for every step of a generator; closed at the end."""

    def __init__(self, payers: Mapping[str, str], account: Account) -> None:
        self.payers = payers
        self.account = account

    @property
    def spent(self) -> Spend:
        """What the calls inside have spent so far."""
        return self.account.spent

    def enter(self) -> None:
        """Make this what code that runs now inherits."""
        around = otel.get_current()
        scope = Scope(self.payers, self.account, self, around)
        otel.attach(otel.set_value(_KEY, scope, self.in_context(around)))

    def leave(self) -> None:
        """Back to what was around. Blocks that were entered inside and are not left yet (by a generator) stay."""
        current = otel.get_current()
        scope: Any = current.get(_KEY, OUTSIDE)
        otel.attach(scope.around if scope.run is self else _without(self, current))

    def in_context(self, around: Context) -> Context:
        """What else becomes current inside: a span."""
        return around

    def close(self, error: BaseException | None) -> None:
        """The end; `error` is what the block raised."""


def _without(run: Run, current: Context) -> Context:
    """This context as if the run had not been entered; itself, if it was not (the program left in another task)."""
    context, inner = current, []
    while (scope := _own(context)).around is not None and scope.run is not run:
        inner.append((context, scope))
        context = scope.around
    if scope.around is None:
        return current
    kept = scope.around
    for entered, scope in reversed(inner):
        kept = otel.set_value(_KEY, scope._replace(around=kept), entered)
    return kept


class Scoped(Generic[AnyRun]):
    """A `with` block (sync or async) and a decorator of any function: sync, async, generator, async generator.

    As a decorator every call is a run of its own. The steps of a generator run inside, what is between them outside.
    """

    def __init__(self) -> None:
        self._runs: list[AnyRun] = []

    def open(self) -> AnyRun:
        """A new passage through this block, not entered yet."""
        raise NotImplementedError

    def __enter__(self) -> AnyRun:
        run = self.open()
        self._runs.append(run)
        run.enter()
        return run

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        current: Any = otel.get_current().get(_KEY, OUTSIDE)
        run = current.run if current.run in self._runs else self._runs[-1]
        self._runs.remove(run)
        run.leave()
        run.close(error)

    async def __aenter__(self) -> AnyRun:
        return self.__enter__()

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.__exit__(kind, error, trace)

    def __call__(self, function: Decorated) -> Decorated:
        if isinstance(function, (staticmethod, classmethod)):
            return type(function)(self(function.__func__))
        wrap = _wrapper_of(function)
        if wrap is None:
            raise TypeError(f"{function!r} is no function to decorate; arguments are given by name")
        return functools.wraps(function)(wrap(function, self.open))  # type: ignore[return-value]


class _Life:
    """A run from its opening to its end, however that comes; not entered yet."""

    def __init__(self, run: Run) -> None:
        self.run = run

    def __enter__(self) -> Run:
        return self.run

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.run.close(None if isinstance(error, GeneratorExit) else error)


class _Step:
    """A step taken inside a run."""

    def __init__(self, run: Run) -> None:
        self._run = run

    def __enter__(self) -> None:
        self._run.enter()

    def __exit__(self, *_raised: object) -> None:
        self._run.leave()


def _plain(function: Any, open_run: Callable[[], Run]) -> Any:
    def scoped(*args: Any, **kwargs: Any) -> Any:
        run = open_run()
        try:
            with _Step(run):
                result = function(*args, **kwargs)
        except BaseException as error:
            run.close(error)
            raise
        later = _LATER.get(type(result))
        # another decorator has hidden what the function is: its work is to come; any generator else may be an SDK's
        if later is not None and (later is _coroutine or later is _wrapper_of(inspect.unwrap(function))):
            return later(lambda: result, lambda: run)()
        run.close(None)
        return result

    return scoped


def _coroutine(function: Any, open_run: Callable[[], Run]) -> Any:
    async def scoped(*args: Any, **kwargs: Any) -> Any:
        with _Life(open_run()) as run, _Step(run):
            return await function(*args, **kwargs)

    return scoped


class _Steps(Generator[Any, Any, Any]):
    """A generator each of whose steps is taken inside a run."""

    def __init__(self, inner: Generator[Any, Any, Any], run: Run) -> None:
        self._inner = inner
        self._step = _Step(run)

    def send(self, value: Any) -> Any:
        with self._step:
            return self._inner.send(value)

    def throw(self, *error: Any) -> Any:
        with self._step:
            return self._inner.throw(*error)

    def close(self) -> None:
        with self._step:
            self._inner.close()


def _generator(function: Any, open_run: Callable[[], Run]) -> Any:
    def scoped(*args: Any, **kwargs: Any) -> Any:
        with _Life(open_run()) as run:
            return (yield from _Steps(function(*args, **kwargs), run))

    return scoped


def _async_generator(function: Any, open_run: Callable[[], Run]) -> Any:
    async def scoped(*args: Any, **kwargs: Any) -> Any:
        with _Life(open_run()) as run:
            inner = function(*args, **kwargs)
            step, advance = _Step(run), functools.partial(inner.asend, None)
            while True:
                try:
                    with step:
                        item = await advance()
                except StopAsyncIteration:
                    return
                try:
                    advance = functools.partial(inner.asend, (yield item))
                except GeneratorExit:
                    with step:
                        await inner.aclose()
                    raise
                except BaseException as error:  # noqa: BLE001 the program's own, thrown in: its generator gets it
                    advance = functools.partial(inner.athrow, error)

    return scoped


_WRAPPERS: tuple[tuple[Callable[[Any], bool], Callable[[Any, Callable[[], Run]], Any]], ...] = (
    (inspect.isasyncgenfunction, _async_generator),
    (inspect.isgeneratorfunction, _generator),
    (inspect.iscoroutinefunction, _coroutine),
    (callable, _plain),
)
_LATER = {AsyncGeneratorType: _async_generator, GeneratorType: _generator, CoroutineType: _coroutine}


def _wrapper_of(function: Any) -> Callable[[Any, Callable[[], Run]], Any] | None:
    """What wraps a function of this kind, or an object that is called like one; None: it is neither."""
    called = None if isinstance(function, type) else getattr(function, "__call__", None)  # noqa: B004 what kind it is
    return next((wrap for fits, wrap in _WRAPPERS if fits(function) or fits(called)), None)

"""Switches costspan on and off: entry points for `opentelemetry-instrument`, and `instrument()` for programs."""

from __future__ import annotations

import atexit
import importlib.metadata
import logging
from threading import Lock, Thread
from typing import TYPE_CHECKING, Any

from opentelemetry.instrumentation.instrumentor import BaseInstrumentor  # type: ignore[attr-defined] # untyped file

from costspan.adapters._adapter import Adapter, load
from costspan.adapters._patch import Patches
from costspan.adapters._wrap import Wrapping
from costspan.config import Settings, read_settings, tolerant_settings
from costspan.guard import Guard

if TYPE_CHECKING:
    from collections.abc import Collection

    from costspan.telemetry.enrichment import Enrichment
    from costspan.telemetry.recorder import Recorder

_log = logging.getLogger("costspan")
_EXIT = Guard("send the last telemetry")
_FOLLOW = Guard("follow the spans of other tools")
GROUP = "opentelemetry_instrumentor"
PROVIDERS = ("tracer_provider", "meter_provider", "logger_provider", "redact")  # handed on as they are


class Plugin:
    """What all adapters of this process share while costspan is on: one recorder, and the wrappings."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._recorder: Recorder | None = None
        self._placed: dict[str, tuple[Wrapping, Patches]] = {}
        self._followers: list[tuple[Any, Enrichment]] = []  # by provider; some are not hashable
        self.settings = Settings()

    def start(self, settings: Settings, providers: dict[str, Any]) -> Recorder:
        """Make the recorder, unless there is one, and follow the spans of other tools."""
        if self._recorder is None:
            self.settings = settings
            self._recorder = _make_recorder(settings, providers)
            provider = providers.get("tracer_provider")
            self._recorder.at_first_call = lambda: self._follow(provider)
            self._follow(provider)
        return self._recorder

    def stop(self) -> None:
        """Let the recorder go, unless an adapter still uses it; the span processor stays and does nothing."""
        with self._lock:
            if not self._placed:
                self._recorder = None
                for _, follower in self._followers:
                    follower.teller = None

    def _follow(self, provider: Any) -> None:
        """Add our span processor to a provider, once. One that the program sets up later is met at the first call."""
        with _FOLLOW:
            from costspan.telemetry.enrichment import Enrichment, provider_of  # noqa: PLC0415 needs the SDK

            found = provider_of(provider)
            if found is None:
                return
            follower = next((follower for provider, follower in self._followers if provider is found), None)
            if follower is None:
                follower = Enrichment()
                self._followers.append((found, follower))
                found.add_span_processor(follower)
            follower.teller = self._recorder

    def add(self, name: str, adapter: Adapter, settings: Settings, providers: dict[str, Any]) -> None:
        """Place an adapter's wrappers; the first one makes the recorder, with these providers."""
        with self._lock:
            recorder = self.start(settings, providers)
            wrapping, patches = Wrapping(adapter, recorder, self.settings), Patches()
            for seat in adapter.seats:
                patches.place(seat.module, seat.name, wrapping.wrapper(seat))
            self._placed[name] = wrapping, patches
            atexit.register(wrapping.leave_streams)

    def remove(self, name: str) -> None:
        """Take an adapter's wrappers out; the last one lets the recorder go."""
        with self._lock:
            wrapping, patches = self._placed.pop(name)
            wrapping.on = False
            patches.remove()
            atexit.unregister(wrapping.leave_streams)
        self.stop()

    @property
    def active(self) -> dict[str, Patches]:
        """The adapters that are on, and what they have placed so far."""
        return {name: patches for name, (_, patches) in self._placed.items()}

    @property
    def recorder(self) -> Recorder | None:
        """Who is told about calls; None while costspan is off."""
        return self._recorder


PLUGIN = Plugin()  # one per process: SDKs can be patched only once


class SdkInstrumentor(BaseInstrumentor):  # type: ignore[misc] # as above
    """Instruments one SDK; subclasses are made per adapter by `__getattr__` below, as entry points ask for them."""

    name: str
    _adapter: Adapter | None = None

    def instrumentation_dependencies(self) -> Collection[str]:
        """The SDK and its lowest version; no highest, so a newer major is tried."""
        return (load(self.name).package,)

    def _instrument(self, **kwargs: Any) -> None:
        providers = {key: kwargs.pop(key) for key in PROVIDERS if key in kwargs}
        settings = kwargs.pop("settings", None) or tolerant_settings(**kwargs)
        PLUGIN.add(self.name, load(self.name), settings, providers)

    def _uninstrument(self, **_kwargs: Any) -> None:
        PLUGIN.remove(self.name)


def __getattr__(name: str) -> type[SdkInstrumentor]:
    """The instrumentor class of an adapter: `costspan.instrumentors:openai` in an entry point."""
    if name.startswith("_") or name not in adapter_names():
        msg = f"module {__name__!r} has no attribute {name!r}"
        raise AttributeError(msg)
    made: type[SdkInstrumentor] = type(
        f"{name.title().replace('_', '')}Instrumentor", (SdkInstrumentor,), {"name": name}
    )
    globals()[name] = made
    return made


def adapter_names() -> tuple[str, ...]:
    """The SDKs that costspan knows: its own entry points."""
    own = (f"{__name__}:", f"{__name__}.")
    points = importlib.metadata.entry_points(group=GROUP)
    return tuple(sorted({point.value.rpartition(":")[2] for point in points if point.value.startswith(own)}))


def instrument(**given: Any) -> None:
    """Switch costspan on for every SDK that is installed, now or when it is imported.

    Keywords: any setting by its name (see README), and `tracer_provider`, `meter_provider`, `logger_provider`. Where
    none is given and the program has set none up, they are made, with OTLP exporters from OpenTelemetry's variables.
    `redact`, a function from text to text, is asked for every text before content that is captured leaves.

    Raises:
        SettingError: A setting is not known, its value not allowed, or the budget file not understood.
    """
    providers = {key: given.pop(key) for key in PROVIDERS if given.get(key) is not None}
    settings = read_settings(**given)
    if settings.budgets:
        from costspan.limits import read_quotas  # noqa: PLC0415 only who sets limits

        read_quotas(settings.budgets)
    if not providers.keys() - {"redact"}:
        set_up_providers(settings)
    for name in adapter_names():
        instrumentor = __getattr__(name)() if name not in globals() else globals()[name]()
        if not instrumentor.is_instrumented_by_opentelemetry and instrumentor._check_dependency_conflicts() is None:
            instrumentor.instrument(settings=settings, skip_dep_check=True, **providers)
    PLUGIN.start(settings, providers)


def uninstrument() -> None:
    """Switch costspan off: every original is put back; streams that are open end as they would have."""
    for name in tuple(PLUGIN.active):
        globals()[name]().uninstrument()
    PLUGIN.stop()


def follow_spans() -> None:
    """After all instrumentors: price the spans of other tools, also where no SDK of ours is installed."""
    with _FOLLOW:
        PLUGIN.start(tolerant_settings(), {})


def set_up_providers(settings: Settings | None = None) -> None:
    """Make providers with the exporters of OpenTelemetry's own variables, if there are none."""
    from costspan.telemetry.setup import set_up  # noqa: PLC0415 the SDK and exporters: only where they are needed

    set_up(settings)


def _make_recorder(settings: Settings, providers: dict[str, Any]) -> Recorder:
    from opentelemetry import _logs, metrics, trace  # noqa: PLC0415 nothing is imported before it is needed

    from costspan import __version__  # noqa: PLC0415
    from costspan.pricing import Pricer  # noqa: PLC0415
    from costspan.telemetry.content import make_content  # noqa: PLC0415
    from costspan.telemetry.recorder import Recorder  # noqa: PLC0415

    logger = _logs.get_logger("costspan", __version__, providers.get("logger_provider"))
    recorder = Recorder(
        trace.get_tracer("costspan", __version__, providers.get("tracer_provider")),
        metrics.get_meter("costspan", __version__, providers.get("meter_provider")),
        logger,
        Pricer(settings.prices),
        settings,
    )
    recorder.content = make_content(logger, providers.get("redact"))
    atexit.register(_settle, recorder, providers.get("meter_provider"))
    return recorder


def _settle(recorder: Recorder, meter_provider: Any) -> None:
    """At the end of the program: show new series as 0 once, so that their value is seen as an increase."""
    from opentelemetry import metrics  # noqa: PLC0415

    def flush() -> None:
        with _EXIT:
            recorder.drain(recorder.exit_timeout)
            provider = meter_provider or metrics.get_meter_provider()
            if recorder.metrics.unsettled and hasattr(provider, "force_flush"):
                provider.force_flush(timeout_millis=1000)

    flushing = Thread(target=flush, name="costspan-flush", daemon=True)
    flushing.start()
    flushing.join(recorder.exit_timeout / 2)  # the other half is for the exporters' own shutdown
    recorder.metrics.settle()

"""Switches costspan on and off: entry points for `opentelemetry-instrument`, and `instrument()` for programs."""

from __future__ import annotations

import atexit
import importlib.metadata
import os
from dataclasses import replace
from functools import lru_cache
from threading import Lock, RLock
from typing import TYPE_CHECKING, Any

from costspan.adapters._adapter import Adapter, load
from costspan.adapters._installed import is_found, is_new_enough
from costspan.adapters._patch import Patches
from costspan.adapters._wrap import Wrapping
from costspan.config import Settings, read_settings, tolerant_settings, warn_of_slips
from costspan.forking import at_sudden_end
from costspan.guard import Guard
from costspan.pricing.registry import REGISTERED

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from opentelemetry._logs import Logger

    from costspan.entry import SdkInstrumentor
    from costspan.telemetry.content import Content
    from costspan.telemetry.enrichment import Enrichment
    from costspan.telemetry.recorder import Recorder

_EXIT = Guard("send the last telemetry")
_FOLLOW = Guard("follow the spans of other tools")
GROUP = "opentelemetry_instrumentor"
CONTENT_VARIABLE = "OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT"  # OpenTelemetry's own
DISABLED_VARIABLE = "OTEL_PYTHON_DISABLED_INSTRUMENTATIONS"  # likewise
PROVIDERS = ("tracer_provider", "meter_provider", "logger_provider", "redact")  # handed on as they are


class Plugin:
    """What all adapters of this process share while costspan is on: one recorder, and the wrappings."""

    def __init__(self) -> None:
        self.lock = RLock()  # of who switches on or off
        self.recorder: Recorder | None = None  # who is told about calls; None while costspan is off
        self._placed: dict[str, tuple[Wrapping, Patches]] = {}
        self._followers: list[tuple[Any, Enrichment]] = []  # by provider; some are not hashable
        self._following = Lock()
        self.providers: dict[str, Any] = {}
        self.settings = Settings()
        at_sudden_end(self, self.end)

    def start(self, settings: Settings, providers: dict[str, Any]) -> Recorder:
        """Make the recorder, unless there is one, and follow the spans of other tools."""
        if self.recorder is None:
            warn_of_slips()
            self.settings, self.providers = settings, providers
            self.recorder = _make_recorder(settings, providers)
            REGISTERED.pricer = self.recorder.pricer
            provider = providers.get("tracer_provider")
            self.recorder.at_first_call = lambda: self._follow(provider)
            self._follow(provider)
        return self.recorder

    def stop(self) -> None:
        """Let the recorder go, unless an adapter still uses it; the span processor stays and does nothing."""
        with self.lock:
            if not self._placed:
                self.recorder = REGISTERED.pricer = None
                for _, follower in self._followers:
                    follower.teller = None

    def _follow(self, provider: Any) -> None:
        """Add our span processor to a provider, once. One that the program sets up later is met at the first call."""
        with _FOLLOW:
            from costspan.telemetry.enrichment import Enrichment, provider_of  # noqa: PLC0415 needs the SDK

            found = provider_of(provider)
            if found is None:
                return
            with self._following:  # the first calls may be made at once
                follower = next((follower for provider, follower in self._followers if provider is found), None)
                if follower is None:
                    follower = Enrichment(found)
                    self._followers.append((found, follower))
                    found.add_span_processor(follower)
                follower.teller = self.recorder

    def add(self, name: str, adapter: Adapter, settings: Settings, providers: dict[str, Any]) -> None:
        """Place an adapter's wrappers; the first one makes the recorder, with these providers."""
        with self.lock:
            recorder = self.start(settings, providers)
            wrapping, patches = Wrapping(adapter, recorder, self.settings), Patches()
            for seat in adapter.seats:
                patches.place(seat.module, seat.name, wrapping.wrapper(seat), seat.also)
            self._placed[name] = wrapping, patches
            atexit.register(wrapping.leave_streams)

    def remove(self, name: str) -> None:
        """Take an adapter's wrappers out; the last one lets the recorder go."""
        with self.lock:
            wrapping, patches = self._placed.pop(name)
            wrapping.on = False
            patches.remove()
            atexit.unregister(wrapping.leave_streams)
        self.stop()

    def end(self) -> None:
        """Where a process skips the end of programs: all that this does, but for shutting down."""
        recorder = self.recorder
        if recorder is None:
            return
        from costspan.telemetry.setup import flush  # noqa: PLC0415 there since the recorder was made

        with _EXIT:
            for wrapping, _ in tuple(self._placed.values()):
                wrapping.leave_streams()
            _settle(recorder, self.providers.get("meter_provider"))
            flush(self.providers, recorder.exit_timeout / 2)

    @property
    def active(self) -> dict[str, Patches]:
        """The adapters that are on, and what they have placed so far."""
        return {name: patches for name, (_, patches) in self._placed.items()}


PLUGIN = Plugin()  # one per process: SDKs can be patched only once


def __getattr__(name: str) -> type[SdkInstrumentor]:
    """The instrumentor class of an adapter: `costspan.instrumentors:openai` in an entry point."""
    if name.startswith("_") or name not in adapter_names():
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from costspan.entry import SdkInstrumentor  # noqa: PLC0415 its base is heavy, and `instrument()` does without

    made: type[SdkInstrumentor] = type(
        f"{name.title().replace('_', '')}Instrumentor", (SdkInstrumentor,), {"name": name}
    )
    globals()[name] = made
    return made


@lru_cache(maxsize=1)
def _adapter_modules() -> Mapping[str, str]:
    """The module that each adapter's SDK is imported as, as our entry points say it: `…:writer [writerai]`."""
    points = importlib.metadata.distribution("costspan").entry_points
    return {point.attr: ".".join(point.extras) for point in points if point.group == GROUP}


def adapter_names() -> tuple[str, ...]:
    """The SDKs that costspan knows: its own entry points."""
    return tuple(sorted(_adapter_modules()))


def instrument(**given: Any) -> None:
    """Switch costspan on for every SDK that is installed, now or when it is imported.

    Keywords: any setting by its name (see README), and `tracer_provider`, `meter_provider`, `logger_provider`. Where
    none is given and the program has set none up, they are made, with OTLP exporters from OpenTelemetry's variables.
    `redact`, a function from text to text, is asked for every text before content that is captured leaves.
    Where costspan is on already (by `opentelemetry-instrument`), what is given here takes effect from now on. SDKs
    that OTEL_PYTHON_DISABLED_INSTRUMENTATIONS names are left alone.

    Raises:
        SettingError: A setting is not known, its value not allowed, or the budget file not understood.
    """
    providers = {key: given.pop(key) for key in PROVIDERS if given.get(key) is not None}
    settings = read_settings(**given)
    if settings.budgets:
        from costspan.limits import read_quotas  # noqa: PLC0415 only who sets limits

        read_quotas(settings.budgets)
    disabled = switched_off()
    with PLUGIN.lock:
        if PLUGIN.recorder is not None:
            settings = replace(PLUGIN.settings, **{name: getattr(settings, name) for name in given})
            providers = {**PLUGIN.providers, **providers}
            if (settings, providers) != (PLUGIN.settings, PLUGIN.providers):
                uninstrument()
        if not providers.keys() - {"redact"}:
            set_up_providers(settings)
        for name in adapter_names():
            if name in PLUGIN.active or {name, "*"} & disabled or not is_found(_adapter_modules()[name]):
                continue
            adapter = load(name)
            if is_new_enough(adapter.package):
                PLUGIN.add(name, adapter, settings, providers)
        PLUGIN.start(settings, providers)


def switched_off() -> set[str]:
    """The SDKs that OpenTelemetry's variable says to leave alone; `*` is all."""
    return {name.strip() for name in os.environ.get(DISABLED_VARIABLE, "").split(",")}


def uninstrument() -> None:
    """Switch costspan off: every original is put back; streams that are open end as they would have."""
    with PLUGIN.lock:
        for name in tuple(PLUGIN.active):
            PLUGIN.remove(name)
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
    from costspan.telemetry.delivery import follow  # noqa: PLC0415
    from costspan.telemetry.recorder import Recorder  # noqa: PLC0415

    if settings.events == "unsampled" and "tracer_provider" not in providers and _sends_no_spans():
        settings = replace(settings, events="always")
    logger = _logs.get_logger("costspan", __version__, providers.get("logger_provider"))
    recorder = Recorder(
        trace.get_tracer("costspan", __version__, providers.get("tracer_provider")),
        metrics.get_meter("costspan", __version__, providers.get("meter_provider")),
        logger,
        Pricer(settings.prices),
        settings,
    )
    recorder.content = _make_content(logger, providers.get("redact"))
    follow(providers.get("meter_provider") or metrics.get_meter_provider(), recorder.metrics)
    atexit.register(_settle, recorder, providers.get("meter_provider"))
    return recorder


def _sends_no_spans() -> bool:
    """Whether spans are made and go nowhere, so that a call must be told like one that is not sampled."""
    return os.environ.get("OTEL_TRACES_EXPORTER", "").strip().lower() == "none"


def _make_content(logger: Logger, redact: Callable[[str], str] | None) -> Content | None:
    """What captures content, if the variable says so; None: nothing is captured."""
    said = os.environ.get(CONTENT_VARIABLE, "").strip().lower()
    if not said:
        return None
    from costspan.telemetry.content import MODES, Content  # noqa: PLC0415 only where it may be wanted

    return Content(said, logger, redact) if said in MODES else None


def _settle(recorder: Recorder, meter_provider: Any) -> None:
    """At the end of the program: show new series as 0 once, so that their value is seen as an increase."""
    from opentelemetry import metrics  # noqa: PLC0415

    from costspan.telemetry.setup import stay_interrupted, within  # noqa: PLC0415

    def flush() -> None:
        with _EXIT:
            recorder.conclude(recorder.exit_timeout / 4)  # what is told later would leave no more
            provider = meter_provider or metrics.get_meter_provider()
            if recorder.metrics.unsettled and hasattr(provider, "force_flush"):
                provider.force_flush(timeout_millis=1000)

    within(recorder.exit_timeout / 2, flush)  # the other half is for the exporters' own shutdown
    recorder.metrics.settle()
    stay_interrupted()

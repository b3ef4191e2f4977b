"""Every setting of costspan: one frozen object, read once from the environment or given to `instrument()`."""

from __future__ import annotations

import logging
import os
from dataclasses import dataclass, field, fields
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from costspan.guard import ToldError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

_log = logging.getLogger("costspan")
PREFIX = "COSTSPAN_"
_DIALECTS = ("openinference", "openlit", "logfire")
_ALIKE = 0.8  # of 1, by difflib: a letter or two are wrong


class SettingError(ToldError, ValueError):
    """A setting has a value that is not allowed; the message names the variable, the value and what is allowed."""


class _Kind(NamedTuple):
    """What a setting may be: how its text is read, and how the README says what is allowed."""

    parse: Callable[[str], Any]  # its ValueError says what is allowed
    allowed: str


def _choice(*allowed: str) -> _Kind:
    def parse(text: str) -> str:
        if text not in allowed:
            raise ValueError(" or ".join(allowed))
        return text

    return _Kind(parse, ", ".join(allowed))


def _flag(text: str) -> bool:
    if text.lower() not in ("true", "false", "1", "0"):
        raise ValueError("true or false")
    return text.lower() in ("true", "1")


def _seconds(text: str) -> float:
    try:
        seconds = float(text)
    except ValueError:
        seconds = -1
    if not 0 <= seconds <= 3600:  # noqa: PLR2004 an hour is past any wait that helps
        raise ValueError("seconds from 0 to 3600")
    return seconds


def _count(text: str) -> int:
    if not (text.isascii() and text.isdigit() and int(text) > 0):
        raise ValueError("a whole number above 0")
    return int(text)


def _names(text: str) -> tuple[str, ...]:
    return tuple(name for name in (part.strip() for part in text.split(",")) if name)


def _dialects(text: str) -> tuple[str, ...]:
    if unknown := set(_names(text)) - set(_DIALECTS):
        raise ValueError(f"a list of {', '.join(_DIALECTS)} (not {', '.join(sorted(unknown))})")
    return _names(text)


def _pairs(pair: str) -> _Kind:
    def parse(text: str) -> dict[str, str]:
        pairs = [part.partition("=") for part in _names(text)]
        if any(not key or not value for key, _, value in pairs):
            raise ValueError(f"pairs of {pair}, separated by commas")
        return {key.strip(): value.strip() for key, _, value in pairs}

    return _Kind(parse, f"{pair}, …")


def _address(text: str) -> str:
    host, _, port = text.rpartition(":")
    if text and not (port.isascii() and port.isdigit() and int(port) < 65536):  # noqa: PLR2004 ports end there
        raise ValueError("a port, or host:port")
    return f"{host or 'localhost'}:{port}" if text else ""


_FLAG, _COUNT, _SECONDS = _Kind(_flag, "true, false"), _Kind(_count, "whole number"), _Kind(_seconds, "seconds")
_NAMES, _PATH = _Kind(_names, "list of names"), _Kind(str, "path")


def _setting(default: Any, kind: _Kind, doc: str) -> Any:
    factory = {"default_factory": lambda: dict(default)} if isinstance(default, dict) else {"default": default}
    return field(**factory, metadata={**kind._asdict(), "doc": doc})


@dataclass(frozen=True)
class Settings:
    """All settings. Each is the variable `COSTSPAN_<NAME>` and the keyword `<name>` of `costspan.instrument()`."""

    stream_usage: str = _setting(
        "auto",
        _choice("auto", "never"),
        "Ask a streaming endpoint that is known to take it for its usage, and keep the extra chunk from the program.",
    )
    count_tokens: str = _setting(
        "missing",
        _choice("missing", "never"),
        "Count tokens that the provider did not report, off the program's threads, marked as an estimate.",
    )
    disable_token_counter: bool = _setting(
        False, _FLAG, "Run no tokenizer at all: counts asked for are estimates by length, missing usage stays missing."
    )
    async_tokenizer_threshold_bytes: int = _setting(
        8192,
        _COUNT,
        "From which size on `async_token_counter` counts on the pool; smaller texts take under 2 ms inline.",
    )
    tokenizer_threadpool_max_workers: int = _setting(
        2, _COUNT, "Threads that count tokens. They are daemons, started when needed."
    )
    tokenizer_timeout_seconds: float = _setting(
        5.0, _SECONDS, "After which `async_token_counter` stops waiting and gives an estimate, marked as one."
    )
    tokenizers: dict[str, str] = _setting(  # noqa: RUF009 a new dict each time
        {},
        _pairs("model=path"),
        "Tokenizers of your own for counting: a part of the model's name, and the path of its `tokenizer.json`.",
    )
    events: str = _setting(
        "unsampled",
        _choice("unsampled", "always", "never"),
        "For which calls to send an accounting event (a log record) besides or instead of the span.",
    )
    dialects: tuple[str, ...] = _setting(
        (), _Kind(_dialects, f"list of {', '.join(_DIALECTS)}"), "Write the numbers under the names of these tools too."
    )
    metric_attributes: tuple[str, ...] = _setting(
        ("team", "feature"), _NAMES, "Attribution keys that go onto metrics. Spans always carry all of them."
    )
    metric_cardinality: int = _setting(
        1000,
        _COUNT,
        "Distinct values that one attribution key may have on metrics; what comes after counts as `other`.",
    )
    hosts: dict[str, str] = _setting(  # noqa: RUF009 a new dict each time
        {},
        _pairs("host=provider"),
        "Which provider a gateway or own host stands for, so that its calls are priced.",
    )
    bedrock_profiles: str = _setting(
        "never",
        _choice("never", "lookup"),
        "Ask AWS, once and beside the program's calls, which model is behind an application inference profile of "
        "Bedrock (`bedrock:GetInferenceProfile`), so that its calls are priced.",
    )
    prices: str = _setting("", _PATH, "Your own prices, discounts and Azure deployments: path of a JSON or YAML file.")
    budgets: str = _setting("", _PATH, "Limits per team, user or model and period: path of a YAML or JSON file.")
    baggage: tuple[str, ...] = _setting((), _NAMES, "Attribution keys to take from W3C baggage of an upstream service.")
    prompt_parts: bool = _setting(
        False, _FLAG, "Estimate how the input divides over system text, tools, history and the newest message."
    )
    prompt_hash: str = _setting(
        "",
        _Kind(str, "any text"),
        "A secret of your own, the same in all programs: puts a keyed hash of each prompt, never its text, on its "
        "span, so that `costspan advise` finds prompts that are sent again and again. Empty: no hash.",
    )
    chunk_metric: bool = _setting(
        False, _FLAG, "Record `gen_ai.client.operation.time_per_output_chunk`; costs one record per chunk."
    )
    prometheus: str = _setting(
        "",
        _Kind(_address, "port or host:port"),
        "Answer a Prometheus that pulls, at `/metrics` of this port, besides what `OTEL_METRICS_EXPORTER` says. "
        "For programs whose OpenTelemetry costspan sets up.",
    )
    exit_timeout: float = _setting(
        5.0, _SECONDS, "How long the end of the program may wait for the last telemetry to leave."
    )
    ledger: str = _setting(
        "",
        _Kind(str, "path or URL"),
        "The ledger of `costspan up`, `report` and the other commands: a file, or `clickhouse://…`. "
        "Empty: `costspan/ledger.db` in the user's data directory.",
    )


def home() -> Path:
    """The user's home directory.

    Raises:
        SettingError: There is none, as for a user that a container has made up.
    """
    try:
        return Path.home()
    except RuntimeError:
        raise SettingError("this user has no home directory, where costspan keeps its files: set HOME") from None


def variable(name: str) -> str:
    """The environment variable of a setting: `stream_usage` is `COSTSPAN_STREAM_USAGE`."""
    return PREFIX + name.upper()


def read_settings(environ: Mapping[str, str] | None = None, /, **given: Any) -> Settings:
    """Settings from the environment of now, overridden by those given by name; text is read as the variable would be.

    Raises:
        SettingError: A value is not allowed, or a name is not known.
    """
    environ = os.environ if environ is None else environ
    known = {each.name: each for each in fields(Settings)}
    if unknown := given.keys() - known.keys():
        raise SettingError(f"costspan has no setting {', '.join(sorted(unknown))}; it has {', '.join(known)}")
    texts = {name: text for name in known if (text := environ.get(variable(name)))}
    values = {name: _parse(known[name], text) for name, text in (texts | given).items()}
    return Settings(**values)


def tolerant_settings(environ: Mapping[str, str] | None = None, /, **given: Any) -> Settings:
    """As `read_settings`, but a bad value becomes a warning and the default: nobody is there to read an error."""
    environ = os.environ if environ is None else environ
    good: dict[str, Any] = {}
    for each in fields(Settings):
        value = given.get(each.name, environ.get(variable(each.name)))
        if value is None or value == "":
            continue
        try:
            good[each.name] = _parse(each, value)
        except SettingError as error:
            _warn(f"{error}; the default {getattr(Settings(), each.name)!r} is used")
    return Settings(**good)


@lru_cache(maxsize=100)
def _warn(text: str) -> None:
    """Once in a process: the instrumentor of every SDK reads the settings."""
    _log.warning(text)


def unknown_variables(environ: Mapping[str, str]) -> dict[str, str]:
    """Variables of our name that no setting has, each with the one that it may have been meant for, or nothing."""
    known = {each.name.upper() for each in fields(Settings)} | {"TOKEN"}
    unknown = sorted({name[len(PREFIX) :] for name in environ if name.startswith(PREFIX)} - known)
    if not unknown:
        return {}
    from difflib import get_close_matches  # noqa: PLC0415 only who has made a slip

    near = {name: get_close_matches(name, known, 1, _ALIKE) for name in unknown}
    return {PREFIX + name: PREFIX + found[0] if found else "" for name, found in near.items()}


def warn_of_slips() -> None:
    """Log each variable that is nearly a setting's. Others are not ours to judge: Kubernetes makes some like them."""
    for name, meant in unknown_variables(os.environ).items():
        if meant:
            _warn(f"{name} is no setting of costspan, and nothing happens: did you mean {meant}?")


def _parse(setting: Any, value: Any) -> Any:
    """The value as the setting holds it: text is parsed, lists become tuples, a value of the right type stays."""
    if isinstance(value, list):
        value = tuple(value)
    if isinstance(value, str):
        text = value
    elif isinstance(value, (bool, int, float)):
        text = str(value)
    elif isinstance(value, dict):
        text = ",".join(f"{key}={entry}" for key, entry in value.items())
    elif isinstance(value, tuple):
        text = ",".join(map(str, value))
    else:
        text = os.fspath(value) if isinstance(value, os.PathLike) else repr(value)
    try:
        return setting.metadata["parse"](text.strip())
    except ValueError as error:
        raise SettingError(f"{variable(setting.name)}={text} is not allowed: it must be {error}") from None

"""Collected metrics as text for a Prometheus scrape: OpenMetrics with `_created` and exemplars, or the plain format.

Names are those that the Collector and Prometheus' own OTLP endpoint give: `costspan.cost` in USD is
`costspan_cost_USD_total`. Source: otlptranslator 1.0.0, UnderscoreEscapingWithSuffixes, run 2026-11-21.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from typing import TYPE_CHECKING, Any, NamedTuple

from opentelemetry.sdk.metrics.export import Histogram, Sum

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from opentelemetry.sdk.metrics.export import Metric, MetricsData

OPENMETRICS = "application/openmetrics-text; version=1.0.0; charset=utf-8"
PLAIN = "text/plain; version=0.0.4; charset=utf-8"
RESOURCE_LABELS = ("service.name", "service.namespace", "deployment.environment.name")
_UNITS = {"s": "seconds", "ms": "milliseconds", "By": "bytes", "%": "percent"}
_OTHER = re.compile(r"[^a-zA-Z0-9_]")
_ESCAPES = str.maketrans({"\\": r"\\", '"': r"\"", "\n": r"\n"})


class Family(NamedTuple):
    """One metric family: its name without suffix, its type and help, and the lines of its samples."""

    kind: str
    help: str
    lines: list[str]


class Sample(NamedTuple):
    """What is told of one data point, and how."""

    name: str
    labels: Mapping[str, Any]
    point: Any
    zero: bool  # the first time that a reader sees a series it is 0, so that its value counts as an increase


class OpenMetrics:
    """Renders what one reader has collected. `seen` is what that reader was shown before, and is added to."""

    def __init__(self, seen: set[tuple[Any, ...]], *, plain: bool = False) -> None:
        self._seen = seen
        self._plain = plain
        self._families: dict[str, Family] = {}

    def render(self, data: MetricsData) -> str:
        """All families, each in one piece."""
        for resource in data.resource_metrics:
            of = resource.resource.attributes
            fixed = {name: of[name] for name in RESOURCE_LABELS if of.get(name)}
            for scope in resource.scope_metrics:
                for metric in scope.metrics:
                    self._add(metric, fixed)
        text = "".join(self._family(name, family) for name, family in self._families.items())
        return text if self._plain else text + "# EOF\n"

    def _family(self, name: str, family: Family) -> str:
        if self._plain and family.kind == "counter":
            name += "_total"
        help_text = family.help.translate(_ESCAPES)
        return f"# HELP {name} {help_text}\n# TYPE {name} {family.kind}\n" + "".join(family.lines)

    def _add(self, metric: Metric, fixed: Mapping[str, Any]) -> None:
        data = metric.data
        if isinstance(data, Histogram):
            kind, write = "histogram", self._histogram
        elif isinstance(data, Sum) and data.is_monotonic:
            kind, write = "counter", self._counter
        elif hasattr(data, "data_points") and data.data_points and hasattr(data.data_points[0], "value"):
            kind, write = "gauge", self._gauge
        else:
            return  # exponential histograms have no place in the text formats
        name = family_name(metric.name, metric.unit or "", kind)
        family = self._families.setdefault(name, Family(kind, metric.description or "", []))
        for point in data.data_points:
            labels = point.attributes or {}
            key = (name, *sorted(labels.items()), *fixed.values())
            sample = Sample(name, {**fixed, **labels}, point, kind != "gauge" and key not in self._seen)
            self._seen.add(key)
            family.lines.extend(f"{line}\n" for line in write(sample))

    def _line(self, name: str, labels: Mapping[str, Any], value: float, exemplar: str = "") -> str:
        text = ",".join(f'{label_name(key)}="{label_value(value)}"' for key, value in labels.items())
        return f"{name}{{{text}}} {value!r}{exemplar}"

    def _created(self, sample: Sample) -> Iterator[str]:
        if not self._plain:
            yield self._line(f"{sample.name}_created", sample.labels, sample.point.start_time_unix_nano / 1e9)

    def _gauge(self, sample: Sample) -> Iterator[str]:
        yield self._line(sample.name, sample.labels, sample.point.value)

    def _counter(self, sample: Sample) -> Iterator[str]:
        yield self._line(f"{sample.name}_total", sample.labels, 0 if sample.zero else sample.point.value)
        yield from self._created(sample)

    def _histogram(self, sample: Sample) -> Iterator[str]:
        point, total = sample.point, 0
        exemplars = {} if self._plain or sample.zero else _exemplars(point)
        for index, bound in enumerate((*point.explicit_bounds, float("inf"))):
            total += 0 if sample.zero else point.bucket_counts[index]
            labels = {**sample.labels, "le": "+Inf" if bound == float("inf") else repr(float(bound))}
            yield self._line(f"{sample.name}_bucket", labels, total, exemplars.get(index, ""))
        yield self._line(f"{sample.name}_count", sample.labels, total)
        yield self._line(f"{sample.name}_sum", sample.labels, 0 if sample.zero else point.sum)
        yield from self._created(sample)


def family_name(name: str, unit: str, kind: str) -> str:
    """The Prometheus name of a metric, without `_total`: its unit at the end, unless that is an annotation."""
    base = _OTHER.sub("_", name)
    suffix = (
        "ratio" if unit == "1" and kind == "gauge" else "" if unit == "1" or "{" in unit else _UNITS.get(unit, unit)
    )
    suffix = _OTHER.sub("_", suffix)
    return base if not suffix or base.endswith(f"_{suffix}") else f"{base}_{suffix}"


def label_name(name: str) -> str:
    """The Prometheus name of an attribute."""
    return _OTHER.sub("_", name)


def label_value(value: Any) -> str:
    """A value as it stands between a label's quotes."""
    return (str(value).lower() if isinstance(value, bool) else str(value)).translate(_ESCAPES)


def _exemplars(point: Any) -> dict[int, str]:
    """The newest exemplar of each bucket that has one: the trace behind a bar."""
    found = {}
    for each in getattr(point, "exemplars", ()):
        if each.trace_id and each.span_id:
            ids = f'{{trace_id="{each.trace_id:032x}",span_id="{each.span_id:016x}"}}'
            found[bisect_left(point.explicit_bounds, each.value)] = (
                f" # {ids} {each.value!r} {each.time_unix_nano / 1e9}"
            )
    return found

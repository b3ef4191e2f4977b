"""Three and a half weeks of the plugin's real output in a real Prometheus: its own metrics and its own renderer, simulated clock."""

from __future__ import annotations

import math
import random
import subprocess
from datetime import datetime, timezone

import yaml
from components import ROOT, Prometheus
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader
from opentelemetry.sdk.resources import Resource

from costspan.call import Call, Reply, Request, UsageSource
from costspan.guard import FAILURES
from costspan.pricing import Pricer
from costspan.telemetry.metrics import Metrics
from costspan.telemetry.openmetrics import OpenMetrics
from costspan.usage import Usage

END = int(datetime(2026, 11, 20, 12, tzinfo=timezone.utc).timestamp())
DAYS = 24
STEP = 900
START = END - DAYS * 86400
BUDGETS = {"search": 40, "support": 400, "growth": 30}
# service, model, team, feature, calls per step, usage, source
MIX = (
    ("shop", "gpt-4o", "search", "ranking", 4, {"input": 4000, "cache_read": 2000, "output": 400}, "provider"),
    ("shop", "gpt-4o-mini", "search", "chat", 9, {"input": 2000, "output": 300}, "provider"),
    ("helpdesk", "gpt-4o", "support", "answers", 3, {"input": 6000, "cache_read": 9000, "output": 700}, "provider"),
    ("helpdesk", "o3-mini", "support", "triage", 2, {"input": 1500, "output": 200, "reasoning": 900}, "provider"),
    ("helpdesk", "gpt-4o-mini", "growth", "other", 2, {"input": 900, "output": 500}, "heuristic"),
    ("batch", "no-such-model", "growth", "mails", 1, {"input": 100, "output": 50}, "provider"),
    ("batch", "gpt-4o-mini", "", "", 2, {"input": 800, "output": 80}, "provider"),
)


class Service:
    """One program: its own provider, metrics and renderer."""

    def __init__(self, name, pricer, chance):
        self.name, self.pricer, self.chance = name, pricer, chance
        self.reader = InMemoryMetricReader()
        resource = Resource({"service.name": name, "deployment.environment.name": "prod"})
        self.provider = MeterProvider([self.reader], resource)
        self.metrics = Metrics(self.provider.get_meter("costspan"))
        self.seen = set()
        self.lines = {}

    def call(self, model, team, feature, usage, source):
        call = Call(Request("chat", "openai", model, stream=True), self)
        call.reply = Reply(model=model, usage=Usage(**usage), source=UsageSource(source))
        if self.chance.random() < 0.02:
            call.error = "TimeoutError"
        seconds = self.chance.lognormvariate(0.7, 0.6)
        call.first_chunk, call.ended = call.begun + seconds / 5, call.begun + seconds
        payers = {key: value for key, value in (("costspan.team", team), ("costspan.feature", feature)) if value}
        price = self.pricer.price(call.reply.usage, provider="openai", model=model)
        self.metrics.record(call, price, payers)

    def collect(self, at, histograms):
        """Lines by family; histograms only where asked: they are nine tenths of the text."""
        self.reader.collect()
        data = self.reader.get_metrics_data()
        for scope in data.resource_metrics[0].scope_metrics:
            scope.metrics[:] = [each for each in scope.metrics if histograms or not each.name.startswith("gen_ai")]
        for line in OpenMetrics(self.seen).render(data).splitlines():
            if not line.startswith("#") and "_created{" not in line:
                self.lines.setdefault(line.split("{")[0], []).append(f"{line} {at}")


def simulated():
    """The OpenMetrics text of all services over all days."""
    chance = random.Random(8)
    pricer = Pricer()
    pricer.load()
    services = {name: Service(name, pricer, chance) for name in {each[0] for each in MIX}}
    for at in range(START, END + 1, STEP):
        busy = 1.2 + math.sin((at % 86400) / 86400 * 2 * math.pi - 2)
        for service, model, team, feature, calls, usage, source in MIX:
            for _ in range(max(1, round(calls * busy * chance.uniform(0.5, 1.5)))):
                services[service].call(model, team, feature, usage, source)
        if (at - START) % 7200 == 0:
            FAILURES.note("price a call", ValueError())
        for service in services.values():
            service.collect(at, histograms=at > END - 90_000)
    FAILURES.clear()
    text = ""
    families = {name for service in services.values() for name in service.lines}
    for name in sorted(families):
        kind = "counter" if name.endswith("_total") else "unknown"
        base = name.removesuffix("_total")
        text += f"# TYPE {base} {kind}\n"
        text += "".join(f"{line}\n" for service in services.values() for line in service.lines.get(name, ()))
    for service in services.values():
        service.provider.shutdown()
    return text + "# EOF\n"


def recording_stages():
    """Recording rules of the repository in stages: a stage needs the series of the one before. Budgets beside them."""
    groups = yaml.safe_load((ROOT / "grafana/alerts/recording.rules.yml").read_text())["groups"]
    rules = [rule for group in groups for rule in group["rules"]]
    late = ("month_to_date", "month_end_forecast")
    budget = {
        f'costspan_budget_limit_USD{{costspan_team="{team}",costspan_budget_period="month"}}': f"vector({usd})"
        for team, usd in BUDGETS.items()
    }
    quota = {'costspan_quota_limit_tokens{costspan_team="search",costspan_budget_period="day"}': "vector(50e6)"}
    # a sample every STEP here, every minute elsewhere: a window of ten minutes would hold one, and a rate needs two
    first = {
        rule["record"]: rule["expr"].replace("[10m]", "[30m]") for rule in rules if not rule["record"].endswith(late)
    }
    yield {**first, **budget, **quota}, START
    for name in late:
        yield {rule["record"]: rule["expr"] for rule in rules if rule["record"].endswith(name)}, END - 86400


def evaluate(prometheus, rules, since):
    """The series of recording rules from `since` on, as OpenMetrics text."""
    text = ""
    for record, expr in rules.items():
        name, _, fixed = record.partition("{")
        text += f"# TYPE {name} unknown\n" if f"# TYPE {name} " not in text else ""
        for labels, values in prometheus.query_range_times(expr, since, END, STEP):
            pairs = ",".join(f'{key}="{value}"' for key, value in labels.items() if key != "__name__")
            text += "".join(f"{name}{{{fixed.removesuffix('}') or pairs}}} {value} {at}\n" for at, value in values)
    return text + "# EOF\n"


def load(home):
    """A Prometheus that holds it all, with the recording rules' series."""
    home.mkdir(parents=True, exist_ok=True)
    fill(home, simulated())
    prometheus = Prometheus(home, None, "--query.lookback-delta=20m", "--query.max-samples=200000000")
    for rules, since in recording_stages():
        fill(home, evaluate(prometheus, rules, since))
        prometheus.restart()
    return prometheus


def fill(home, text):
    """Put OpenMetrics text into the blocks of a Prometheus."""
    (home / "fill.txt").write_text(text)
    command = ["promtool", "tsdb", "create-blocks-from", "openmetrics", "--max-block-duration=744h"]
    subprocess.run([*command, home / "fill.txt", home / "data"], check=True, stdout=subprocess.DEVNULL)

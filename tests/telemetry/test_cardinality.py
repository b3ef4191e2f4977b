"""How many time series the plugin makes: counted in its own output, and stated in collector-config/README.md."""

from __future__ import annotations

from itertools import product
from pathlib import Path

from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader

from costspan.call import Call, Request
from costspan.pricing import Price, PriceStatus
from costspan.telemetry.metrics import Metrics
from costspan.telemetry.openmetrics import OpenMetrics
from costspan.usage import Usage

README = Path(__file__).parents[2] / "collector-config/README.md"
BUCKETS = ("input", "cache_read", "output", "reasoning")
SERVICES, MODELS, TEAMS = 10, 20, 10


class Silent:
    def finished(self, call): ...


def shown(models, teams):
    """The series that a Prometheus gets of one service, without `_created`."""
    reader = InMemoryMetricReader()
    provider = MeterProvider([reader], shutdown_on_exit=False)
    metrics = Metrics(provider.get_meter("costspan"))
    price = Price(PriceStatus.PRICED, len(BUCKETS), dict.fromkeys(BUCKETS, 1))
    for model, team in product(range(models), range(teams)):
        call = Call(Request("chat", "openai", f"model-{model}", stream=True), Silent())
        call.chunk()
        call.reply.model, call.reply.usage = f"model-{model}", Usage(**dict.fromkeys(BUCKETS, 1))
        call.finish()
        metrics.record(call, price, {"costspan.team": f"team-{team}"})
    data = reader.get_metrics_data()
    provider.shutdown()
    return [line for line in OpenMetrics(set(), plain=True).render(data).splitlines() if not line.startswith("#")]


def test_the_readme_states_what_ten_services_twenty_models_and_ten_teams_make():
    lines = shown(MODELS, TEAMS)
    money = [line for line in lines if line.startswith("costspan_")]
    combinations = MODELS * TEAMS
    text = " ".join(README.read_text(encoding="utf-8").split())

    assert not [line for line in lines if "overflow" in line]
    assert (len(lines) % combinations, len(money) % combinations) == (0, 0)
    assert f"makes {len(lines) // combinations} time series for each combination" in text
    assert f"{len(money) // combinations} for money, tokens and calls" in text
    assert f"that is {len(lines) * SERVICES:,} series, {len(money) * SERVICES:,} of them for money" in text

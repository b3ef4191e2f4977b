"""How long each expression of the dashboards and rules takes on a Prometheus that holds 30 days of 10,000 series.

    python benchmarks/dashboards.py [FOLDER]      # FOLDER keeps the data (2 GB) for the next run

The series are the plugin's own output for 3 services, 3 teams and 7 models, a sample a minute (the interval at which
OpenTelemetry's SDK exports), and what the recording rules make of them; their values are made up. Blocks are written by
`benchmarks/blocks/`, with Prometheus' own library: a Go toolchain is needed. Each expression is asked for once to load
what is on disk, then three times, the fastest counts, in processor time: Prometheus answers a query on one core, so on
an idle machine that is what one waits.
"""

from __future__ import annotations

import json
import math
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
import urllib.error
from collections import Counter
from itertools import product
from pathlib import Path
from random import Random

import yaml

sys.path.insert(0, str(Path(__file__).parents[1] / "tests/operations"))

import weeks
from components import CACHE, ROOT, Prometheus, get

DAYS = 30
DAY = 86400
END = 1795219200  # 2026-11-21T00:00Z
TARGET_SECONDS = 1.0
SERVICES = ("shop", "helpdesk", "batch")
TEAMS = ("search", "support", "growth")
MODELS = ("gpt-4o", "gpt-4o-mini", "gpt-4.1", "gpt-4.1-mini", "gpt-5", "o3-mini", "o4-mini")
USAGE = {"input": 4000, "cache_read": 2000, "output": 400, "reasoning": 90}
RANGES = {"default": None, "30 days": "now-30d"}
LINE = re.compile(r"(\w+)\{(.*)\} (\S+)( \S+)?$")
PIXELS = 1000  # of a panel as wide as the screen: one point each


def plugin_series():
    """(labels, value) of everything that one call per combination makes the plugin show."""
    pricer = weeks.Pricer()
    pricer.load()
    for name in SERVICES:
        service = weeks.Service(name, pricer, Random(0))
        for team, model in product(TEAMS, MODELS):
            service.call(model, team, "chat", USAGE, "provider")
        for at in (1, 2, 3):  # the first of a series is 0
            service.lines.clear()
            service.collect(at, histograms=True)
        service.provider.shutdown()
        for line in (line for lines in service.lines.values() for line in lines):
            metric, labels, value, _ = LINE.match(line.partition(" # ")[0]).groups()
            yield {"__name__": metric, **dict(re.findall(r'(\w+)="([^"]*)"', labels))}, float(value)


def described():
    """Every series for `blocks`: the plugin's own, and what the recording rules make of them."""
    for labels, value in plugin_series():
        yield {"Labels": labels, "Rate": value * 30, "Whole": value.is_integer(), "Every": 60}
    for rule in recording_rules():
        window = re.search(r"(?:increase|rate)(\d+[mhd])$", rule["record"])
        about = {"Window": seconds_of(window[1]) if window else 15 * DAY, "Every": seconds_of(rule["interval"])}
        for labels, rate in recorded_buckets(rule) if "_bucket" in rule["record"] else recorded_labels(rule):
            yield {"Labels": {"__name__": rule["record"], **labels}, "Rate": rate, **about}
    for team in TEAMS:
        limit = {"__name__": "costspan_budget_limit_USD", "costspan_team": team, "costspan_budget_period": "month"}
        yield {"Labels": limit, "Rate": 1, "Window": DAY, "Every": 60}


def recorded_labels(rule):
    """The label sets of what a recording rule makes, and a rate."""
    values = {"service_name": SERVICES, "costspan_team": TEAMS, "gen_ai_request_model": MODELS}
    by = re.search(r"by \(([^)]*)\)", rule["expr"])
    named = by[1].split(", ") if by else ["costspan_team"] if rule["record"].startswith("team:") else []
    names = [name for name in values if name in named]
    other = {"deployment_environment_name": "prod", "costspan_price_status": "priced"} if len(names) == 3 else {}
    sets = product(*(values[name] for name in names))
    return [({**dict(zip(names, each, strict=True)), **other}, 2) for each in sets]


def recorded_buckets(rule):
    """The same of a rule for the buckets of a histogram: a bucket's rate is that of those that it sums up."""
    source, kind = re.search(r"rate\((\w+)(?:\{gen_ai_token_type=\"(\w+)\"\})?\[", rule["expr"]).groups()
    names = re.search(r"by \(([^)]*)\)", rule["expr"])[1].split(", ")
    rates = Counter()
    for labels, value in plugin_series():
        if labels["__name__"] == source and kind in {None, labels.get("gen_ai_token_type")}:
            rates[tuple((name, labels[name]) for name in names if name in labels)] += value * 30
    return [(dict(labels), rate) for labels, rate in rates.items()]


def recording_rules():
    groups = yaml.safe_load((ROOT / "grafana/alerts/recording.rules.yml").read_text())["groups"]
    return [{**rule, "interval": group["interval"]} for group in groups for rule in group["rules"]]


def blocks_program():
    """The path of the built `blocks`."""
    home, source = CACHE / "benchmarks/blocks", Path(__file__).with_name("blocks")
    home.mkdir(parents=True, exist_ok=True)
    for path in source.iterdir():
        shutil.copy(path, home)
    subprocess.run(["go", "build", "-mod=mod", "-o", "blocks", "."], cwd=home, check=True)
    return home / "blocks"


def fill(home):
    """Write the data, unless it is there; how many series."""
    series = list(described())
    if not (home / "data").exists():
        print(f"writing {len(series)} series x {DAYS} days …", file=sys.stderr)
        text = "".join(f"{json.dumps(each)}\n" for each in series)
        command = [blocks_program(), home / "data", str(END), str(DAYS)]
        subprocess.run(command, input=text, text=True, check=True)
    return len(series)


def interval(seconds, least):
    """Seconds between points, as Grafana rounds them."""
    steps = (60, 120, 300, 600, 900, 1200, 1800, 3600, 7200, 10800, 21600, 43200, DAY)
    return max(least, next(step for step in steps if step >= seconds / PIXELS))


def questions():
    """(where, address, parameters) of all variables and panels at their own range and at 30 days, and of all rules."""
    for path in sorted((ROOT / "grafana/dashboards").glob("costspan-*.json")):
        board = json.loads(path.read_text())
        for name, given in RANGES.items() if board["uid"] != "costspan-clickhouse" else ():
            span = seconds_of((given or board["time"]["from"]).removeprefix("now-"))
            for where, *asked in (*variables(board, span), *expressions(board, span)):
                yield f"{board['title']} / {where} / {name}", *asked
    alerts = yaml.safe_load((ROOT / "grafana/alerts/alerting.rules.yml").read_text())["groups"]
    for rule in (*recording_rules(), *(rule for group in alerts for rule in group["rules"])):
        yield f"rule {rule.get('record') or rule['alert']}", "query", {"query": rule["expr"], "time": END - 60}


def expressions(board, span):
    targets = ((panel, target) for panel in board["panels"] for target in panel.get("targets", ()))
    for panel, target in targets:
        step = interval(span, seconds_of(panel.get("interval", "1m")))
        expr = filled(target["expr"], {"__range": f"{span}s", "__rate_interval": f"{max(step + 60, 240)}s"})
        if target.get("instant"):
            yield panel["title"], "query", {"query": expr, "time": END - 60}
        else:
            yield panel["title"], "query_range", {"query": expr, "start": END - span, "end": END - 60, "step": step}


def variables(board, span):
    """What Grafana asks for `label_values(…)`."""
    for each in (each for each in board["templating"]["list"] if each["type"] == "query"):
        match, label = re.fullmatch(r"label_values\((.+), (\w+)\)", filled(each["query"], {})).groups()
        asked = {"match[]": match, "start": END - span, "end": END - 60}
        yield f"variable {each['name']}", f"label/{label}/values", asked


def filled(expr, words):
    """An expression as Grafana sends it, with every variable on All."""
    return re.sub(r"\$\{?(\w+)\}?", lambda found: words.get(found[1], ".*"), expr)


def seconds_of(text):
    return int(text[:-1]) * {"m": 60, "h": 3600, "d": DAY}[text[-1]]


def timed(server, address, asked):
    """(processor seconds, wall seconds) of the fastest of three, after one that warms up; infinite if it is refused."""
    taken = []
    for _ in range(4):
        used, begun = processor_seconds(server), time.monotonic()
        try:
            get(f"{server.url}/api/v1/{address}", **asked)
        except urllib.error.HTTPError as error:
            print(error.read().decode(), file=sys.stderr)
            return math.inf, math.inf
        except TimeoutError:
            return math.inf, math.inf
        wall = time.monotonic() - begun
        taken.append((processor_seconds(server) - used, wall))
    return min(taken[1:])


def processor_seconds(server):
    (line,) = re.findall(r"^process_cpu_seconds_total (.*)$", get(f"{server.url}/metrics").decode(), re.MULTILINE)
    return float(line)


def measure(home):
    count = fill(home)
    server = Prometheus(home, None)
    found = []
    try:
        once = {}
        for where, address, asked in questions():
            once.setdefault(json.dumps([address, asked]), where)
        for text, where in once.items():
            address, asked = json.loads(text)
            found.append((*timed(server, address, asked), where, asked.get("query") or address))
            print(".", end="", file=sys.stderr, flush=True)
    finally:
        server.stop()
    found.sort(key=lambda each: each[0], reverse=True)
    print(f"{count} series x {DAYS} days, a sample a minute; load average {os.getloadavg()[0]:.1f}")
    slow = [each for each in found if each[0] > TARGET_SECONDS]
    for used, wall, where, expr in found[: max(10, len(slow))]:
        print(f"{used:5.2f} s of a processor ({wall:.2f} s)  {where}\n           {expr[:120]}")
    late = [each for each in slow if not each[2].endswith("30 days")]
    print(
        f"{len(found)} expressions; over {TARGET_SECONDS:g} s: {len(late)} at home, {len(slow) - len(late)} at 30 days"
    )
    return 1 if late else 0


def main(folder=None):
    if folder:
        Path(folder).mkdir(parents=True, exist_ok=True)
        return measure(Path(folder))
    with tempfile.TemporaryDirectory() as home:
        return measure(Path(home))


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))

"""The tables of the README that are made from the code. `python tests/readme_tables.py` writes them anew."""

from __future__ import annotations

import re
from dataclasses import fields
from importlib import import_module
from pathlib import Path

from costspan.adapters._adapter import load
from costspan.budgets import Limit
from costspan.cli.commands import COMMANDS
from costspan.config import Settings, variable
from costspan.instrumentors import adapter_names
from costspan.limits import Quota
from costspan.telemetry import names
from costspan.telemetry.attributes import parameter
from costspan.telemetry.budget_signals import BudgetSignals
from costspan.telemetry.metrics import Metrics
from costspan.telemetry.openmetrics import family_name

OURS = ("costspan.", "gen_ai.usage.cost.")
NAMED = r'^[A-Z_]+ = "([^"]+)"(?:  # (?!noqa)(.*?))?(?:  # noqa.*)?$'
ASYNC = ("claude_agent_sdk",)  # all of it, also what is no coroutine but an asynchronous generator
README = Path(__file__).parent.parent / "README.md"


def settings_table():
    rows = ["| variable | allowed | default | what it does |", "| --- | --- | --- | --- |"]
    for each in fields(Settings):
        default = each.default_factory() if callable(each.default_factory) else each.default
        if isinstance(default, (tuple, dict)):
            default = ", ".join(default)
        shown = str(default).lower() if isinstance(default, bool) else str(default)
        code = f"`{shown}`" if shown else ""
        rows.append(f"| `{variable(each.name)}` | {each.metadata['allowed']} | {code} | {each.metadata['doc']} |")
    for name in COMMANDS:
        rows += [
            f"| `{each.envvar}` | any text |  | `costspan {name} {each.opts[0]}`: {each.help} |"
            for each in import_module(f"costspan.cli.{name}").command.params
            if each.envvar
        ]
    return "\n".join(rows)


def rules_table():
    """The billing rules, from the names of their tests."""
    rows = ["| | rule | test |", "| --- | --- | --- |"]
    group = ""
    for line in (Path(__file__).parent / "pricing" / "test_billing_rules.py").read_text(encoding="utf-8").splitlines():
        if found := re.match(r"class Test(\w+)", line):
            group = found[1]
        elif found := re.match(r"    def (test_(\d*)_?(\w+))", line):
            number, text = found[2], found[3].replace("_", " ")
            rows.append(f"| {group} {number} | {text} | `{found[1]}` |".replace("  ", " "))
    return "\n".join(rows)


def operations(name):
    """What calls of an SDK are."""
    adapter = load(name)
    found = (*(each.operation for each in (*adapter.routes, *adapter.seats)), *adapter.calls.values())
    return [each for each in found if each is not None]


def sdks_table():
    """What every adapter declares."""
    head = ("SDK, from version", "operations", "sync", "async", "stream", "cache", "reasoning", "tools", "cost")
    rows = [f"| {' | '.join(head)} |", "|" + " --- |" * len(head)]
    for name in adapter_names():
        adapter, found = load(name), operations(name)
        seats = [seat for seat in adapter.seats if seat.open is not None]
        counts = {count for operation in found if operation.usage is not None for count in operation.usage.names}
        shapes = (
            any(not seat.waits for seat in seats) and name not in ASYNC,
            any(seat.waits for seat in seats),
            any(seat.streams for seat in seats) or any(operation.text for operation in found),
            any(count.startswith("cache_") for count in counts),
            "reasoning" in counts,
            any(count.removesuffix("_list").endswith(("_searches", "_sessions", "search_units")) for count in counts),
        )
        cells = [
            f"`{adapter.package}`",
            ", ".join(sorted({operation.name for operation in found})),
            *("✓" if told else "" for told in shapes),
            "as the provider states it, else list" if counts & {"cost", "cost_ticks"} else "list",
        ]
        rows.append(f"| {' | '.join(cells)} |".replace("|  |", "| |").replace("|  |", "| |"))
    return "\n".join(rows)


def attributes_table():
    """What names.py says of every attribute; those of the conventions alone need no words."""
    source = Path(names.__file__).read_text(encoding="utf-8").partition("LATE_EVENT")[0]
    found = re.findall(NAMED, source, re.MULTILINE)
    ours = [(name, what) for name, what in found if name.startswith(OURS) and not what.startswith("+ what")]
    said = {each for name in adapter_names() for every in operations(name) for each in every.parameters.values()}
    asked = map(parameter, {*said, "output.type"})
    by_modality = dict.fromkeys(name for told in names.OF_MODALITY.values() for name in told)
    conventional = (*(name for name, _ in found if not name.startswith(OURS)), *by_modality, *sorted(asked))
    others = ", ".join(f"`{name}`" for name in conventional)
    rows = [f"| `{name}{'…' * name.endswith('.')}` | {what.replace(' | ', ', ')} |" for name, what in ours]
    return "\n".join(["| attribute | what |", "| --- | --- |", *rows, "", f"As the conventions have them: {others}."])


class Seen:
    """A meter that writes down what is made."""

    def __init__(self):
        self.made = {}

    def __getattr__(self, create):
        kind = create.removeprefix("create_").removeprefix("observable_")
        places = ("unit", "description") if "observable" not in create else ("callbacks", "unit", "description")

        def make(name, *given, **_options):
            told = dict(zip(places, given, strict=False))
            self.made[name] = kind, told["unit"], told["description"]

        return make


def metrics_table():
    """Every instrument that is really made, with its name in Prometheus; then the gauges of the ledger's own."""
    meter = Seen()
    quotas = tuple(Quota(Limit("x", **{unit: 1}), {}, None) for unit in ("usd", "tokens"))
    BudgetSignals(meter, None, quotas, None, Metrics(meter))
    rows = ["| metric | in Prometheus | kind | what |", "| --- | --- | --- | --- |"]
    for name, (kind, unit, what) in sorted(meter.made.items()):
        family = family_name(name, unit, kind) + ("_total" if kind == "counter" else "")
        rows.append(f"| `{name}` | `{family}` | {kind} | {what} |")
    return "\n".join(rows)


def speed_table():
    """The summary of what `make bench` measured last."""
    results = (README.parent / "benchmarks" / "RESULTS.md").read_text(encoding="utf-8")
    return results.split("<!-- summary -->")[1].split("<!-- /summary -->")[0].strip()


TABLES = {
    "attributes": attributes_table,
    "metrics": metrics_table,
    "sdks": sdks_table,
    "settings": settings_table,
    "speed": speed_table,
    "rules": rules_table,
}


def filled(text):
    """The README's text with every made table as the code has it now."""
    for name, make in TABLES.items():
        block = f"<!-- {name} -->\n\n{make()}\n\n<!-- /{name} -->"
        text = re.sub(rf"<!-- {name} -->.*?<!-- /{name} -->", lambda _, block=block: block, text, flags=re.DOTALL)
    return text


if __name__ == "__main__":
    README.write_text(filled(README.read_text(encoding="utf-8")), encoding="utf-8")

"""The tables of the README that are made from the code. `python tests/readme_tables.py` writes them anew."""

from __future__ import annotations

import re
from dataclasses import fields
from importlib import import_module
from pathlib import Path

from costspan.adapters._adapter import Operation, load
from costspan.config import Settings, variable
from costspan.instrumentors import adapter_names

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


def sdks_table():
    """What every adapter declares."""
    head = ("SDK, from version", "operations", "sync", "async", "stream", "cache", "reasoning", "tools", "cost")
    rows = [f"| {' | '.join(head)} |", "|" + " --- |" * len(head)]
    for name in adapter_names():
        adapter = load(name)
        seats = [seat for seat in adapter.seats if seat.open is not None]
        found = [*(route.operation for route in adapter.routes), *(seat.operation for seat in seats if seat.operation)]
        if not found:  # chosen by the opener
            found = [
                each for each in vars(import_module(f"costspan.adapters.{name}")).values() if type(each) is Operation
            ]
        counts = {count for operation in found if operation.usage is not None for count in operation.usage.names}
        shapes = (
            any(not seat.waits for seat in seats),
            any(seat.waits for seat in seats),
            any(seat.streams for seat in seats) or any(operation.text for operation in found),
            any(count.startswith("cache_") for count in counts),
            "reasoning" in counts,
            any(count.endswith(("_searches", "_sessions", "search_units")) for count in counts),
        )
        cells = [
            f"`{adapter.package}`",
            ", ".join(sorted({operation.name for operation in found})),
            *("✓" if told else "" for told in shapes),
            "as the provider states it, else list" if any(operation.stated_cost for operation in found) else "list",
        ]
        rows.append(f"| {' | '.join(cells)} |".replace("|  |", "| |").replace("|  |", "| |"))
    return "\n".join(rows)


TABLES = {"sdks": sdks_table, "settings": settings_table, "rules": rules_table}


def filled(text):
    """The README's text with every made table as the code has it now."""
    for name, make in TABLES.items():
        block = f"<!-- {name} -->\n\n{make()}\n\n<!-- /{name} -->"
        text = re.sub(rf"<!-- {name} -->.*?<!-- /{name} -->", lambda _, block=block: block, text, flags=re.DOTALL)
    return text


if __name__ == "__main__":
    README.write_text(filled(README.read_text(encoding="utf-8")), encoding="utf-8")

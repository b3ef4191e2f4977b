import re

import readme_tables

from costspan.telemetry import names

SCALE = r"scale: ([\d,]+) calls in .* s; ([\d.]+) bytes a call"


def test_the_tables_made_from_the_code_are_as_the_code_has_them():
    """If this fails: python tests/readme_tables.py."""
    text = readme_tables.README.read_text(encoding="utf-8")

    assert readme_tables.filled(text) == text
    assert all(f"<!-- {name} -->" in text for name in readme_tables.TABLES)


def test_every_attribute_of_a_price_or_count_is_in_the_table():
    told = readme_tables.attributes_table()
    ours = [each for name, each in vars(names).items() if name.startswith(("PRICE_", "USAGE_", "PROMPT_", "ROLLUP_"))]

    assert [each for each in ours if f"`{each}" not in told] == []


def test_what_the_ledger_takes_is_what_was_measured():
    results = readme_tables.README.parent.joinpath("benchmarks", "RESULTS.md").read_text(encoding="utf-8")
    most, size = max((int(calls.replace(",", "")), float(size)) for calls, size in re.findall(SCALE, results))

    assert most == 1_000_000
    assert f"{size:.0f} bytes of disk" in " ".join(readme_tables.README.read_text(encoding="utf-8").split())

import re

import readme_tables

SCALE = r"scale: ([\d,]+) calls in .* s; ([\d.]+) bytes a call"


def test_the_tables_made_from_the_code_are_as_the_code_has_them():
    """If this fails: python tests/readme_tables.py."""
    text = readme_tables.README.read_text(encoding="utf-8")

    assert readme_tables.filled(text) == text
    assert all(f"<!-- {name} -->" in text for name in readme_tables.TABLES)


def test_what_the_ledger_takes_is_what_was_measured():
    results = readme_tables.README.parent.joinpath("benchmarks", "RESULTS.md").read_text(encoding="utf-8")
    most, size = max((int(calls.replace(",", "")), float(size)) for calls, size in re.findall(SCALE, results))

    assert most == 1_000_000
    assert f"{size:.0f} bytes of disk" in " ".join(readme_tables.README.read_text(encoding="utf-8").split())

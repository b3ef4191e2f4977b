"""Each config, dashboard and alert is named with its tests; `python tests/operations/proofs.py` mends what fails here."""

from __future__ import annotations

import pytest
from proofs import ROOT, TABLES, alert_names, alerts, configs, with_table


@pytest.mark.parametrize(("file", "table"), TABLES.items())
def test_the_table_of_tests_is_made_from_the_tests(file, table):
    text = (ROOT / file).read_text(encoding="utf-8")

    assert f"<!-- {table} -->" in text
    assert text == with_table(text, table)


def test_everything_has_a_test():
    rows = [line for line in f"{configs()}\n{alerts()}".splitlines() if line.startswith("| ")]

    assert [row for row in rows if "|  |" in row] == []
    assert len(rows) > len(alert_names()) + 20

from __future__ import annotations

import re
from pathlib import Path

from adapters import environments

HERE = Path(__file__).parent


def test_what_the_main_environment_leaves_out_is_there_and_run_elsewhere():
    named = environments.elsewhere()

    assert [name for name in named if not (HERE / name).exists()] == []
    assert [
        name for env in environments.ENVIRONMENTS.values() for name in env.shared if not (HERE / name).exists()
    ] == []


def test_what_make_test_leaves_out_is_run_in_an_environment():
    """If this fails: name the file in environments.py, in one that installs its SDK."""
    marked = [
        each.name
        for each in HERE.glob("test_*.py")
        if re.search(r"^pytestmark = .*mark\.real", each.read_text(), re.MULTILINE)
    ]

    assert len(marked) > 1
    assert [name for name in marked if name not in environments.elsewhere()] == []

from __future__ import annotations

from pathlib import Path

from adapters import environments

HERE = Path(__file__).parent


def test_what_the_main_environment_leaves_out_is_there_and_run_elsewhere():
    named = environments.elsewhere()

    assert [name for name in named if not (HERE / name).exists()] == []
    assert [
        name for env in environments.ENVIRONMENTS.values() for name in env.shared if not (HERE / name).exists()
    ] == []

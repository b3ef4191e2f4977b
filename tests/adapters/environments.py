"""Which SDKs cannot live beside the others, and where each is tested. No test of an adapter is skipped.

`.ci/environments` builds them; `make test` is main, which runs all that is not named here.
"""

from __future__ import annotations

import os
from typing import NamedTuple


class Environment(NamedTuple):
    packages: tuple[str, ...]
    tests: tuple[str, ...]  # files of tests/adapters that only run there
    python: tuple[int, int] = (3, 10)  # the lowest that the packages take
    shared: tuple[str, ...] = ()  # files that run in the main environment, too


MAIN = "main"
NAME = os.environ.get("COSTSPAN_ENVIRONMENT", MAIN)
ENVIRONMENTS = {
    # newest of each that is not in the extra `test`, to keep `make test` quick to set up
    "others": Environment(
        ("perplexityai", "cerebras-cloud-sdk", "fireworks-ai", "sambanova"),
        ("test_perplexity.py", "test_cerebras.py", "test_fireworks.py", "test_sambanova.py"),
        shared=("test_stainless_family.py",),
    ),
}


def elsewhere() -> list[str]:
    """The test files that the main environment leaves to the others."""
    return [test for environment in ENVIRONMENTS.values() for test in environment.tests]

"""Whether an adapter's SDK is there to be instrumented."""

from __future__ import annotations

import importlib.metadata
import re
from functools import lru_cache
from importlib.machinery import PathFinder
from importlib.util import find_spec


def is_found(module: str) -> bool:
    """Whether a module can be imported; the packages around it are not: many share the name `google`."""
    name, *inner = module.split(".")
    spec = find_spec(name)
    for each in inner:
        if spec is None:
            break
        # by its own name only: a full one is looked up among the imported, if it is a namespace within one (azure.ai)
        spec = PathFinder.find_spec(each, spec.submodule_search_locations or ())
    return spec is not None


def is_new_enough(package: str) -> bool:
    """Whether an SDK is installed, and not older than its floor: `openai >= 1.40`."""
    distribution, _, floor = package.partition(" >= ")
    try:
        return _version(distribution) >= _numbers(floor)
    except importlib.metadata.PackageNotFoundError:
        return False


@lru_cache(maxsize=128)
def _version(distribution: str) -> tuple[int, ...]:
    """Read once: Python parses all of a distribution's description for it, which takes a millisecond."""
    return _numbers(importlib.metadata.version(distribution))


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(int(each) for each in re.findall(r"\d+", version)[:3])

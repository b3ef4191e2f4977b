"""Which SDKs are there, without importing them."""

from __future__ import annotations

import sys

import pytest

from costspan.adapters._installed import is_found, is_new_enough


@pytest.mark.parametrize(
    ("module", "here"),
    [("json", True), ("json.decoder", True), ("no_such", False), ("no_such.inner", False), ("google.no_such", False)],
)
def test_a_module_is_found_without_importing_the_packages_around_it(module, here):
    before = set(sys.modules)
    assert is_found(module) is here
    assert set(sys.modules) == before


def test_a_module_is_found_in_a_namespace_within_a_namespace(tmp_path, monkeypatch):
    """As `azure.ai.inference` is: neither `azure` nor `azure.ai` has an `__init__.py`."""
    (tmp_path / "outer_space" / "inner_space").mkdir(parents=True)
    (tmp_path / "outer_space" / "inner_space" / "sdk.py").touch()
    monkeypatch.syspath_prepend(tmp_path)

    assert is_found("outer_space.inner_space.sdk")
    assert not is_found("outer_space.inner_space.no_such")
    assert "outer_space" not in sys.modules


@pytest.mark.parametrize(
    ("package", "enough"),
    [("openai >= 1.40", True), ("openai >= 99.0", False), ("no-such-package >= 1", False)],
)
def test_what_is_not_installed_or_too_old_is_not_instrumented(package, enough):
    assert is_new_enough(package) is enough

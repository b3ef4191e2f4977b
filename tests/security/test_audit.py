"""The audit of dependencies: a known vulnerability fails the build, a service that does not answer does not."""

from __future__ import annotations

import json
from importlib.machinery import SourceFileLoader
from importlib.util import module_from_spec, spec_from_loader
from pathlib import Path
from types import SimpleNamespace

import pytest

SCRIPT = Path(__file__).parents[2] / ".ci" / "audit"
BAD = {"name": "wrapt", "version": "1.0", "vulns": [{"id": "CVE-1", "fix_versions": ["1.1"]}]}
GOOD = {"name": "click", "version": "8.1", "vulns": []}
UNASKED = {"name": "rich", "skip_reason": "not found"}


@pytest.fixture
def audit():
    spec = spec_from_loader("audit", SourceFileLoader("audit", str(SCRIPT)))
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize(
    ("said", "code", "told"),
    [
        (json.dumps({"dependencies": [GOOD, BAD]}), 1, "wrapt 1.0: CVE-1, mended in 1.1"),
        (
            json.dumps({"dependencies": [GOOD, UNASKED]}),
            0,
            "1 packages looked up, 0 known vulnerabilities; 1 could not",
        ),
        (json.dumps({"dependencies": [GOOD]}), 0, "1 packages looked up, 0 known vulnerabilities\n"),
        ("", 0, "no vulnerability service could be asked"),
    ],
)
def test_what_is_known_fails_and_what_is_unknown_is_said(audit, monkeypatch, capsys, said, code, told):
    monkeypatch.setattr(audit.subprocess, "run", lambda *_, **__: SimpleNamespace(stdout=said))

    assert audit.main() == code
    assert told in capsys.readouterr().out


def test_everything_that_costspan_brings_is_looked_up(audit):
    found = audit.installed()

    assert {"opentelemetry-sdk", "tiktoken", "wrapt", "click", "starlette", "uvicorn"} <= set(found)
    assert {"typing-extensions", "protobuf"} <= set(found)  # what those bring
    assert not {"costspan", "pytest", "openai"} & set(found)

"""Fixtures that every test may ask for. Fake providers speak real HTTP on loopback, one server per session."""

from __future__ import annotations

import gc
import os
import sys
import tempfile
from contextlib import suppress
from pathlib import Path

import pytest
from fake_providers import FakeProvider, openai

from costspan.guard import FAILURES

sys.modules.setdefault("splintr", None)  # as most users have it; tests/tokens/test_fast.py lets it in

with suppress(ModuleNotFoundError):  # not every environment has it
    from hypothesis import HealthCheck, settings

    # a busy machine takes any time for an example; nothing fails for that
    settings.register_profile("unhurried", deadline=None, suppress_health_check=[HealthCheck.too_slow])
    settings.load_profile("unhurried")


def pytest_configure(config):
    """One authority for every client that a test or a program of one makes: to read all that exist takes 20 ms."""
    with suppress(ModuleNotFoundError):
        import certifi  # noqa: PLC0415 not every environment has it

        first, end, _ = Path(certifi.where()).read_text(encoding="utf-8").partition("-----END CERTIFICATE-----")
        authority = tempfile.NamedTemporaryFile("w", suffix=".pem", delete=False)  # noqa: SIM115 removed below
        with authority:
            authority.write(f"{first}{end}\n")
        os.environ["SSL_CERT_FILE"] = authority.name
        config.add_cleanup(Path(authority.name).unlink)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_auto_num_workers(config):
    """One more than there are cores: many tests wait, for the end of a program or an answer that never comes."""
    return min((os.cpu_count() or 1) + 1, config.option.maxprocesses or 4)


def pytest_collection_finish():
    """All SDKs are imported by now, and none will go: collections of the tests look at what the tests made."""
    gc.collect()
    gc.freeze()


@pytest.hookimpl(trylast=True)
def pytest_unconfigure():
    """One last collection tells what it finds; a process with ten SDKs needs seconds for those that would follow.

    After the end of the session, where hypothesis looks with the collector's help for who holds what.
    """
    gc.collect()
    gc.freeze()


@pytest.fixture(autouse=True)
def _no_failures_of_other_tests():
    """They are counted for the whole process."""
    FAILURES.clear()


@pytest.fixture(scope="session")
def openai_server():
    """The fake OpenAI of the whole session; ask for `fake_openai`, which is clean."""
    fake = FakeProvider(openai.ROUTES)
    yield fake
    fake.close()


@pytest.fixture
def fake_openai(openai_server):
    """A fake OpenAI that was asked nothing yet. Base URL of a client: `fake_openai.url + "/v1"`."""
    openai_server.clear()
    return openai_server


@pytest.fixture
def telling(fake_openai):
    """`telling(**settings)`: costspan on, with a client of the fake OpenAI; what was told is read from what it gives.

    Off again after the test, which clears `FAILURES` where it means some. The fake stands for OpenAI itself, so its
    calls have OpenAI's prices.
    """
    from telling import Telling  # noqa: PLC0415 needs openai, which not every environment has

    made = []

    def switch_on(**settings):
        made.append(Telling(fake_openai, settings))
        return made[-1]

    yield switch_on
    for each in made:
        each.close()
    assert FAILURES.counts == {}

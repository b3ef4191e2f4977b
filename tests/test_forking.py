"""A child that is forked amid an import of ours gets what it asks for; what it would wait for has no thread there."""

import os
import subprocess
import sys

import pytest

from costspan.forking import Imports

FORK = """
import os, signal, sys, threading, time

class Slow:
    def find_spec(self, name, *_more):
        if name == {module!r}:
            time.sleep(0.5)

sys.meta_path.insert(0, Slow())
{ask}
thread = threading.Thread(target=ask, daemon=True)
thread.start()
time.sleep(0.2)
child = os.fork()
if child == 0:
    signal.alarm(10)
    ask()
    os._exit(0)
thread.join()
sys.exit(os.waitpid(child, 0)[1] != 0)
"""
ASKED = {
    "costspan.pricing.resolver": """
from costspan.pricing import Pricer
pricer = Pricer()
ask = pricer.load
""",
    "costspan.tokens.requests": """
from costspan.tokens.workers import Workers
workers = Workers(1)
def ask():
    done = threading.Event()
    workers.run(lambda: __import__("costspan.tokens.counting").tokens.counting.ask({}, "gpt-4o") and done.set())
    assert done.wait(9)
""",
}


@pytest.mark.skipif(not hasattr(os, "fork"), reason="a system without fork")
@pytest.mark.parametrize("module", ASKED)
def test_a_fork_waits_for_what_a_thread_of_ours_imports(module):
    code = FORK.format(module=module, ask=ASKED[module])

    command = [sys.executable, "-W", "ignore", "-c", code]  # newer Pythons warn of forks beside threads
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)

    assert (done.returncode, done.stderr) == (0, "")


def test_a_fork_waits_no_longer_than_an_import_may_take(monkeypatch):
    monkeypatch.delattr(os, "register_at_fork", raising=False)
    imports = Imports()
    imports._lock = held = Held()

    imports._wait()
    imports._go_on()
    assert held.released == 0
    imports._go_on_in_child()

    with imports:
        assert imports._lock is not held


class Held:
    """A lock that another thread does not give back."""

    released = 0

    def acquire(self, timeout):
        assert timeout > 0
        return False

    def release(self):
        self.released += 1

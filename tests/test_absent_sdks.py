"""An SDK that is not installed costs nothing: nothing of it, nor of its adapter, is imported, and nothing is logged."""

from __future__ import annotations

import json
import subprocess
import sys

PROGRAM = """
import json, logging, sys
from costspan.instrumentors import PLUGIN, _adapter_modules, instrument, uninstrument
roots = {module.partition(".")[0] for module in _adapter_modules().values()} - {"google"}
sys.modules.update(dict.fromkeys(roots))  # as if none were installed
sys.modules["google"] = None
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.trace import TracerProvider
logging.basicConfig(level=logging.DEBUG)
instrument(tracer_provider=TracerProvider(), meter_provider=MeterProvider())
adapters = [name for name in sys.modules if name.startswith("costspan.adapters.")]
told = {
    "active": sorted(PLUGIN.active),
    "imported": sorted(name for name in sys.modules if name.partition(".")[0] in roots and sys.modules[name]),
    "adapters": sorted(name for name in adapters if not name.rpartition(".")[2].startswith("_")),
    "hidden": len(roots),
}
uninstrument()
print(json.dumps(told))
"""


def test_without_any_sdk_nothing_is_imported_logged_or_placed():
    done = subprocess.run([sys.executable, "-c", PROGRAM], capture_output=True, text=True, check=True, timeout=180)
    told = json.loads(done.stdout)

    assert told.pop("hidden") > 20
    assert told == {"active": [], "imported": [], "adapters": []}
    assert done.stderr == ""

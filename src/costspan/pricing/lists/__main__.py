"""`make prices`: builds the bundled snapshot from the installed lists, and says what they disagree on.

Fails, and changes nothing, if the lists disagree where nobody has decided, or a price has moved by more than 3 times.
"""

from __future__ import annotations

import sys
from pathlib import Path

from costspan.pricing.lists.build import leaps
from costspan.pricing.lists.update import prepare_update
from costspan.pricing.store import bundled

FILE = Path(__file__).parents[1] / "data" / "prices.zip"


def main() -> int:
    """0 if a snapshot was written, 1 if a person has to decide first."""
    update = prepare_update(bundled())
    out = sys.stdout.write
    undecided = [each for each in update.merged.disagreements if each.decision is None]
    for each in update.merged.disagreements:
        verdict = f"{each.decision.list} list: {each.decision.reason}" if each.decision else "UNDECIDED"
        out(f"{each.first.provider} {each.second.id} ({', '.join(each.buckets)}): {verdict}\n")
    moved = leaps(update.changes)
    for change in moved:
        out(
            f"MOVED {change.provider} {change.model} {change.bucket}: {change.before} to {change.after} femto-dollars\n"
        )
    if undecided or moved:
        out("nothing written: settle each UNDECIDED and MOVED in src/costspan/pricing/lists/decisions.json\n")
        return 1
    FILE.write_bytes(update.data)
    models = sum(len(models) for models in update.merged.models.values())
    out(f"{FILE.name}: {models} models of {len(update.merged.models)} providers, {len(update.data)} bytes\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())

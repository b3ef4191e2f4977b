"""What a call costs through anthropic, google-genai and boto3's Bedrock, with costspan and with the tools for them.

    python benchmarks/sdks.py                     all three
    python benchmarks/sdks.py --only google       one of them
    python benchmarks/sdks.py --quick             costspan only, fewer starts

Measured as in calls.py: what a tool adds is paired with the bare SDK in the same environment. Where a tool does not
take an SDK's newest, its environment has the newest that it takes. anthropic makes spans of its own from 2.0 on where
spans are recorded: they are in the figures of the floor and of every tool, and a row shows what they add by themselves.
"""

from __future__ import annotations

import argparse

from calls import COLUMNS, table
from peers import SDK_ROWS

STARTS, QUICK_STARTS = 3, 2
TITLES = {"anthropic": "anthropic", "google": "google-genai", "bedrock": "boto3, Bedrock's Converse"}


def report(starts: int, wanted: tuple[str, ...] = tuple(TITLES), *, ours_only: bool = False) -> tuple[list[str], dict]:
    """A table for each SDK as lines of Markdown, and {SDK: its figures by the row's name}."""
    lines, figures = [], {}
    for client in wanted:
        print(f"\n{TITLES[client]}\n", flush=True)
        rows = tuple(row for row in SDK_ROWS if row.client == client and (row.tool == "costspan" or not ours_only))
        found, figures[client] = table(rows, starts, COLUMNS)
        lines += [f"### {TITLES[client]}", "", *found, ""]
    return lines[:-1], figures


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--only", choices=TITLES)
    parser.add_argument("--starts", type=int)
    asked = parser.parse_args()
    starts = asked.starts or (QUICK_STARTS if asked.quick else STARTS)
    report(starts, (asked.only,) if asked.only else tuple(TITLES), ours_only=asked.quick)


if __name__ == "__main__":
    main()

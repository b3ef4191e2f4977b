"""Counting tokens, measured: is the event loop free, what a call costs, how near the counts are, how cold a start is.

    python benchmarks/tokens.py                                   everything that needs nothing else
    python benchmarks/tokens.py --fast                            with the engine of the extra `fast`
    python benchmarks/tokens.py --litellm /path/to/venv/bin/python   the same texts through LiteLLM's token_counter
    python benchmarks/tokens.py --recordings /path/to/recordings     counts against what providers reported

Timings are of this machine at this moment: compare within one run only. Every pair is measured in turns. `its work` is
processor time: on cores that nothing else keeps busy, the wall time of the pool is that, divided by the cores.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import statistics
import subprocess
import sys
import sysconfig
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

import costspan
from costspan.tokens.vocabularies import load_encoding

TEXTS = 20
SIZE = 1_000_000  # characters
TICK = 0.001  # seconds
MODEL = "gpt-4o"
LITELLM = """
import json, os, sys, time
os.environ["LITELLM_LOCAL_MODEL_COST_MAP"] = "True"
import litellm
texts = json.load(sys.stdin)
litellm.token_counter(model="gpt-4o", text="warm")
begun = time.perf_counter()
counts = [litellm.token_counter(model="gpt-4o", text=text) for text in texts]
print(json.dumps([time.perf_counter() - begun, counts]))
"""
COLD = """
import sys, time
if sys.argv[1:] != ["fast"]:
    sys.modules["splintr"] = None
begun = time.perf_counter()
import costspan
imported = time.perf_counter() - begun
heavy = sorted({"tiktoken", "regex", "tokenizers", "lzma", "opentelemetry"} & set(sys.modules))
begun, worked = time.perf_counter(), time.process_time()
assert costspan.token_counter("gpt-4o", text="hello world") == 2
print(imported, time.perf_counter() - begun, time.process_time() - worked, ",".join(heavy) or "none")
"""


@cache
def bare_encoding():
    """tiktoken's own, as it comes."""
    return load_encoding("o200k_base")


def corpus(count=TEXTS, *, prose=False):
    """Texts of 1 MB each, all different: this Python's own library, which everybody has; as prose, one blank a gap."""
    sources = sorted(Path(sysconfig.get_path("stdlib")).rglob("*.py"))
    whole = "".join(path.read_text("utf-8", "replace") for path in sources if path.stat().st_size < 2 * SIZE)
    whole = " ".join(whole.split()) if prose else whole
    whole *= 1 + count * SIZE // len(whole)
    return [whole[start : start + SIZE] for start in range(0, count * SIZE, SIZE)]


@dataclass
class Ticker:
    """Counts how often a loop comes round every millisecond, and its longest absence."""

    gaps: list = field(default_factory=list)

    async def run(self):
        last = time.perf_counter()
        while True:
            await asyncio.sleep(TICK)
            now = time.perf_counter()
            self.gaps.append(now - last)
            last = now

    @property
    def rate(self):
        return len(self.gaps) / sum(self.gaps)

    @property
    def longest_ms(self):
        return max(self.gaps) * 1000


async def ticking(work):
    """A ticker beside `work`, the seconds and processor seconds that took, and what it gave."""
    ticker = Ticker()
    task = asyncio.create_task(ticker.run())
    await asyncio.sleep(0.01)
    begun, worked = time.perf_counter(), time.process_time()
    result = await work
    seconds = time.perf_counter() - begun, time.process_time() - worked
    await asyncio.sleep(0.005)
    task.cancel()
    return ticker, seconds, result


async def ours(texts):
    return await asyncio.gather(*(costspan.async_token_counter(MODEL, text=text) for text in texts))


async def documented_design(texts):
    """LiteLLM's page: a pool of 4 threads; where it is saturated, count inline. (Not in its releases; rebuilt here.)"""
    pool, busy = ThreadPoolExecutor(4), 0
    encode = bare_encoding().encode_ordinary

    async def one(text):
        nonlocal busy
        if busy >= 4:
            return len(encode(text))
        busy += 1
        try:
            return await asyncio.get_running_loop().run_in_executor(pool, lambda: len(encode(text)))
        finally:
            busy -= 1

    return await asyncio.gather(*(one(text) for text in texts))


def loop_stays_free(kind, texts, rounds):
    print(f"\n(a) {len(texts)} texts of 1 MB, {kind}, a loop ticking every ms; {os.cpu_count()} cores, {rounds} rounds")
    costspan.tokenizer_timeout_seconds = 300.0
    rows = {"idle": [], "costspan": [], "documented design": []}
    inline = []
    for _ in range(rounds):
        begun, worked = time.perf_counter(), time.process_time()
        expected = [costspan.token_counter(MODEL, text=text) for text in texts]
        inline.append((time.perf_counter() - begun, time.process_time() - worked))
        rows["idle"].append(asyncio.run(ticking(asyncio.sleep(inline[-1][0] / 2))))
        rows["costspan"].append(asyncio.run(ticking(ours(texts))))
        rows["documented design"].append(asyncio.run(ticking(documented_design(texts))))
        for name in ("costspan", "documented design"):
            assert rows[name][-1][2] == expected, f"{name} counts differently"
    idle = statistics.median(ticker.rate for ticker, _, _ in rows["idle"])
    print(f"  {'':22}{'ticks/s':>9}{'of idle':>9}{'longest ms':>12}{'seconds':>9}{'of inline':>11}{'its work':>10}")
    alone = statistics.median(seconds for seconds, _ in inline)
    print(f"  {'inline, loop blocked':22}{0:9.0f}{0:9.0%}{alone * 1000:12.0f}{alone:9.2f}{1:11.0%}{1:10.0%}")
    for name, runs in rows.items():
        rate = statistics.median(ticker.rate for ticker, _, _ in runs)
        stall = statistics.median(ticker.longest_ms for ticker, _, _ in runs)
        seconds = statistics.median(seconds for _, (seconds, _), _ in runs)
        wall, work = (
            statistics.median(run[1][of] / alone[of] for run, alone in zip(runs, inline, strict=True)) for of in (0, 1)
        )
        print(f"  {name:22}{rate:9.0f}{rate / idle:9.0%}{stall:12.1f}{seconds:9.2f}{wall:11.0%}{work:10.0%}")
    return expected


def beside_litellm(texts, expected, python, rounds):
    print("\n(a2) the same texts through LiteLLM's real token_counter, one after the other, in turns")
    ratios = []
    for _ in range(rounds):
        done = subprocess.run(
            [python, "-c", LITELLM], input=json.dumps(texts), capture_output=True, text=True, check=True
        )
        theirs, counts = json.loads(done.stdout.splitlines()[-1])
        begun = time.perf_counter()
        asyncio.run(ours(texts))
        pooled = time.perf_counter() - begun
        ratios.append(theirs / pooled)
        off = max(abs(their / our - 1) for their, our in zip(counts, expected, strict=True))
        print(
            f"  litellm {theirs:.2f} s, off by up to {off:.1%} (it counts a part of a long text); "
            f"costspan {pooled:.2f} s on the pool, exact: {theirs / pooled:.2f}x"
        )
    print(f"  median {statistics.median(ratios):.2f}x. LiteLLM's page says 225x: that is waiting against not waiting.")


def small_prompt(rounds=200):
    prompt = corpus(1)[0][:2000]
    bare = bare_encoding().encode_ordinary
    ways = {
        "bare tiktoken": lambda: len(bare(prompt)),
        "token_counter": lambda: costspan.token_counter(MODEL, text=prompt),
        "token_counter, message": lambda: costspan.token_counter(MODEL, messages=[{"role": "user", "content": prompt}]),
    }
    took = {name: [] for name in ways}
    for _ in range(rounds):
        for name, way in ways.items():
            begun = time.perf_counter()
            for _ in range(10):
                way()
            took[name].append((time.perf_counter() - begun) / 10)
    print(f"\n(b) a prompt of 2 kB, median of {rounds} rounds in turns")
    for name, seconds in took.items():
        ratio = statistics.median(a / b for a, b in zip(seconds, took["bare tiktoken"], strict=True))
        print(f"  {name:24}{statistics.median(seconds) * 1e6:8.1f} us{ratio:8.2f}x")


UNIT = {"type": "string", "description": "The unit of temperature to return", "enum": ["celsius", "fahrenheit"]}
PLACE = {"type": "string", "description": "The city and state, e.g. San Francisco, CA"}
COOKBOOK = {  # published by OpenAI, with what the API reported: "How to count tokens with tiktoken", section 7
    "messages": [
        {
            "role": "system",
            "content": "You are a helpful assistant that can answer to questions about the weather.",
        },
        {"role": "user", "content": "What's the weather like in San Francisco?"},
    ],
    "functions": [
        {
            "name": "get_current_weather",
            "description": "Get the current weather in a given location",
            "parameters": {
                "type": "object",
                "properties": {"location": PLACE, "unit": UNIT},
                "required": ["location"],
            },
        }
    ],
}
COOKBOOK_REPORTED = {"gpt-3.5-turbo": 105, "gpt-4": 105, "gpt-4o": 101, "gpt-4o-mini": 101}


PUBLIC = {"llama", "llama-4", "mistral", "deepseek", "qwen", "gemma", "glm", "kimi", "cohere"}  # exact with their own


def group_of(name, question):
    tools = any(part == "tools" for part, _ in question.prompt.texts)
    kind = "with tools" if tools else "plain"
    if question.prompt.guessed or "compact" in name or "search" in question.model:
        return "not knowable here: hosted tools, files, history at the provider"
    if question.count().exact:
        return f"exact by its mark: OpenAI, {kind}"
    family = costspan.tokens.families.family_of(question.model).name
    if family == "unknown":
        return "not knowable here: which model it is"
    who = "OpenAI" if family.startswith("gpt-") else "public, not given" if family in PUBLIC else "none public"
    return f"marked estimate: {who}, {kind}"


def recorded(folder):
    """Name, question and reported input tokens of every recorded request that is of a known shape."""
    from costspan.tokens.counting import ask

    for name, right in sorted(json.loads((folder / "expected.json").read_text()).items()):
        usage = right.get("usage") or {}
        case = json.loads((folder / "cases" / f"{name}.json").read_text())
        body = case["request"].get("json")
        if usage.get("input_tokens") and isinstance(body, dict):
            operation = "embeddings" if "embed" in name else "chat"
            reported = usage["input_tokens"] - usage.get("tool_use_input", 0)
            yield name, ask(body, right.get("request_model") or "", operation), reported
    for model, reported in COOKBOOK_REPORTED.items():
        yield f"cookbook {model}", ask(COOKBOOK, model), reported


def accuracy(folder):
    groups, families = {}, {}
    for name, question, reported in recorded(folder):
        pair = int(question.count()), reported
        group = group_of(name, question)
        groups.setdefault(group, []).append(pair)
        if group.endswith("plain"):
            families.setdefault(costspan.tokens.families.family_of(question.model).name, []).append(pair)
    print("\n(c) counts against the prompt tokens that providers reported; a short prompt may be 2 tokens off")
    print(f"  {'':68}{'n':>4}{'exact':>7}{'in 2%':>7}{'in 10%':>8}{'or 2':>6}{'median':>8}")
    for name, pairs in sorted(groups.items()):
        print(f"  {name:68}{_shares(pairs)}")
    print("  plain ones by family, with the median signed:")
    for name, pairs in sorted(families.items()):
        print(f"  {name:68}{_shares(pairs)}{statistics.median(ours / theirs - 1 for ours, theirs in pairs):+9.1%}")


def _shares(pairs):
    errors = [abs(ours / reported - 1) for ours, reported in pairs]
    inside = [sum(error <= most + 1e-9 for error in errors) for most in (0, 0.02, 0.1)]
    near = sum(abs(ours - reported) <= max(2, reported / 10) for ours, reported in pairs)
    return f"{len(errors):4}{inside[0]:7}{inside[1]:7}{inside[2]:8}{near:6}{statistics.median(errors):8.1%}"


def cold_start(*engine, rounds=5):
    print(f"\n(d) a new process, {rounds} times")
    found = []
    for _ in range(rounds):
        done = subprocess.run([sys.executable, "-c", COLD, *engine], capture_output=True, text=True, check=True)
        *times, heavy = done.stdout.split()
        found.append([float(each) for each in times])
    imported, first, worked = map(statistics.median, zip(*found, strict=True))
    print(
        f"  import costspan {imported * 1000:.0f} ms, heavy modules loaded: {heavy}; "
        f"first count {first:.2f} s, {worked:.2f} s of it work"
    )


def main():
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--litellm", metavar="PYTHON", help="a Python that has litellm")
    arguments.add_argument("--recordings", type=Path, metavar="FOLDER", help="expected.json and cases/")
    arguments.add_argument("--rounds", type=int, default=7)
    arguments.add_argument("--fast", action="store_true", help="use splintr-rs, if it is installed")
    given = arguments.parse_args()
    if not given.fast:
        sys.modules["splintr"] = None
    costspan.token_counter(MODEL, text="load it")
    print(f"engine: {type(costspan.tokens.tokenizers.ENCODINGS.get('o200k_base')._encoding).__module__}")
    cold_start(*["fast"] * given.fast)
    small_prompt()
    loop_stays_free("prose", corpus(prose=True), given.rounds)
    texts = corpus()
    counts = loop_stays_free("source code", texts, given.rounds)
    if given.litellm:
        beside_litellm(texts, counts, given.litellm, given.rounds)
    if given.recordings:
        accuracy(given.recordings)


if __name__ == "__main__":
    main()

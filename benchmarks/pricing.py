"""Pricing, measured: a call with a cached card, the first one in a process, and agreement with the two price lists.

    python benchmarks/pricing.py                 speed, first price and size of our own
    python benchmarks/pricing.py --agreement     with every disagreement and who is right

What of genai-prices and litellm is installed beside is measured in the same run, in turns: compare the ratios, which
are of one round. Times are processor time: the least of many rounds, as other programs on a machine only ever add to
it, and the median. `--litellm-list FILE` prices with that list instead of the installed litellm's own.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import time
from collections import Counter
from datetime import datetime, timezone
from fnmatch import fnmatchcase
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING

from costspan.pricing import Pricer
from costspan.pricing.lists.build import OWN, read_decisions
from costspan.pricing.litellm import split_key
from costspan.usage import Usage

if TYPE_CHECKING:
    from costspan.pricing.lists.merge import Decision

ROUNDS, CALLS = 40, 500
CALL = {"input": 2_000, "cache_read": 8_000, "output": 1_000}
GRID = (
    {"input": 1_000, "output": 500},
    {"input": 2_000, "cache_read": 8_000, "output": 1_000},
    {"input": 50_000, "cache_read": 20_000, "cache_write": 5_000, "output": 2_000},
    {"input": 300_000, "output": 10_000},
)
# Where we differ on purpose, and no decision of the list says so: (against, provider, model): why.
REVIEWED = {
    ("genai-prices", "google", "gemma-*"): "another list's price of Vertex, or free on the Gemini API",
    ("genai-prices", "google", "*"): "ours has the cache rate, which that list leaves out",
    ("genai-prices", "zai", "*"): "Z.AI charges nothing for writing its cache",
    ("genai-prices", "openai", "*-search-preview"): "ours adds the fee of the search in every request",
    ("genai-prices", "perplexity", "sonar*"): "ours has the fee of the default search context, that list the highest",
    ("genai-prices", "github-copilot", "*"): "included in a subscription: free, in that list 0",
    ("litellm", "perplexity", "*"): "its calculator of Perplexity bills cached input in full",
    ("litellm", "azure_ai", "*mage*"): "text cached from an image model: rates of two kinds",
}
FIRST = """
import sys, time
import costspan.usage, costspan.guard
from costspan.pricing import Pricer
def resident():
    return int(open("/proc/self/statm").read().split()[1]) * 4096
before, begun = resident(), time.process_time_ns()
Pricer().price(costspan.usage.Usage(input=5), provider=sys.argv[1], model=sys.argv[2])
print((time.process_time_ns() - begun) / 1e6, (resident() - before) / 1e6)
"""
LOADED = """
import sys, costspan
print(sorted(name for name in sys.modules if name.startswith("costspan.pricing")))
"""


def genai_prices_call():
    """Prices a call with genai-prices, if it is installed."""
    try:
        from genai_prices import Usage as Theirs
        from genai_prices import calc_price
    except ModuleNotFoundError:
        return None

    def call(counts, provider, model, at):
        read, write = counts.get("cache_read", 0), counts.get("cache_write", 0)
        usage = Theirs(
            input_tokens=counts["input"] + read + write,
            cache_read_tokens=read,
            cache_write_tokens=write,
            output_tokens=counts["output"],
        )
        return calc_price(usage, model_ref=model, provider_id=provider, genai_request_timestamp=at).total_price

    return call


def litellm_call(listed=None):
    """Prices a call with litellm, if it is installed; with another list, if one is given."""
    os.environ["LITELLM_LOCAL_MODEL_COST_MAP"] = "True"
    try:
        import litellm
    except ModuleNotFoundError:
        return None
    if listed is not None:
        litellm.model_cost.clear()
        litellm.model_cost.update(listed)
        litellm.add_known_models(listed)
    litellm.suppress_debug_info = True

    def call(counts, provider, model, _at):
        read, write = counts.get("cache_read", 0), counts.get("cache_write", 0)
        return sum(
            litellm.cost_per_token(
                model=model,
                custom_llm_provider=provider,
                prompt_tokens=counts["input"] + read + write,
                completion_tokens=counts["output"],
                cache_read_input_tokens=read,
                cache_creation_input_tokens=write,
            )
        )

    return call


def measure_speed(listed):
    pricer, usage, now = Pricer(), Usage(**CALL), datetime.now(timezone.utc)
    genai, litellm = genai_prices_call(), litellm_call(listed)
    sides = {"costspan": lambda: pricer.price(usage, provider="openai", model="gpt-5", request_model="gpt-5", at=now)}
    if genai:
        sides["genai-prices"] = lambda: genai(CALL, "openai", "gpt-5", now)
    if litellm:
        sides["litellm"] = lambda: litellm(CALL, "openai", "gpt-5", now)
    taken = {name: [] for name in sides}
    for _ in range(ROUNDS):
        for name, call in sides.items():
            calls = CALLS if name == "costspan" else CALLS // 20
            begun = time.process_time_ns()
            for _ in range(calls):
                call()
            taken[name].append((time.process_time_ns() - begun) / calls / 1000)
    for name, microseconds in taken.items():
        ratios = [theirs / ours for theirs, ours in zip(microseconds, taken["costspan"], strict=True)]
        low, middle, high = statistics.quantiles(ratios, n=4)
        print(
            f"{name}: {min(microseconds):.2f} µs a call at best, {statistics.median(microseconds):.2f} median; "
            f"{middle:.0f} ({low:.0f} to {high:.0f}) times costspan"
        )


def measure_first():
    for provider, model in (("openai", "gpt-5"), ("openrouter", "openai/gpt-5"), ("azure.ai.openai", "no-such-model")):
        runs = [
            tuple(
                map(float, subprocess.check_output([sys.executable, "-c", FIRST, provider, model], text=True).split())
            )
            for _ in range(5)
        ]
        print(f"first price, {provider}: {min(run[0] for run in runs):.0f} ms, {max(run[1] for run in runs):.1f} MB")
    print(
        "pricing modules loaded by `import costspan`:",
        subprocess.check_output([sys.executable, "-c", LOADED], text=True).strip(),
    )
    print(f"price list in the wheel: {len(files('costspan.pricing').joinpath('data/prices.zip').read_bytes()):,} bytes")


def compare(name, theirs, models, ours=lambda model, provider: (provider, model)):
    """Prices every model over the grid on both sides; every difference above 0.1% is put down with its reason."""
    pricer, at = Pricer(), datetime.now(timezone.utc)
    outcome, notes = Counter(), {}
    for provider, model in models:
        for counts in GRID:
            try:
                want = float(theirs(counts, provider, model, at))
            except Exception as error:  # noqa: BLE001 a peer's errors are many
                outcome[f"theirs raised {type(error).__name__}"] += 1
                continue
            host, id_ = ours(model, provider)
            price = pricer.price(Usage(**counts), provider=host, model=id_, at=at)
            if price.total_femto is None:
                outcome["ours has no rate for tokens" if want == 0 else "ours has no price"] += 1
                notes.setdefault((provider, model), (f"{want:.6g} theirs, no price ours", price.reason))
            elif abs(float(price) - want) <= 1e-3 * abs(want) + 1e-12:
                outcome["same"] += 1
            else:
                reason = reason_for(provider, model, price, name)
                outcome["differs, " + ("reviewed" if reason else "not reviewed")] += 1
                notes.setdefault(
                    (provider, model), (f"{want:.6g} theirs, {float(price):.6g} ours", reason or "NOT REVIEWED")
                )
    total = sum(outcome.values())
    print(
        f"\nagainst {name}: {len(models)} models, {total} prices; "
        + ", ".join(f"{what}: {n} ({n / total:.2%})" for what, n in outcome.most_common())
    )
    for (provider, model), (what, reason) in sorted(notes.items()):
        print(f"  {provider} {model}: {what}: {reason}")


def reason_for(provider, model, price, name):
    """Why we differ on purpose, or nothing."""
    entry = price.entry
    for (against, host, pattern), reason in REVIEWED.items():
        if against == name and host == provider and fnmatchcase(model, pattern):
            return reason
    if entry.source == OWN:
        return "our own entry: time of day with weekdays, or a provider's list"
    for decision in read_decisions():
        if covers(decision, entry, provider, model):
            side = "the other" if (decision.list == "first") == (name == "litellm") else "this"
            return f"{side} list is right: {decision.reason}"
    if entry.source.split(" ")[0] != name:
        return f"priced from {entry.source}"
    return None


def covers(decision: Decision, entry, provider, model):
    ids = {entry.model.lower(), model.lower(), split_key(model, provider)[1].lower()}
    return fnmatchcase(entry.provider, decision.provider) and any(
        fnmatchcase(each, decision.model.lower()) for each in ids
    )


def measure_agreement(listed):
    if genai := genai_prices_call():
        from genai_prices.data import providers

        compare("genai-prices", genai, [(each.id, model.id) for each in providers for model in each.models])
    if litellm := litellm_call(listed):
        import litellm as package

        keys = [
            (entry.get("litellm_provider"), key)
            for key, entry in package.model_cost.items()
            if entry.get("input_cost_per_token")
        ]
        names = [(provider, key) for provider, key in keys if provider and "commitment" not in key]
        compare("litellm", litellm, names, split_key)


def main():
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--agreement", action="store_true")
    options.add_argument("--litellm-list", type=Path)
    chosen = options.parse_args()
    listed = json.loads(chosen.litellm_list.read_text()) if chosen.litellm_list else None
    if listed:
        listed.pop("sample_spec", None)
    if chosen.agreement:
        measure_agreement(listed)
    else:
        measure_speed(listed)
        measure_first()


if __name__ == "__main__":
    main()

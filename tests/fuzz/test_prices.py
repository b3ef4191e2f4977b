"""Whatever stands in a price file: it is loaded and prices calls, or one line says what is wrong. Nothing else."""

from __future__ import annotations

import ast
import json
import tempfile
from datetime import datetime, timezone
from pathlib import Path

import yaml
from arbitrary import SCALARS, fuzzed, trees
from hypothesis import example, given
from hypothesis import strategies as st

from costspan.pricing import Pricer, litellm
from costspan.pricing.document import PriceListError
from costspan.pricing.litellm import FIELDS
from costspan.pricing.pricefile import read_price_file
from costspan.usage import Usage

NOW = datetime(2026, 11, 22, tzinfo=timezone.utc)
SOURCES = Path(litellm.__file__).parent.glob("*.py")
KEYS = frozenset(FIELDS) | {  # every word that the readers know, and some that they do not
    node.value
    for path in SOURCES
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
    if isinstance(node, ast.Constant) and isinstance(node.value, str) and node.value.isidentifier()
}
ENTRIES = st.dictionaries(st.sampled_from(sorted(KEYS)), st.one_of(trees(KEYS), SCALARS), max_size=7)
NAMED = st.builds(
    lambda entry, name: {"provider": "acme", "model": name, **entry}, ENTRIES, st.sampled_from(["big", "é"])
)
PRICED = st.builds(
    lambda entry, price: {"provider": "acme", "model": "big", "input": price, **entry},
    ENTRIES,
    st.one_of(SCALARS, ENTRIES),
)
OURS = st.builds(
    lambda models, discounts, rest: rest | {"models": models, "discounts": discounts},
    st.lists(st.one_of(NAMED, PRICED), max_size=3),
    st.lists(st.one_of(NAMED, ENTRIES), max_size=2),
    st.dictionaries(st.sampled_from(["deployments", "fees"]), st.lists(ENTRIES, max_size=2), max_size=2),
)
LITELLM = st.dictionaries(
    st.sampled_from(["acme/big", "gpt-4o", "sample_spec", "azure/eu/x", ""]),
    st.builds(lambda entry: {"litellm_provider": "acme", "mode": "chat", **entry}, ENTRIES),
    max_size=3,
)


def load(text, ending):
    """Loads or refuses it, in one line; what is loaded prices a call."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / f"prices{ending}"
        path.write_bytes(text)
        try:
            read_price_file(path)
        except PriceListError as error:
            assert "\n" not in str(error)
            assert str(path) in str(error)
            return
        pricer = Pricer(str(path))
        for provider, model in (("acme", "big"), ("openai", "gpt-4o")):
            price = pricer.price(Usage(input=1000, output=10, images=1), provider=provider, model=model, at=NOW)
            assert price.total_femto is None or price.total_femto == sum(price.breakdown.values()) >= 0


def _json(value):
    return json.dumps(value, default=str).encode("utf-8", "surrogatepass")


@fuzzed
@given(st.one_of(OURS, LITELLM, trees(KEYS)))
@example({"models": [{"provider": "acme", "model": "big", "input": "1e999999999"}]})
@example({"acme/big": {"litellm_provider": "acme", "mode": "chat", "provider_specific_entry": {"fast": True}}})
def test_any_json_file_is_loaded_or_refused_in_one_line(value):
    load(_json(value), ".json")


@fuzzed
@given(st.one_of(OURS, LITELLM))
def test_any_yaml_file_is_loaded_or_refused_in_one_line(value):
    plain = json.loads(json.dumps(value, default=str))
    load(yaml.safe_dump(plain, allow_unicode=True).encode("utf-8", "surrogatepass"), ".yaml")


@fuzzed
@given(
    st.one_of(st.binary(max_size=60), st.text(max_size=60).map(lambda text: text.encode("utf-8", "surrogatepass"))),
    st.sampled_from([".json", ".yaml"]),
)
@example(b"[" * 3000, ".json")
@example(b"[" * 3000, ".yaml")
@example(b"&a [*a]", ".yaml")
@example(b"models: [{since: 2026-99-99}]", ".yaml")
@example(b"1" * 5000, ".json")
@example(b"x: " + b"1" * 5000, ".yaml")
@example(b"{? [a, b] : c}", ".yaml")
@example(b"!!python/object/apply:os.system [true]", ".yaml")
@example(b"x: !!int a", ".yaml")
@example(b"x: !!timestamp a", ".yaml")
@example(b"x: !!binary a", ".yaml")
@example(b"a: &a {}\n<<: *a", ".yaml")
@example(b"<<: 3", ".yaml")
def test_any_bytes_are_loaded_or_refused_in_one_line(text, ending):
    load(text, ending)

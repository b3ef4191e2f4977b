"""A refreshed price list comes into force by an explicit act, can be taken back, and never breaks a program."""

import json
import logging
import sys
from decimal import Decimal
from types import ModuleType, SimpleNamespace

import pytest

from costspan.guard import FAILURES
from costspan.pricing import store
from costspan.pricing.catalog import Catalog
from costspan.pricing.document import PriceListError
from costspan.pricing.lists import __main__ as make
from costspan.pricing.lists import update as updating
from costspan.pricing.lists.update import entries_of, prepare_update
from costspan.pricing.pricer import Pricer
from costspan.pricing.snapshot import Snapshot
from costspan.usage import Usage


@pytest.fixture
def installed(monkeypatch, tmp_path):
    """The two packages as if they were installed with these contents; None: not installed."""

    def install(genai=None, litellm=None, version="9.9"):
        versions = {"genai-prices": genai, "litellm": litellm}
        monkeypatch.setattr(updating, "_version", lambda name: None if versions[name] is None else version)
        if genai is not None:
            module = ModuleType("genai_prices.data")
            module.providers = genai
            monkeypatch.setitem(sys.modules, "genai_prices", ModuleType("genai_prices"))
            monkeypatch.setitem(sys.modules, "genai_prices.data", module)
        if litellm is not None:
            (tmp_path / "model_prices_and_context_window_backup.json").write_text(json.dumps(litellm))
        spec = SimpleNamespace(submodule_search_locations=[str(tmp_path)])
        monkeypatch.setattr(updating, "find_spec", lambda name: spec if litellm is not None else None)

    return install


ACME = {"acme/m": {"litellm_provider": "acme", "input_cost_per_token": 1e-6}}


def test_the_bundled_list_is_in_force_until_there_is_another():
    assert store.current().index["built"] == store.bundled().index["built"]


def test_an_update_comes_into_force_and_goes_again(installed):
    installed(litellm=ACME)
    ready = prepare_update(store.current())

    store.save(ready.data)
    assert Pricer().price(Usage(input=10**6), provider="acme", model="m").total == 1
    assert store.roll_back()
    assert Pricer().price(Usage(input=10**6), provider="acme", model="m").total is None
    assert not store.roll_back()


def test_a_second_update_is_taken_back_to_the_first(installed):
    for price in (1e-6, 2e-6):
        installed(litellm={"acme/m": {"litellm_provider": "acme", "input_cost_per_token": price}})
        store.save(prepare_update(store.bundled()).data)

    assert Pricer().price(Usage(input=10**6), provider="acme", model="m").total == 2
    store.roll_back()
    assert Pricer().price(Usage(input=10**6), provider="acme", model="m").total == 1


def test_what_only_the_list_before_has_stays(installed):
    installed(litellm=ACME)

    catalog = Catalog(Snapshot(prepare_update(store.bundled()).data))

    assert catalog.find("openai", "gpt-4o").source.startswith("genai-prices")
    assert catalog.find("cohere", "rerank-v3.5").source.startswith("litellm 1.")


def test_an_older_list_than_the_bundled_one_is_not_used(own_cache, monkeypatch):
    store.save(store.get_data("costspan.pricing", "data/prices.zip"))
    bundled = store.bundled()
    monkeypatch.setattr(store, "bundled", lambda: SimpleNamespace(index={**bundled.index, "built": "2999-01-01"}))

    assert store.current().index["built"] == "2999-01-01"


@pytest.mark.parametrize("damage", [b"", b"no zip", b"PK\x05\x06" + bytes(18)])
def test_a_damaged_list_is_logged_and_the_bundled_one_used(own_cache, caplog, damage):
    FAILURES.clear()
    own_cache.mkdir(parents=True)
    (own_cache / "prices.zip").write_bytes(damage)

    with caplog.at_level(logging.WARNING, "costspan"):
        assert store.current().index["built"] == store.bundled().index["built"]

    assert "costspan prices rollback" in caplog.text
    FAILURES.clear()


def test_without_anything_to_update_from_it_says_what_to_do(installed):
    installed()

    with pytest.raises(PriceListError, match="nothing to update from: install genai-prices or litellm, or name"):
        prepare_update(store.bundled())


def test_packages_older_than_the_list_in_force_bring_no_prices_back(installed):
    installed(litellm={"openai/gpt-4o": {"litellm_provider": "openai", "input_cost_per_token": 1}}, version="1.2.10")

    with pytest.raises(PriceListError, match=r"litellm 1\.2\.10 is older than the list in force: upgrade it, or name"):
        prepare_update(store.bundled())

    fetched = SimpleNamespace(index={"sources": ["litellm https://x.test/prices.json 2026-11-23"]})
    with pytest.raises(PriceListError, match=r"litellm 1\.2\.10 is older"):
        prepare_update(fetched)

    [ours] = [each for each in store.bundled().index["sources"] if each.startswith("litellm ")]
    installed(litellm=ACME, version=ours.removeprefix("litellm "))
    assert prepare_update(store.bundled()).sources == (ours,)


def curated(dollars):
    """The curated package with one model, at this price for a million tokens of input."""
    price, match = SimpleNamespace(input_mtok=Decimal(dollars)), SimpleNamespace(equals="m")
    model = SimpleNamespace(id="m", match=match, prices=price, price_variants=None, context_window=9)
    return [SimpleNamespace(id="acme", models=[model])]


def test_the_curated_package_alone_is_enough(installed):
    installed(genai=curated(3))

    ready = prepare_update(store.bundled())

    assert ready.sources == ("genai-prices 9.9",)
    assert [change.model for change in ready.changes if change.provider == "acme"] == ["m"]


@pytest.mark.parametrize(("dollars", "terms"), [(3, [{"tier": "batch"}]), (4, [])])
def test_the_curated_package_alone_leaves_what_the_other_list_adds_to_the_same_price(installed, dollars, terms):
    more = {"input_cost_per_token": 3e-6, "output_cost_per_token": 5e-6, "input_cost_per_token_batches": 1e-6}
    installed(genai=curated(3), litellm={"acme/m": {"litellm_provider": "acme"} | more})
    both = Snapshot(prepare_update(store.bundled()).data)

    installed(genai=curated(dollars))
    [model] = Catalog(Snapshot(prepare_update(both).data)).models("acme")

    assert [variant.when for variant in model.variants] == terms
    assert model.periods[-1].rates["input"] == ((0, dollars * 10**9),)
    assert ("output" in model.periods[-1].rates) == bool(terms)


@pytest.mark.parametrize(("platform", "start"), [("linux", ".cache"), ("darwin", "Library"), ("win32", "AppData")])
def test_the_cache_is_where_the_system_keeps_such_things(monkeypatch, tmp_path, platform, start):
    for name in ("XDG_CACHE_HOME", "LOCALAPPDATA"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(sys, "platform", platform)
    monkeypatch.setattr(store.Path, "home", lambda: tmp_path)

    assert store.cache_directory().relative_to(tmp_path).parts[0] == start


@pytest.mark.parametrize("address", ["ftp://example.com/x", "file:///etc/passwd", "prices.json"])
def test_only_web_addresses_are_fetched(address):
    with pytest.raises(PriceListError, match="must be an http or https address"):
        prepare_update(store.bundled(), address)


def test_an_answer_that_is_too_large_is_refused(monkeypatch):
    class Endless:
        def __enter__(self):
            return self

        def __exit__(self, *_):
            pass

        def read(self, most):
            return b" " * most

    monkeypatch.setattr("urllib.request.urlopen", lambda *_, **__: Endless())
    with pytest.raises(PriceListError, match="has more than 32 MB"):
        prepare_update(store.bundled(), "https://example.com/prices.json")


def test_an_entry_that_is_no_object_is_refused():
    with pytest.raises(PriceListError, match=r"x: gpt-4o: must be an object with prices, not 3|x:1: gpt-4o"):
        entries_of('{"gpt-4o": 3}', "x")


class TestMakePrices:
    def test_it_writes_a_list_that_nobody_has_to_look_at(self, installed, monkeypatch, tmp_path, capsys):
        installed(litellm=ACME)
        monkeypatch.setattr(make, "FILE", tmp_path / "made.zip")

        assert make.main() == 0
        assert Catalog(Snapshot((tmp_path / "made.zip").read_bytes())).by_id("acme", "m")
        assert "made.zip: " in capsys.readouterr().out

    def test_it_refuses_a_leap_and_a_new_disagreement(self, installed, monkeypatch, tmp_path, capsys):
        installed(
            litellm={
                "gpt-4o": {"litellm_provider": "openai", "input_cost_per_token": 7e-6},
                "rerank-v3.5": {"litellm_provider": "cohere", "mode": "rerank", "input_cost_per_token": 1e-6},
                "snowflake/claude-sonnet-4-6": {"litellm_provider": "snowflake", "input_cost_per_token": 1e-3},
            }
        )
        monkeypatch.setattr(make, "FILE", tmp_path / "made.zip")

        assert make.main() == 1
        out = capsys.readouterr().out
        assert "openai gpt-4o (input): UNDECIDED" in out
        assert "MOVED snowflake claude-sonnet-4-6 input: 3000000000 to 1000000000000 femto-dollars" in out
        assert not (tmp_path / "made.zip").exists()

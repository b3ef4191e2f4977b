"""The commands price, models and prices."""

import json

import pytest
from click.testing import CliRunner

from costspan.api.prices import every_price, prices_of
from costspan.cli.commands import costspan
from costspan.ledger.record import Dims, StoredCall
from costspan.ledger.store import Store
from costspan.pricing import lookup, store
from costspan.pricing.lists import update as updating


@pytest.fixture(autouse=True)
def apart(tmp_path, monkeypatch):
    """No prices and no ledger but the test's own."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setenv("COSTSPAN_LEDGER", str(tmp_path / "ledger.db"))
    monkeypatch.delenv("COSTSPAN_PRICES", raising=False)
    lookup.pricer_of_environment.cache_clear()
    yield
    lookup.pricer_of_environment.cache_clear()


def run(*args):
    return CliRunner().invoke(costspan, [str(arg) for arg in args])


def test_price_shows_the_breakdown_the_entry_and_since_when():
    result = run(
        "price", "deepseek-v4-flash", "--input", 1200, "--cached", 400, "--output", 300, "--at", "2026-10-03T12:00"
    )

    assert result.exit_code == 0
    assert [line.split() for line in result.output.splitlines()[1:5]] == [
        ["input", "1,200", "0.15", "$0.00018"],
        ["cache_read", "400", "0.003", "$0.0000012"],
        ["output", "300", "0.6", "$0.00018"],
        ["total", "$0.0003612"],
    ]
    assert "deepseek deepseek-v4-flash, from costspan, since 2026-09-10" in result.output


def test_price_takes_terms_and_units_and_says_it_as_json():
    result = run("price", "gpt-5", "--input", 1000, "--tier", "flex", "--units", "web_searches=2", "--json")

    told = json.loads(result.output)
    assert (told["cost_usd"], told["status"]) == ("0.020625", "priced")
    assert told["breakdown_usd"] == {"input": "0.000625", "web_searches": "0.02"}
    assert told["entry"]["model"] == "gpt-5"


@pytest.fixture
def own_prices(tmp_path, monkeypatch):
    """`own_prices(entry, …)`: a price file in force with these models."""

    def use(*models):
        (tmp_path / "prices.json").write_text(json.dumps({"models": models}))
        monkeypatch.setenv("COSTSPAN_PRICES", str(tmp_path / "prices.json"))

    return use


def test_models_and_the_api_tell_a_model_once_as_it_is_priced(own_prices):
    own_prices(
        {"provider": "openai", "model": "gpt-5", "input": 1}, {"provider": "acme", "model": "gpt-5x", "input": 3}
    )

    listed = json.loads(run("models", "--search", "gpt-5", "--json").output)
    [shown] = [each for each in listed if (each["provider"], each["model"]) == ("openai", "gpt-5")]
    [asked] = [each for each in every_price("gpt-5", "openai") if each["model"] == "gpt-5"]

    assert (shown["input"], shown["output"]) == (1, 10)
    assert shown["prices"] == asked["prices"]
    assert asked["prices"]["output"] == [{"above_input_tokens": 0, "usd": "0.00001"}]
    assert prices_of("gpt-5", "openai") == [asked]
    assert listed[0]["model"] == prices_of("GPT-5x")[0]["model"] == "gpt-5x"


def test_prices_of_time_are_for_the_millisecond_that_usage_counts():
    [whisper] = prices_of("whisper-1", "openai")

    assert whisper["prices"]["input_audio_ms"] == [{"above_input_tokens": 0, "usd": "0.0000001"}]  # 0.006 a minute


def test_price_names_what_has_no_rate():
    result = run("price", "gpt-4o", "--input", 10, "--units", "maps_searches=1", "--geo", "eu")

    assert "no rate for maps_searches" in result.output
    assert ["maps_searches", "1", "no", "rate"] in [line.split() for line in result.output.splitlines()]
    assert "geo eu" in result.output


def test_price_shows_the_list_price_beside_a_contract_s(tmp_path, monkeypatch):
    (tmp_path / "p.json").write_text('{"discounts": [{"provider": "openai", "percent": 50}]}')
    monkeypatch.setenv("COSTSPAN_PRICES", str(tmp_path / "p.json"))

    assert "list price $0.0025" in run("price", "gpt-4o", "--input", 1000).output
    assert json.loads(run("price", "gpt-4o", "--input", 1000, "--json").output)["list_cost_usd"] == "0.0025"


@pytest.mark.parametrize("args", [("gpt-5-minni",), ("gpt-5-minni", "--provider", "openai")])
def test_price_of_an_unknown_model_names_the_closest(args):
    result = run("price", *args)

    assert result.exit_code == 1
    assert "closest known: gpt-5-mini" in result.output
    assert len(result.output.splitlines()) == 1


@pytest.mark.parametrize(
    ("args", "problem"),
    [
        (("--at", "soon"), "'soon' is no time"),
        (("--at", "0001-01-01T00:00+05:00"), "is no time"),
        (("--units", "words=3"), "'words=3': write BUCKET=COUNT"),
        (("--units", "images=x"), "'images=x': write BUCKET=COUNT"),
        (("--units", f"images={'0' * 5000}"), "write BUCKET=COUNT"),
        (("--units", "images=1", "--units", "images=2"), "images is given twice"),
        (("--cached", "5", "--units", "cache_read=2"), "cache_read is given twice, by --units and by its own option"),
        (("--input", -1), "-1"),
    ],
)
def test_price_says_what_is_wrong_with_an_argument(args, problem):
    result = run("price", "gpt-4o", *args)

    assert result.exit_code == 2
    assert problem in result.output


def test_price_of_a_model_without_a_price_says_so(tmp_path, monkeypatch):
    (tmp_path / "p.json").write_text('{"models": [{"provider": "acme", "model": "m", "max_input_tokens": 9}]}')
    monkeypatch.setenv("COSTSPAN_PRICES", str(tmp_path / "p.json"))

    result = run("price", "m", "--provider", "acme", "--input", 5)
    assert "unknown" in result.output
    assert "listed without a price" in result.output
    assert json.loads(run("price", "m", "--provider", "acme", "--input", 5, "--json").output)["cost_usd"] is None


def test_models_lists_by_provider_and_text():
    rows = json.loads(run("models", "--provider", "bedrock", "--search", "NOVA-LITE", "--json").output)

    nova = next(row for row in rows if row["model"] == "amazon.nova-lite-v1:0")
    assert (nova["input"], nova["output"], nova["provider"]) == (0.06, 0.24, "aws.bedrock")
    assert all("nova-lite" in row["model"].lower() for row in rows)
    table = run("models", "--provider", "groq", "--search", "llama-3.1-8b").output
    assert "0.05" in table
    assert "1 model;" in table


def test_in_a_narrow_terminal_columns_go_and_never_the_models(monkeypatch):
    monkeypatch.setenv("COLUMNS", "80")
    lines = run("models").output.splitlines()

    assert lines[0].split() == ["provider", "model", "input", "output"]
    assert lines[1].split()[:2] == ["abliteration", "abliterated-model"]
    assert max(map(len, lines[:-1])) <= 80


def test_a_provider_of_the_price_file_is_known_as_those_of_the_list_are(tmp_path, monkeypatch):
    (tmp_path / "p.json").write_text('{"models": [{"provider": "acme", "model": "big", "input": 2}]}')
    monkeypatch.setenv("COSTSPAN_PRICES", str(tmp_path / "p.json"))

    assert "1 model;" in run("models", "--provider", "acme").output
    for name in ("acme/big", "big"):
        assert "acme big, from " in run("price", name, "--input", 1).output


def test_models_says_if_there_is_none():
    assert "no model with 'no-such-model-at-all' in its id" in run("models", "--search", "no-such-model-at-all").output
    unknown = run("models", "--provider", "nobody")
    assert unknown.exit_code == 2
    assert "no provider 'nobody'" in unknown.output
    for name in ("nobody", "nope"):
        assert "known: abliteration, " in run("models", "--provider", name).output
    assert "closest: anthropic" in run("models", "--provider", "antropic").output


def test_prices_check_tells_the_age_and_what_is_missing():
    told = json.loads(run("prices", "check", "--json").output)

    assert told["built"] == store.bundled().index["built"]
    assert told["unpriced"] is None
    text = run("prices", "check").output
    assert "models of" in text
    assert "no ledger here" in text


def test_prices_check_says_why_a_ledger_that_is_there_cannot_be_asked(tmp_path):
    (tmp_path / "ledger.db").write_text("not a ledger " * 1000)

    assert "is not a ledger" in run("prices", "check").output


def test_prices_check_lists_the_ledger_s_unpriced_models(monkeypatch):
    missing = [{"provider": "acme", "model": "m", "calls": 7}]
    monkeypatch.setattr("costspan.cli.prices._unpriced", lambda db: missing)

    assert "unpriced: acme m, 7 calls" in run("prices", "check").output
    missing.clear()
    assert "every model of the ledger has a price" in run("prices", "check").output


def test_prices_check_has_the_models_with_most_calls_first(tmp_path):
    ledger = Store(tmp_path / "x.db")
    for number, model in enumerate(("rare", "usual", "usual")):
        dims = Dims(provider="acme", model=model, status="unpriced")
        ledger.write([StoredCall(b"t" * 16, bytes([number] * 8), 1_795_262_400_000_000, 0, dims, {}, None)])
    ledger.close()
    told = json.loads(run("prices", "check", "--json", "--db", tmp_path / "x.db").output)

    assert [each["model"] for each in told["unpriced"]] == ["usual", "rare"]


def test_prices_check_needs_the_ledger_that_it_is_given(tmp_path):
    result = run("prices", "check", "--db", tmp_path / "none.db")

    assert result.exit_code == 1
    assert len(result.output.splitlines()) == 1


@pytest.fixture
def acme_lists(monkeypatch):
    """An installed package with 50 models that the bundled list does not have."""
    entries = {f"acme/m{number}": {"litellm_provider": "acme", "input_cost_per_token": 1e-6} for number in range(50)}
    listed = list(updating.read_litellm(entries, "litellm 9.9"))
    monkeypatch.setattr(updating, "_installed_genai", lambda: None)
    monkeypatch.setattr(updating, "_installed_litellm", lambda: updating._List("litellm 9.9", listed))


def test_prices_update_shows_what_is_new_and_can_be_taken_back(acme_lists):
    result = run("prices", "update")

    assert "50 new prices written, from litellm 9.9" in result.output
    assert "… and 10 more" in result.output
    assert "acme" in run("models", "--provider", "acme").output
    assert "in force: the price list of" in run("prices", "rollback").output
    again = run("prices", "rollback")
    assert again.exit_code == 1
    assert "the one of the package is in force" in again.output


def test_a_place_for_prices_that_is_no_folder_is_one_line(acme_lists, tmp_path):
    (tmp_path / "cache").write_text("a file")

    assert run("prices", "update").output.endswith(
        f"Error: cannot use {tmp_path / 'cache/costspan'}: Not a directory\n"
    )


def test_prices_update_can_only_show(acme_lists):
    assert "50 new prices found, not written" in run("prices", "update", "--dry-run").output
    told = json.loads(run("prices", "update", "--dry-run", "--json").output)
    assert told["changes"][0] == {
        "provider": "acme",
        "model": "m0",
        "bucket": "input",
        "before_usd_per_million": None,
        "after_usd_per_million": 1.0,
    }
    assert run("prices", "rollback").exit_code == 1


def test_prices_update_without_anything_new_shows_no_table(acme_lists):
    run("prices", "update")

    assert run("prices", "update").output.startswith("0 new prices")


def test_prices_update_names_what_the_other_list_keeps(monkeypatch):
    entries = {"gpt-5": {"litellm_provider": "openai", "input_cost_per_token": 1.5e-6}}
    listed = list(updating.read_litellm(entries, "litellm 9"))
    monkeypatch.setattr(updating, "_installed_genai", lambda: None)
    monkeypatch.setattr(updating, "_installed_litellm", lambda: updating._List("litellm 9", listed))

    assert "not taken over: openai gpt-5, of which genai-prices" in run("prices", "update", "--dry-run").output
    [kept] = json.loads(run("prices", "update", "--dry-run", "--json").output)["kept"]
    assert (kept["provider"], kept["model"]) == ("openai", "gpt-5")


def test_a_list_with_a_price_that_is_none_says_where(monkeypatch):
    entries = {"gpt-5": {"litellm_provider": "openai", "input_cost_per_token": -1}}
    monkeypatch.setattr(updating, "fetch_entries", lambda _url: entries)
    result = run("prices", "update", "http://example.com/list.json")

    assert (result.exit_code, len(result.output.splitlines())) == (1, 1)
    assert "http://example.com/list.json" in result.output
    assert "gpt-5.input_cost_per_token must be from 0" in result.output


@pytest.mark.parametrize("address", ["http://127.0.0.1:9/x.json", "http://a b/", "http://[::1/", "ftp://x"])
def test_prices_update_from_a_bad_address_is_one_line(address):
    result = run("prices", "update", address)

    assert result.exit_code == 1
    assert result.output.startswith(f"Error: {address}: ")


def test_help_of_price_has_no_ranges():
    assert "<=" not in run("price", "--help").output


def test_price_tells_the_moment_in_utc():
    result = run("price", "gpt-4o", "--input", 10, "--at", "2026-03-01T02:00+05:00")

    assert "at 2026-02-28 21:00 UTC" in result.output

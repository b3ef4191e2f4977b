"""Stored calls priced again: what changes is shown first, the old figures are kept, the sums follow."""

from __future__ import annotations

import contextlib
import json
import time
from datetime import datetime, timedelta, timezone
from decimal import Decimal

import pytest
from click.testing import CliRunner
from ledger_served import Ledger
from ledger_spans import HOUR, NOON, call, span, traces

from costspan.call import Call, Request
from costspan.cli.commands import costspan
from costspan.cli.ledger import _sum
from costspan.ledger.maintenance import drop_before, verify
from costspan.ledger.question import Question
from costspan.ledger.reprice import Repricing, apply, plan
from costspan.ledger.schema import open_store
from costspan.pricing import Price, Pricer, PriceStatus
from costspan.telemetry.attributes import reply_attributes, request_attributes
from costspan.telemetry.till import Till
from costspan.usage import ModelUsage, Terms, Usage

NO_PRICE = {
    "gen_ai__usage__cost__amount": None,
    "costspan__price__status": None,
    "costspan__cost__input": None,
    "costspan__cost__output": None,
}


class Flat:
    """A price list of a dollar a call."""

    def price(self, usage, **_):
        return Price(PriceStatus.PRICED, 10**15, {"input": 10**15})


def nothing(_):
    pass


@pytest.fixture
def mixed(ledger):
    """One call with a price, one that no list knows, one that the provider itself charged for."""
    unknown = {
        "gen_ai__response__model": "own-model",
        "gen_ai__request__model": "own-model",
        "gen_ai__provider__name": "acme",
    }
    ledger.send(traces(call(), call(**unknown, **NO_PRICE), call(gen_ai__usage__cost__source="provider")))
    return ledger


def test_only_what_has_no_price_is_priced_unless_all_is_said(mixed):
    missing = plan(mixed.path, Repricing(Question()), Flat(), nothing)
    everything = plan(mixed.path, Repricing(Question(), everything=True), Flat(), nothing)

    assert (missing.total().calls, missing.total().after) == (1, 10**12)
    assert (everything.total().calls, everything.total().before) == (2, 4_500_000_000)
    assert len(everything.hours) == 1


def test_a_call_of_which_something_has_no_price_is_priced_again(ledger):
    """Also where the price is found to be whole as it was."""
    ledger.send(traces(call(costspan__price__status="partial", gen_ai__usage__cost__amount=1.0)))
    made = plan(ledger.path, Repricing(Question()), Flat(), nothing).total()

    assert (made.calls, made.before, made.after, made.unpriced_before) == (1, 10**12, 10**12, 0)


def test_the_old_figures_are_kept_and_the_sums_follow(mixed):
    asked = Repricing(Question(), everything=True)
    told = []
    made = plan(mixed.path, asked, Flat(), told.append)
    assert apply(mixed.path, asked, Flat(), made, told.append) == 1
    assert told == [1, 1]

    assert str(mixed.report().total.cost.normalize()) == "2.0045"
    assert mixed.report().total.unpriced_calls == 0
    assert mixed.sql("SELECT cost FROM repriced ORDER BY cost") == [(None,), (4_500_000_000,)]
    assert "reason" not in "".join(extra or "" for (extra,) in mixed.sql("SELECT extra FROM calls"))
    assert verify(mixed.path).problems == []
    assert plan(mixed.path, asked, Flat(), nothing).total().calls == 0


def test_a_price_that_was_known_is_not_lost_to_a_list_that_does_not_know_the_model(ledger):
    class Unknowing:
        def price(self, usage, **_):
            return Price(PriceStatus.UNPRICED, reason="no such model")

    ledger.send(traces(call(), call(gen_ai__usage__cost__amount=0.0, costspan__price__status="free")))

    assert plan(ledger.path, Repricing(Question(), everything=True), Unknowing(), nothing).total().calls == 0


@pytest.mark.parametrize("hour", [-12, 11], ids=["first", "last"])
def test_the_sums_follow_in_the_first_and_the_last_hour_of_a_day(ledger, hour):
    ledger.send(traces(call(NOON + hour * HOUR, user__id="ann", **NO_PRICE)))
    asked = Repricing(Question(), everything=True)
    apply(ledger.path, asked, Flat(), plan(ledger.path, asked, Flat(), nothing), nothing)

    assert [(row.user, row.cost) for row in ledger.report("user")] == [("ann", 1)]
    assert ledger.report("model").total.cost == 1
    assert verify(ledger.path).problems == []


def test_what_is_priced_again_is_divided_as_what_was_priced_at_once(ledger, tmp_path):
    """At list prices, input and output apart."""
    said = TOOL | {"gen_ai.request.model": "gpt-4o"}
    ledger.send(traces(span(said)))
    at_once = ledger.report().total.sums
    later = Ledger(tmp_path / "later.db", Unpriced())
    later.send(traces(span(said)))
    later.close()
    asked = Repricing(Question())
    apply(later.path, asked, Pricer(), plan(later.path, asked, Pricer(), nothing), nothing)

    assert later.report().total.sums == at_once
    assert at_once.cost_input > at_once.cost_output > 0


class Unpriced(Pricer):
    def price(self, usage, **_):
        return Price(PriceStatus.UNPRICED, reason="no such model")


def test_the_command_shows_the_difference_and_writes_only_when_told(mixed):
    args = ["ledger", "reprice", "--db", str(mixed.path), "--all"]
    shown = CliRunner().invoke(costspan, [*args, "--dry-run", "--json"])
    assert shown.exit_code == 0
    assert {row["model"] for row in json.loads(shown.output)} <= {"gpt-4o-2024-08-06", "own-model"}
    assert mixed.sql("SELECT count(*) FROM repriced") == [(0,)]


def test_an_hour_that_was_dropped_since_it_was_planned_keeps_its_sums(mixed):
    asked = Repricing(Question(), everything=True)
    made = plan(mixed.path, asked, Flat(), nothing)
    with contextlib.closing(open_store(mixed.path)) as connection:
        drop_before(connection, made.hours[0] // 24 + 1, 0)
    before = mixed.report().total

    apply(mixed.path, asked, Flat(), made, nothing)
    assert mixed.report().total == before
    assert before.calls == 3


def test_what_is_written_to_a_cache_for_an_hour_is_priced_again_as_that(ledger):
    """1,000 tokens at 3 dollars a million, 2,000 at 6, and 10 at 15."""
    counts = {"input_tokens": 3000, "cache_write.input_tokens": 2000, "output_tokens": 10}
    said = {"gen_ai.provider.name": "anthropic", "gen_ai.request.model": "claude-sonnet-4-5"}
    said |= {f"gen_ai.usage.{name}": count for name, count in counts.items()} | {"costspan.usage.cache_write_1h": 2000}
    ledger.send(traces(span(said)))

    assert ledger.report().total.cost == Decimal("0.01515")
    assert plan(ledger.path, Repricing(Question(), everything=True), Pricer(), nothing).models == {}


def test_only_calls_of_the_period_are_priced_also_where_it_ends_amid_an_hour(ledger):
    ledger.send(traces(*(call(NOON + halves * HOUR // 2) for halves in range(-1, 3))))
    noon = datetime.fromtimestamp(NOON / 1e9, timezone.utc)
    asked = Repricing(Question(noon, noon + timedelta(minutes=30)), everything=True)

    assert plan(ledger.path, asked, Flat(), nothing).total().calls == 1


def test_the_first_hour_that_is_kept_is_priced_again(ledger):
    ledger.send(traces(call(NOON - 24 * HOUR), call(NOON - 12 * HOUR, **NO_PRICE)))
    asked = Repricing(Question(), everything=True)
    with contextlib.closing(open_store(ledger.path)) as connection:
        drop_before(connection, NOON // (24 * HOUR), 0)
    apply(ledger.path, asked, Flat(), plan(ledger.path, asked, Flat(), nothing), nothing)

    assert ledger.report().total.cost == Decimal("1.0045")


def test_what_had_no_price_was_unknown_before_and_not_0(mixed, tmp_path, monkeypatch):
    own = tmp_path / "prices.json"
    entry = {"litellm_provider": "acme", "input_cost_per_token": 1e-6, "output_cost_per_token": 1e-6}
    own.write_text(json.dumps({"own-model": entry}))
    monkeypatch.setenv("COSTSPAN_PRICES", str(own))
    asked = ["ledger", "reprice", "--db", str(mixed.path), "--dry-run"]
    [row] = json.loads(CliRunner().invoke(costspan, [*asked, "--json"]).output)

    assert (row["before"], row["unpriced_before"], row["still_unpriced"]) == (None, 1, 0)
    assert "acme/own-model: 1 call, unknown -> $" in CliRunner().invoke(costspan, asked).output


def test_a_sum_of_which_a_part_is_unknown_says_so():
    assert _sum(2 * 10**12, 3, 1) == "$2 and 1 unknown"


TOLD = Usage(input=1000, output=100)
SAID = {"gen_ai.usage.input_tokens": 1000, "gen_ai.usage.output_tokens": 100, "costspan.price.status": "priced"}
SEARCHED = Usage(input=1000, output=500, web_searches=1)
ON_TERMS = {
    "batch": (Request("batch", "openai", "gpt-5"), {"terms": Terms(batch=True)}),
    "flex": (Request("chat", "openai", "gpt-5"), {"terms": Terms(tier="flex")}),
    "fast": (Request("chat", "anthropic", "claude-opus-5"), {"terms": Terms(speed="fast")}),
    "in the US": (Request("chat", "anthropic", "claude-opus-5"), {"terms": Terms(geo="us")}),
    "a data zone": (Request("chat", "azure.ai.openai", "gpt-4o"), {"terms": Terms(deployment="data_zone")}),
    "large": (Request("image_generation", "openai", "dall-e-3"), {"terms": Terms(size="1024x1792", quality="hd")}),
    "a dear search": (Request("chat", "openai", "gpt-4.1"), {"terms": Terms(search_tool="web_search_preview")}),
    "two models": (
        Request("chat", "anthropic", "claude-sonnet-4-6"),
        {"parts": (ModelUsage("claude-opus-4-8", TOLD),)},
    ),
    "an own server": (Request("chat", "openai", "gpt-4o", biller="127.0.0.1:9000"), {}),
    "a free operation": (Request("moderation", "openai", "gpt-4o"), {"free": True}),
    "an unknown host": (Request("chat", "openai", "gpt-4o", biller="llm.example.com"), {}),
    "what cannot be told": (Request("chat", "groq", "llama-3.3-70b-versatile"), {"unpriced": "a mixture"}),
    "a profile": (
        Request("chat", "aws.bedrock", "global.anthropic.claude-haiku-4-5-20251001-v1:0"),
        {"model": "anthropic.claude-haiku-4-5-20251001-v1:0"},
    ),
}


def seen_by_the_plugin(request, told, pricer=None):
    """The attributes of a call's span, and its price."""
    made = Call(request, None)
    made.reply.model, made.reply.usage = request.model, TOLD
    for name, value in told.items():
        setattr(made.reply, name, value)
    if made.reply.terms.size:
        made.reply.usage = Usage(images=1)
    if made.reply.terms.search_tool:
        made.reply.usage = SEARCHED
    price = Till(pricer or Pricer()).price(made)
    return request_attributes(request) | reply_attributes(made, price), price


@pytest.mark.parametrize("terms", ON_TERMS)
def test_a_call_keeps_the_terms_that_it_was_priced_on(ledger, terms):
    attributes, price = seen_by_the_plugin(*ON_TERMS[terms])
    ledger.send(traces(span(attributes)))
    total = ledger.report().total

    assert total.cost == (price.total or 0)
    assert total.unpriced_calls == (price.status is PriceStatus.UNPRICED)
    assert plan(ledger.path, Repricing(Question(), everything=True), Pricer(), nothing).models == {}


@pytest.mark.parametrize("terms", ["batch", "fast", "in the US", "a data zone", "large", "a dear search", "a profile"])
def test_a_span_without_a_price_is_priced_on_its_terms(ledger, terms):
    attributes, price = seen_by_the_plugin(*ON_TERMS[terms])
    of_price = ("gen_ai.usage.cost.", "costspan.cost.", "costspan.price.")
    ledger.send(traces(span({name: value for name, value in attributes.items() if not name.startswith(of_price)})))

    assert ledger.report().total.cost == price.total


def test_a_deployment_that_is_named_later_prices_the_calls_that_asked_for_it(ledger, tmp_path, monkeypatch):
    asked = Request("chat", "azure.ai.openai", "chat-prod")
    attributes, price = seen_by_the_plugin(asked, {"model": "gpt-4o-2024-08-06"})
    ledger.send(traces(span(attributes)))
    own = tmp_path / "prices.json"
    own.write_text(json.dumps({"deployments": [{"deployment": "chat-prod", "model": "gpt-4o", "kind": "data_zone"}]}))

    made = plan(ledger.path, Repricing(Question(), everything=True), Pricer(str(own)), nothing)
    assert made.total().after * 10 == made.total().before * 11
    assert made.total().before == price.total * 10**12


def test_a_deployment_that_is_called_as_its_model_is_priced_as_its_kind_again(ledger, tmp_path):
    own = tmp_path / "prices.json"
    own.write_text(json.dumps({"deployments": [{"deployment": "gpt-4o", "model": "gpt-4o", "kind": "data_zone"}]}))
    asked = Request("chat", "azure.ai.openai", "gpt-4o")
    attributes, price = seen_by_the_plugin(asked, {"model": "gpt-4o-2024-08-06"}, Pricer(str(own)))
    ledger.send(traces(span(attributes)))

    of_tool = Ledger(tmp_path / "of_tool.db", Pricer(str(own)))
    models = {"gen_ai.request.model": "gpt-4o", "gen_ai.response.model": "gpt-4o-2024-08-06"}
    of_tool.send(traces(span(TOOL | models | {"server.address": "my.openai.azure.com"})))
    of_tool.close()

    assert ledger.report().total.cost == price.total == seen_by_the_plugin(asked, {})[1].total * 11 / 10
    assert of_tool.report().total.cost == price.total
    assert plan(ledger.path, Repricing(Question(), everything=True), Pricer(str(own)), nothing).models == {}


def test_a_server_by_the_hour_is_priced_by_how_long_the_call_took(ledger, tmp_path):
    ledger.send(traces(call(gen_ai__provider__name="vllm", gen_ai__response__model="own", **NO_PRICE)))
    own = tmp_path / "prices.json"
    own.write_text(json.dumps({"models": [{"provider": "vllm", "model": "own", "gpu_hour": 3.6}]}))

    made = plan(ledger.path, Repricing(Question(), everything=True), Pricer(str(own)), nothing)
    assert made.total().after == 10**9  # a second of 3.6 USD an hour, in pico-dollars


def test_a_server_by_the_hour_costs_the_same_again(ledger, tmp_path):
    own = tmp_path / "prices.json"
    own.write_text(json.dumps({"models": [{"provider": "vllm", "model": "own", "gpu_hour": 3.6}]}))
    pricer, seconds = Pricer(str(own)), 1.2347
    price = pricer.price(TOLD, provider="vllm", model="own", duration_seconds=seconds)
    said = {"gen_ai.usage.cost.amount": float(price), "costspan.cost.compute_ms": float(price)}
    ledger.send(
        traces(span({"gen_ai.provider.name": "vllm", "gen_ai.request.model": "own"} | SAID | said, seconds=seconds))
    )

    assert plan(ledger.path, Repricing(Question(), everything=True), pricer, nothing).models == {}


def test_a_call_of_which_nobody_told_the_usage_is_unknown_and_not_0(ledger):
    untold = {"gen_ai__usage__input_tokens": None, "gen_ai__usage__output_tokens": None}
    ledger.send(traces(call(**untold, **NO_PRICE), call(**untold, **NO_PRICE, error__type="Timeout")))

    rows = {row.status: row for row in ledger.report("status").rows}
    assert (rows["unpriced"].calls, rows["unpriced"].unpriced_calls) == (1, 1)
    assert rows["free"].failed_calls == 1  # what failed before anything was used is not billed
    assert plan(ledger.path, Repricing(Question()), Flat(), nothing).models == {}


def test_nothing_is_priced_at_list_prices_where_the_own_ones_cannot_be_read(mixed, tmp_path, monkeypatch):
    monkeypatch.setenv("COSTSPAN_PRICES", str(tmp_path / "gone.json"))
    done = CliRunner().invoke(costspan, ["ledger", "reprice", "--db", str(mixed.path), "--all", "--yes"])

    assert (done.exit_code, len(done.output.splitlines())) == (1, 1)
    assert "gone.json: No such file or directory" in done.output
    assert mixed.sql("SELECT count(*) FROM repriced") == [(0,)]


TOOL = {
    "gen_ai.operation.name": "chat",
    "gen_ai.system": "openai",
    "gen_ai.usage.input_tokens": 1000,
    "gen_ai.usage.output_tokens": 100,
    "server.port": 443,
}
ADDRESSES = [
    ("gateway.example.com", "gpt-4o", "unpriced"),
    ("api.openai.com", "gpt-4o", "priced"),
    ("eu.api.openai.com", "gpt-5.4", "priced"),
    ("api.deepseek.com", "deepseek-chat", "priced"),
    ("my.openai.azure.com", "gpt-4o", "priced"),
    ("127.0.0.1", "gpt-4o", "free"),
]


@pytest.mark.parametrize(("host", "model", "status"), ADDRESSES)
def test_the_address_tells_whose_prices_a_tools_call_has_with_and_without_the_plugin(
    ledger, telling, host, model, status
):
    """The tool names the maker of the SDK, whoever answers. Pricing again finds the same."""
    said = TOOL | {"server.address": host, "gen_ai.request.model": model}
    program = telling(hosts="")
    program.tracer.start_span("told", attributes=said, start_time=NOON).end(NOON + 10**9)
    with_plugin = dict(program.span("told").attributes)
    ledger.send(traces(span(said), service="without"))
    ledger.send(traces(span(with_plugin), service="with"))
    seen, without = sorted(ledger.report("service,provider,status").rows, key=lambda row: row.service)

    assert with_plugin["costspan.price.status"] == seen.status == without.status == status
    assert (seen.cost, seen.provider) == (without.cost, without.provider)
    assert plan(ledger.path, Repricing(Question(), everything=True), Pricer(), nothing).models == {}


ADOPTED = [
    ("groq", "llama-3.3-70b-versatile", {"gen_ai.system": "openai"}),
    ("groq", "llama-3.3-70b-versatile", {"gen_ai.provider.name": "groq"}),
    ("openrouter", "openai/gpt-4o-mini", {"llm.request.type": "chat", "gen_ai.system": "OpenAI"}),
    ("huggingface_together", "deepseek-ai/DeepSeek-V3", {"gen_ai.provider.name": "openai"}),
    ("acme", "gpt-4o-mini", {"gen_ai.provider.name": "openai"}),
    ("groq", "llama-3.3-70b-versatile", {}),
]


@pytest.mark.parametrize("late", [False, True], ids=["read in time", "the tool's span ends first"])
@pytest.mark.parametrize(("host", "model", "said"), ADOPTED)
def test_a_call_on_a_tools_span_has_the_prices_of_who_answered_when_priced_again(
    ledger, telling, host, model, said, late
):
    program = telling(hosts=f"127.0.0.1={host}")
    said = said | {"gen_ai.operation.name": "chat", "gen_ai.request.model": model}
    counts = {"gen_ai.usage.input_tokens": 19, "gen_ai.usage.output_tokens": 10}
    with program.tracer.start_as_current_span("chat", attributes=said) as tools:
        answer = program.ask(model=model, stream=late)
        tools.set_attributes(counts | ({"server.address": "127.0.0.1"} if said.get("gen_ai.system") else {}))
    if late:
        list(answer)
    told = dict(program.span("chat").attributes)
    now = time.time_ns()
    ledger.send(traces(span(told, at=now)))

    assert ledger.report().total.cost == Decimal(str(told.get("gen_ai.usage.cost.amount", 0)))
    assert ("gen_ai.usage.cost.amount" in told) == (host != "acme")
    made = plan(ledger.path, Repricing(Question(), everything=True), Pricer(), nothing)
    assert made.models == {}


@pytest.mark.parametrize("port", ["", ":443"])
def test_a_gateway_that_is_named_prices_calls_from_then_on_and_those_before_when_priced_again(tmp_path, port):
    address = {"server.address": "gateway.example.com", "server.port": 443}
    said = TOOL | address | {"gen_ai.request.model": "gpt-4o"}
    of_plugin, _ = seen_by_the_plugin(Request("chat", "openai", "gpt-4o", biller="gateway.example.com"), {})
    named = Pricer(hosts={f"gateway.example.com{port}": "openai"})
    before, after = Ledger(tmp_path / "before.db"), Ledger(tmp_path / "after.db", named)
    for each in (before, after):
        each.send(traces(span(said), span(of_plugin | address)))
        each.close()

    assert before.report().total.unpriced_calls == 2
    assert after.report().total.cost == Decimal("0.007")
    assert plan(before.path, Repricing(Question()), named, nothing).total().after == 7 * 10**9


@pytest.mark.parametrize(("port", "unpriced"), [(443, 0), (8443, 1)])
def test_a_gateway_that_is_named_with_its_port_is_that_one(tmp_path, port, unpriced):
    said = TOOL | {"server.address": "gateway.example.com", "gen_ai.request.model": "gpt-4o"}
    ledger = Ledger(tmp_path / "ledger.db", Pricer(hosts={f"gateway.example.com:{port}": "openai"}))
    ledger.send(traces(span(said)))
    ledger.close()

    assert ledger.report().total.unpriced_calls == unpriced

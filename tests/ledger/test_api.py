"""The JSON API: what it answers, in which form, and what it says of questions that cannot be asked."""

from __future__ import annotations

import importlib
import json

import pytest
from ledger_served import Served, fetch
from ledger_spans import CHAT, DAY, NOON, call, span, traces

from costspan.api.openapi import ENDPOINTS
from costspan.ledger.schema import LedgerError
from costspan.pricing import Pricer
from costspan.pricing.registry import REGISTERED


@pytest.fixture(scope="module")
def asked(tmp_path_factory):
    """Three days: two calls of team search on gpt-4o, one dearer of team ads, one without a price that failed."""
    made = Served(tmp_path_factory.mktemp("api") / "ledger.db")
    inner = span(CHAT | {"costspan.team": "search", "user.id": "ann", "costspan.tag.project": "x"}, at=NOON - 2 * DAY)
    tool = span({}, name="lookup", at=NOON - 2 * DAY, trace_id=inner["trace_id"])
    root = span({}, name="GET /answer", at=NOON - 2 * DAY, seconds=2, trace_id=inner["trace_id"])
    inner["parent_span_id"], tool["parent_span_id"] = root["span_id"], root["span_id"]
    unknown = {"gen_ai__request__model": "own-1", "gen_ai__response__model": "own-1", "gen_ai__provider__name": "acme"}
    made.send(traces(inner, tool, root, call(NOON - DAY, costspan__team="search", user__id="bob")))
    made.send(traces(call(costspan__team="ads", gen_ai__usage__cost__amount=1.5)))
    made.send(traces(call(**unknown, gen_ai__usage__cost__amount=None, costspan__price__status=None, error__type="X")))
    made.trace_id = inner["trace_id"].hex()
    yield made
    made.close()


def test_usage_by_team_and_its_total(asked):
    _, said = asked.get("/api/usage?since=all&group_by=team")

    assert [(row["team"], row["calls"], row["cost"]) for row in said["rows"]] == [
        ("ads", 1, "1.5"),
        ("search", 2, "0.009"),
        ("", 1, "0"),
    ]
    assert (said["total"]["cost"], said["total"]["unpriced_calls"], said["total"]["failed_calls"]) == ("1.509", 1, 1)


def test_a_group_by_given_several_times_groups_by_all(asked):
    assert asked.get("/api/usage?group_by=team&group_by=model,day")[1]["group_by"] == ["team", "model", "day"]


def test_more_groups_than_a_server_should_hold_are_refused_with_the_way_out(asked, monkeypatch):
    monkeypatch.setattr("costspan.api.asking._MOST_GROUPS", 2)
    status, said = asked.get("/api/usage?since=all&group_by=team")

    assert (status, said["error"]) == (
        400,
        "over 2 groups: ask for a shorter period, fewer names, or with a filter",
    )
    assert asked.get("/api/usage?since=all&group_by=team&team=ads")[0] == 200


@pytest.mark.parametrize("path", ["/api/usage?since=all&group_by=team", "/api/calls", "/api/summary", "/api/retries"])
def test_a_question_that_takes_too_long_is_given_up_and_says_so(asked, monkeypatch, path):
    monkeypatch.setattr(importlib.import_module("costspan.api.routes"), "QUESTION_SECONDS", 1e-9)
    monkeypatch.setattr("costspan.ledger.reader._STEPS", 1)
    status, said = asked.get(path)

    assert (status, "took too long" in said["error"]) == (503, True)


@pytest.mark.parametrize(
    ("query", "calls"),
    [
        ("since=2026-11-20", 3),
        ("since=2026-11-20&until=2026-11-21", 1),
        ("since=2026-11-19T12:00&until=2026-11-20T12:00", 1),
        ("since=2026-11-19T13:00&until=2026-11-20T11:59:59", 0),
        ("team=search", 2),
        ("team=search&team=ads", 3),
        ("team!=search", 2),
        ("team=s*", 2),
        ("user=bob", 1),
        ("user=bob&team=ads", 0),
        ("tag.project=x", 1),
        ("status=unpriced", 1),
        ("provider=openai&model=gpt-4o*", 3),
    ],
)
def test_periods_and_filters_choose_the_same_calls_in_usage_and_in_the_list(asked, query, calls):
    query = query if "since" in query else f"since=all&{query}"

    assert asked.get(f"/api/usage?{query}")[1]["total"]["calls"] == calls
    assert len(asked.get(f"/api/calls?{query}&order=dearest")[1]["calls"]) == calls
    assert len(asked.get(f"/api/calls?{query}&order=latest")[1]["calls"]) == calls


def test_days_are_those_of_the_zone_that_is_asked_for(asked):
    _, utc = asked.get("/api/usage?since=all&group_by=day")
    _, far = asked.get("/api/usage?since=all&group_by=day&tz=Pacific/Auckland")  # 13 hours ahead

    assert [row["day"] for row in utc["rows"]] == ["2026-11-19", "2026-11-20", "2026-11-21"]
    assert [row["day"] for row in far["rows"]] == ["2026-11-20", "2026-11-21", "2026-11-22"]
    assert far["total"] == utc["total"]


def test_the_dearest_call_comes_first_and_an_unknown_cost_is_null(asked):
    _, dearest = asked.get("/api/calls?since=all&order=dearest")
    _, latest = asked.get("/api/calls?since=all&order=latest&limit=3")

    assert [each["cost"] for each in dearest["calls"]] == ["1.5", "0.0045", "0.0045", None]
    assert [each["start"][:10] for each in latest["calls"]] == ["2026-11-21", "2026-11-21", "2026-11-20"]
    assert dearest["calls"][3]["reason"]


def test_a_calls_input_is_all_that_was_sent_whether_a_cache_had_it_or_took_it(tmp_path):
    served = Served(tmp_path / "cached.db")
    told = {"gen_ai.usage.cache_read.input_tokens": 300, "gen_ai.usage.cache_write.input_tokens": 200}
    try:
        served.send(traces(span(CHAT | {"gen_ai.usage.input_tokens": 1000} | told)))
        _, said = served.get("/api/calls?since=all")
    finally:
        served.close()

    (only,) = said["calls"]
    assert (only["input_tokens"], only["cache_read_tokens"], only["cache_write_tokens"]) == (1000, 300, 200)


def test_a_trace_is_a_waterfall_with_the_cost_below_each_span(asked):
    _, trace = asked.get(f"/api/traces/{asked.trace_id}")

    assert [(each["name"], each["depth"], each["subtree_cost"]) for each in trace["spans"]] == [
        ("GET /answer", 0, "0.0045"),
        ("chat gpt-4o-2024-08-06", 1, "0.0045"),
        ("lookup", 1, "0"),
    ]
    assert (trace["cost"], trace["calls"]) == ("0.0045", 1)


@pytest.mark.parametrize("since", ["99999w", "0001-01-01", "0001-01-01T00:00:00%2B14:00"])
def test_a_period_that_begins_long_ago_has_a_summary(asked, since):
    assert asked.get(f"/api/summary?since={since}")[1]["previous"]["total"]["calls"] == 0


@pytest.mark.parametrize("path", ["usage", "summary", "calls", "advice"])
@pytest.mark.parametrize("zone", ["UTC", "America/New_York", "Pacific/Kiritimati"])
@pytest.mark.parametrize("time", ["0001-01-01T00:00%2B14:00", "9999-12-31T23:59:59-14:00", "9999-12-31", "0001-01-01"])
def test_a_time_at_an_end_of_the_calendar_is_one_that_every_zone_can_tell(asked, path, zone, time):
    for name in ("since", "until"):
        assert asked.get(f"/api/{path}?{name}={time}&tz={zone}")[0] == 200


def test_the_summary_tells_since_when_there_are_calls(asked, tmp_path):
    empty = Served(tmp_path / "empty.db")
    try:
        assert empty.get("/api/summary")[1]["first_day"] is None
    finally:
        empty.close()

    assert asked.get("/api/summary?team=nobody")[1]["first_day"].startswith("2026-11-")


def test_the_summary_adds_up(asked):
    _, said = asked.get("/api/summary?since=all")

    assert said["period"]["total"]["cost"] == "1.509"
    assert said["sure"] == {
        "calls": 4,
        "estimated_calls": 0,
        "unpriced_calls": 1,
        "reported_share": 1.0,
        "priced_share": 0.75,
    }


@pytest.mark.parametrize(
    "path",
    [
        "/api/usage?group_by=colour",
        "/api/usage?group_by=day,month",
        "/api/usage?colour=red",
        "/api/usage?since=soon",
        "/api/usage?tz=Mars/Base",
        "/api/usage?top=0",
        "/api/calls?order=worst",
        "/api/calls?limit=1e9",
        f"/api/calls?limit={'9' * 5000}",
        "/api/traces/xyz",
        "/api/usage?tag.a%22b=1",
    ],
)
def test_a_question_that_cannot_be_asked_gets_400_and_why(asked, path):
    status, said = asked.get(path)

    assert status == 400
    assert len(said["error"]) > 10


def test_a_model_that_no_price_list_knows_cannot_be_compared_with(asked):
    assert asked.get("/api/advice?what_if=gpt-4o-mini")[0] == 200
    status, said = asked.get("/api/advice?what_if=gpt-4o-mimi")

    assert (status, said["error"][:35]) == (400, "what_if: no price for 'gpt-4o-mimi'")
    assert "closest known: gpt-4o-mini" in said["error"]


@pytest.mark.parametrize("model", ["acme/new:free", "arn:aws:bedrock:us-east-1:123456789012:provisioned-model/abc"])
def test_a_model_that_a_rule_prices_without_a_list_can_be_compared_with(asked, model):
    assert asked.get(f"/api/advice?what_if={model}")[0] == 200


def test_a_deployment_of_ones_own_can_be_compared_with(asked, monkeypatch, tmp_path):
    prices = tmp_path / "prices.json"
    prices.write_text('{"deployments": [{"provider": "openai", "deployment": "prod-mini", "model": "gpt-4o-mini"}]}')
    monkeypatch.setattr(REGISTERED, "pricer", Pricer(str(prices)))
    status, said = asked.get("/api/advice?since=all&what_if=Prod-Mini")

    assert status == 200
    assert [line["basis"][:28] for line in said["advice"] if line["kind"] == "another model"] == [
        "the same tokens on Prod-Mini"
    ]
    assert asked.get("/api/advice?what_if=prod-maxi")[0] == 400


def test_an_unknown_trace_is_not_found(asked):
    assert asked.get("/api/traces/" + "ab" * 16)[0] == 404


def assert_described(said, schema, where):
    """What is an object has the fields that are described, and what is in a list is described too."""
    if isinstance(said, list):
        for each in said[:1] if "items" in schema else ():
            assert_described(each, schema["items"], f"{where}[]")
    elif isinstance(said, dict) and "properties" in schema:
        assert said.keys() == schema["properties"].keys(), where
        for name, value in said.items():
            assert_described(value, schema["properties"][name], f"{where}.{name}")


def test_every_endpoint_is_in_the_document_with_all_that_it_answers(asked):
    _, document = asked.get("/api/openapi.json")
    assert set(document["paths"]) == set(ENDPOINTS)
    for path, (_, _, schema) in ENDPOINTS.items():
        _, said = asked.get(path.replace("{trace_id}", asked.trace_id).replace("{model}", "gpt-4o"))
        assert_described(said, schema, path)


def unreadable(_ledger):
    raise LedgerError("the file is gone")


def test_every_status_that_an_endpoint_answers_with_is_in_the_document(asked, monkeypatch):
    paths = asked.get("/api/openapi.json")[1]["paths"]
    for path, said in paths.items():
        known = {int(status) for status in said["get"]["responses"]}
        nothing = path.replace("{trace_id}", "0" * 32).replace("{model}", "nope")
        refused = path.replace("{trace_id}", "zz").replace("{model}", "gpt-4o") + "?since=never"
        met = {asked.get(nothing)[0], asked.get(refused)[0]}
        with monkeypatch.context() as patch:
            patch.setattr(importlib.import_module("costspan.api.routes"), "_open", unreadable)
            met.add(asked.get(nothing)[0])
        assert met <= known, path
        assert ({404, 503} & known) <= met, path


def test_the_page_about_the_api_needs_nothing_from_elsewhere(asked):
    status, page = fetch(asked.running.url + "/api", None, {})

    assert status == 200
    assert b"/api/usage" in page
    assert b"http:" not in page.replace(b"http://127", b"")
    assert json.loads(fetch(asked.running.url + "/api/openapi.json", None, {})[1])["openapi"].startswith("3.1")

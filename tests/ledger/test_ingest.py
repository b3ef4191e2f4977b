"""What arrives is stored exactly once, durable when acknowledged, and nothing bad harms what is good."""

from __future__ import annotations

import gzip
import json
import re
import zlib
from decimal import Decimal

import pytest
from ledger_spans import CHAT, DAY, HOUR, NOON, SECOND, call, event, logs, span, traces

from costspan.ledger.maintenance import verify
from costspan.ledger.otlp import BadRequestError
from costspan.ledger.question import QuestionError, check_name


def test_a_call_keeps_the_cost_of_its_span_to_the_pico_dollar(ledger):
    ledger.send(traces(call(gen_ai__usage__cost__amount=0.004500000001)))

    assert ledger.report().total.cost == Decimal("0.004500000001")


def test_the_dearest_call_is_that_of_all_requests(ledger):
    for costs in ((0.25, 1.0), (0.5, 0.5)):
        ledger.send(traces(*(call(gen_ai__usage__cost__amount=cost) for cost in costs)))

    assert ledger.report().total.max_cost == 1
    assert verify(ledger.path).problems == []


def test_the_same_request_twice_is_stored_once(ledger):
    body = traces(call(), call())
    for _ in range(3):
        ledger.send(body)

    assert ledger.report("day").total.calls == 2
    assert ledger.ingest.counts["duplicates"] == 4


@pytest.mark.parametrize("later", [0, 5 * SECOND, HOUR])
@pytest.mark.parametrize("first", ["span", "event"])
def test_the_span_and_the_event_of_a_call_count_once_in_any_order(ledger, first, later):
    one = span()
    other = event(at=NOON + later, trace_id=one["trace_id"], span_id=one["span_id"])
    sends = [(traces(one), "traces"), (logs(other), "logs")]
    for body, signal in sends if first == "span" else reversed(sends):
        ledger.send(body, signal)

    assert ledger.report().total.calls == 1


def test_equal_span_ids_in_different_traces_are_different_calls(ledger):
    one = span()
    ledger.send(traces(one, one | {"trace_id": b"\1" * 16}))

    assert ledger.report().total.calls == 2


def test_events_without_a_trace_count_each_once_however_often_they_are_sent(ledger):
    body = logs(event(trace_id=b"", span_id=b""), event(trace_id=b"", span_id=b"", at=NOON + 1))
    ledger.send(body, "logs")
    ledger.send(body, "logs")

    assert ledger.report().total.calls == 2


def test_events_without_a_trace_of_two_services_are_two_calls(ledger):
    one = event(trace_id=b"", span_id=b"")
    for service in ("shop", "desk"):
        ledger.send(logs(one, service=service), "logs")

    assert [row.calls for row in ledger.report("service")] == [1, 1]


def test_an_event_without_a_span_stays_in_its_trace(ledger):
    ledger.send(logs(event(trace_id=b"t" * 16, span_id=b"")), "logs")

    assert ledger.sql("SELECT trace_id FROM calls") == [(b"t" * 16,)]


def test_an_event_that_tells_only_when_it_was_seen_is_stored_at_that_time(ledger):
    seen = event(time_unix_nano=0, observed_time_unix_nano=NOON)
    record = {"observedTimeUnixNano": str(NOON), "eventName": "costspan.call", "traceId": "ab" * 16, "spanId": "cd" * 8}
    said = {"gen_ai.request.model": "gpt-4o", "gen_ai.operation.name": "chat"}
    record["attributes"] = [{"key": name, "value": {"stringValue": value}} for name, value in said.items()]
    ledger.send(logs(seen), "logs")
    ledger.send(json.dumps({"resourceLogs": [{"scopeLogs": [{"logRecords": [record]}]}]}).encode(), "logs", json=True)

    [row] = ledger.report("day")

    assert (row.day, row.calls) == ("2026-11-21", 2)


@pytest.mark.parametrize(
    ("encoding", "pack"), [("gzip", gzip.compress), ("deflate", zlib.compress), ("identity", bytes), ("", bytes)]
)
def test_packed_requests_are_read(ledger, encoding, pack):
    ledger.send(pack(traces(call())), encoding=encoding)

    assert ledger.report().total.calls == 1


@pytest.mark.parametrize("at", [0, 1, 2**62, 2**63])
def test_spans_of_absurd_times_are_refused_by_name_and_the_others_kept(ledger, at):
    batch = ledger.send(traces(call(), span(start_time_unix_nano=at)))

    assert (batch.refused, "time" in batch.refusal) == (1, True)
    assert ledger.report().total.calls == 1


def test_a_refusal_is_one_line_of_the_ledger_with_both_clocks(ledger, caplog):
    for _ in range(3):
        ledger.send(traces(call(), span(start_time_unix_nano=NOON + 40_000 * DAY), span(start_time_unix_nano=0)))

    (line,) = [each.getMessage() for each in caplog.records]
    assert ledger.ingest.counts["refused"] == 6
    assert re.match(r"refused 2 of what a request held.*: its time is \d{4}-.*, here it is 20\d\d-.* UTC: ", line)


def test_spans_without_ids_are_refused_and_not_taken_for_the_same_call_again(ledger):
    nameless = [call() | {"trace_id": bytes(16), "span_id": bytes(8)} for _ in range(2)]
    batch = ledger.send(traces(call(), *nameless))

    assert (batch.refused, "id" in batch.refusal) == (2, True)
    assert ledger.report().total.calls == 1


@pytest.mark.parametrize(("usage", "cost"), [("[" * 100_000, '{"a":' * 10**5), ("[1]", "3"), ('"total"', "{")])
def test_json_that_is_odd_in_an_attribute_harms_no_other_call(ledger, usage, cost):
    odd = {"langfuse.observation.usage_details": usage, "langfuse.observation.cost_details": cost}
    ledger.send(traces(call(), span(CHAT | odd)))

    assert ledger.report().total.calls == 2


def test_calls_that_would_make_a_sum_too_large_are_refused_and_harm_no_other(ledger):
    dear = [call(gen_ai__usage__cost__amount=99_999.5) for _ in range(93)]  # 9.3 million USD: over 64 bits
    ledger.send(traces(*dear[:50]))
    for calls in (dear[50:], dear):
        with pytest.raises(BadRequestError, match="unit of their cost"):
            ledger.send(traces(*calls))
    ledger.send(traces(call(gen_ai__usage__cost__amount=1.0)))

    assert ledger.report().total.cost == Decimal(4999976)
    assert verify(ledger.path).problems == []


@pytest.mark.parametrize(
    "cost",
    [float("nan"), float("inf"), -1.0, 1e300, "much", [1.0], b"\xff"],
    ids=["nan", "inf", "neg", "huge", "text", "list", "bytes"],
)
def test_a_cost_that_cannot_be_is_not_kept(ledger, cost):
    ledger.send(
        traces(
            call(
                gen_ai__usage__cost__amount=cost,
                gen_ai__response__model="no-such-model",
                gen_ai__request__model="no-such-model",
            )
        )
    )
    total = ledger.report().total

    assert (total.calls, total.cost, total.unpriced_calls) == (1, 0, 1)
    assert ledger.ingest.counts["bad values"] == 1


@pytest.mark.parametrize("tokens", [-5, 10**15, "many", float("nan")])
def test_token_counts_that_cannot_be_are_not_kept(ledger, tokens):
    ledger.send(traces(call(gen_ai__usage__input_tokens=tokens, costspan__cost__input=-1)))

    assert ledger.report().total.input_tokens == 0
    assert ledger.report().total.output_tokens == 200
    assert ledger.ingest.counts["bad values"] == 2


@pytest.mark.parametrize("name", ["größe", "gro\u0308ße", "आकार", "🎉-team"])
def test_a_tag_is_found_by_a_name_in_any_script(ledger, name):
    ledger.send(traces(span(CHAT | {f"costspan.tag.{name}": "XL"})))
    [row] = ledger.report(f"tag.{name}", f"tag.{name}=x*")

    assert row.keys == {f"tag.{name}": "XL"}


@pytest.mark.parametrize("name", ["it's", 'a"b', "a\\b", "a?b", "a b", "a{b}", "a\u2028b", "a\udcffb", "a\x85b", ""])
def test_a_tag_whose_name_sql_could_take_for_its_own_is_refused(name):
    with pytest.raises(QuestionError):
        check_name(f"tag.{name}")


@pytest.mark.parametrize(("told", "kept"), [(3, 3), (7 * 86_400, 7 * 86_400), (7 * 86_400 + 1, 0)])
def test_an_event_may_tell_whole_seconds_as_the_collectors_file_does(ledger, told, kept):
    """And no more than a call can take."""
    ledger.send(logs(event(CHAT | {"costspan.duration": told})), "logs")

    assert ledger.report().total.average_seconds == kept


@pytest.mark.parametrize(
    ("listed", "saved"), [(0.005500000001, "0.001"), (0.001, "0"), ("much", "0"), (float("nan"), "0")]
)
def test_a_discount_is_what_the_list_price_is_above_the_cost(ledger, listed, saved):
    """Own prices may also be above the list's."""
    ledger.send(traces(call(gen_ai__usage__cost__amount=0.004500000001, costspan__cost__list=listed)))
    total = ledger.report().total

    assert (total.discount, total.costs["other"]) == (Decimal(saved), 0)


def test_failed_calls_count_as_calls(ledger):
    ledger.send(traces(call(error__type="RateLimitError"), call()))
    row = ledger.report().total

    assert (row.calls, row.failed_calls) == (2, 1)


def test_calls_of_the_same_words_differ_by_who_sent_them_whether_they_failed_and_what_was_counted(ledger):
    """Most calls are told in the same words, and what those belong to is looked up once."""
    said = {"gen_ai.system": "acme", "gen_ai.request.model": "m", "gen_ai.usage.cost": 0.5}
    counted = said | {"gen_ai.usage.input_tokens": 1}
    for service in ("shop", "desk"):
        ledger.send(traces(span(said), span(counted), span(counted, status={"code": 2}), service=service))
    rows = ledger.report("service,source,error").rows

    told = [("", ""), ("provider", ""), ("provider", "error")]
    assert sorted(tuple(row.keys.values()) for row in rows) == [
        (service, *each) for service in ("desk", "shop") for each in told
    ]


def test_why_a_call_of_the_plugin_has_no_price_is_kept(ledger):
    said = {name: value for name, value in CHAT.items() if "usage" not in name and "cost." not in name}
    ledger.send(traces(span(said | {"costspan.price.status": "unpriced", "costspan.price.reason": "why"})))

    assert [json.loads(extra) for (extra,) in ledger.sql("SELECT extra FROM calls")] == [{"reason": "why"}]


def test_the_address_adds_nothing_to_what_the_plugin_has_told(ledger):
    ledger.send(traces(span(CHAT | {"server.address": "eu.api.openai.com", "gen_ai.usage.cost.source": "local"})))

    assert ledger.sql("SELECT extra FROM calls") == [(None,)]


def layers(**changes):
    """A call inside, and one around it that tells `changes`."""
    inner = call()
    outer = call(**changes) | {"trace_id": inner["trace_id"]}
    return inner | {"parent_span_id": outer["span_id"]}, outer


@pytest.mark.parametrize("first", [0, 1])
def test_a_call_around_a_call_is_the_same_call_seen_twice_whichever_comes_first(ledger, first):
    both = layers()
    for each in (both[first], both[1 - first], *both):  # and both again: an exporter that got no answer
        ledger.send(traces(each))

    assert ledger.report().total.calls == 1
    assert ledger.report().total.cost == Decimal("0.0045")
    assert len(ledger.sql("SELECT * FROM spans")) == 1
    assert ledger.ingest.counts["layers"] == 2


@pytest.mark.parametrize(
    "less",
    [
        {"gen_ai__usage__cost__amount": 0.001},
        {"gen_ai__usage__input_tokens": 1},
        {"gen_ai__usage__cost__amount": None, "gen_ai__request__model": "x", "gen_ai__response__model": "x"},
    ],
)
def test_a_call_inside_one_that_came_first_and_tells_less_is_not_lost(ledger, less):
    inner, outer = layers(**less)
    ledger.send(traces(outer))
    ledger.send(traces(inner))

    assert ledger.report().total.calls == 2


def test_a_span_that_names_itself_its_parent_is_a_call_as_any_other(ledger):
    odd = call()
    odd["parent_span_id"] = odd["span_id"]
    ledger.send(traces(odd))
    ledger.send(traces(odd))

    assert ledger.report().total.calls == 1


def test_agents_and_tools_are_no_calls(ledger):
    ledger.send(
        traces(call(gen_ai__operation__name="invoke_agent"), call(gen_ai__operation__name="execute_tool"), call())
    )

    assert ledger.report().total.calls == 1


def test_spans_of_a_trace_with_a_call_are_kept_whichever_comes_first(ledger):
    inner = span()
    tool = span({}, trace_id=inner["trace_id"], name="lookup")
    root = span({}, trace_id=inner["trace_id"], name="GET /answer", seconds=7200)
    stray = span({}, name="GET /health")
    for each in (tool, stray, inner, root):
        ledger.send(traces(each))

    assert {text for (text,) in ledger.sql("SELECT text FROM spans JOIN words ON id=name")} == {"lookup", "GET /answer"}
    assert ledger.sql("SELECT max(duration_us) FROM spans") == [(7_200_000_000,)]


@pytest.mark.parametrize("environment", ["deployment.environment.name", "deployment.environment"])
def test_what_a_resource_and_its_spans_say_about_who_pays_is_kept(ledger, environment):
    who = {"costspan.team": "search", "costspan.feature": "answers", "user.id": "ann", "costspan.tag.project": "x"}
    ledger.send(traces(span(CHAT | who), service="shop", **{environment: "prod"}))
    row = ledger.report("service,environment,team,feature,user,tag.project").rows[0]

    assert list(row.keys.values()) == ["shop", "prod", "search", "answers", "ann", "x"]

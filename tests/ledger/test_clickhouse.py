"""The same questions on SQLite and on the real ClickHouse engine, over the same calls: equal to the pico-dollar."""

from __future__ import annotations

import importlib
import json
import math
import sys
from datetime import datetime, timedelta, timezone
from pathlib import Path
from types import SimpleNamespace

import pytest
from ledger_served import Ledger
from ledger_spans import CHAT, NOON, event, logs, span, traces
from made_up_calls import realistic_calls, span_of

from costspan.ledger import clickhouse_schema
from costspan.ledger.book import SqliteBook, open_ledger
from costspan.ledger.clickhouse import ClickHouseBook
from costspan.ledger.question import Question, parse_by, parse_where, parse_zone
from costspan.ledger.schema import LedgerError
from costspan.reports.usage import read_usage

SCRIPT = Path(__file__).parents[2] / "collector-config" / "clickhouse" / "costspan.sql"
# the Collector's own tables, as its exporter makes them (v0.152), without codecs and indexes
OTEL_TRACES = """CREATE TABLE otel_traces (Timestamp DateTime64(9), TraceId String, SpanId String, ParentSpanId String,
 TraceState String, SpanName LowCardinality(String), SpanKind String, ServiceName LowCardinality(String),
 ResourceAttributes Map(LowCardinality(String), String), ScopeName String, ScopeVersion String,
 SpanAttributes Map(LowCardinality(String), String), Duration UInt64, StatusCode LowCardinality(String),
 StatusMessage String) ENGINE = MergeTree ORDER BY (ServiceName, SpanName, toDateTime(Timestamp))"""
OTEL_LOGS = """CREATE TABLE otel_logs (Timestamp DateTime64(9), TraceId String, SpanId String, TraceFlags UInt8,
 SeverityText LowCardinality(String), SeverityNumber UInt8, ServiceName LowCardinality(String), Body String,
 ResourceAttributes Map(LowCardinality(String), String), LogAttributes Map(LowCardinality(String), String),
 EventName String) ENGINE = MergeTree ORDER BY (ServiceName, Timestamp)"""
QUESTIONS = (
    "day",
    "hour",
    "week",
    "month",
    "model",
    "day,model,user",
    "team,feature",
    "service,provider",
    "tag.project",
    "tag.größe",
    "tag.आकार-🎉",
    "status,error",
    "source",
    "",
)
ESCAPES = str.maketrans({"\\": "\\\\", "\t": "\\t", "\n": "\\n", "\r": "\\r", "\0": "\\0", "'": "\\'"})
FILTERS = (
    (),
    ("team=search",),
    ("user!=user-1", "model=gpt*"),
    ("tag.project=x_1", "team=*"),
    ("model=it's \\ odd?",),
    ("team=ö*",),
)


def test_the_committed_script_is_what_the_code_makes():
    assert SCRIPT.read_text(encoding="utf-8") == clickhouse_schema.script()


def test_without_its_client_or_server_one_line_says_what_to_do(monkeypatch):
    monkeypatch.setitem(sys.modules, "clickhouse_connect", None)
    with pytest.raises(LedgerError, match="pip install"):
        open_ledger("clickhouse://localhost:1/x")


def test_a_server_that_does_not_answer_is_told_in_words(monkeypatch):
    def get_client(**_):
        refused = ConnectionRefusedError(111, "Connection refused")
        raise KeyError("HTTPConnectionPool: " + "x" * 300) from refused

    module = SimpleNamespace(get_client=get_client, driver=SimpleNamespace(exceptions=SimpleNamespace(Error=KeyError)))
    monkeypatch.setitem(sys.modules, "clickhouse_connect", module)
    with pytest.raises(LedgerError, match=r"^ClickHouse at host:1 does not answer: Connection refused$"):
        open_ledger("clickhouse://me:secret@host:1/x")
    with pytest.raises(LedgerError, match=r"^ClickHouse at host:x does not answer: Port could not be cast"):
        open_ledger("clickhouse://host:x/")


def test_a_failure_of_the_server_is_told_in_one_line_and_its_password_may_hold_any_sign(monkeypatch):
    class FailureError(Exception): ...

    def query(*_):
        raise FailureError(said[-1])

    def get_client(**given):
        asked.update(given)
        return SimpleNamespace(query=query, close=lambda: None)

    asked, said = {}, []
    driver = SimpleNamespace(exceptions=SimpleNamespace(Error=FailureError))
    monkeypatch.setitem(sys.modules, "clickhouse_connect", SimpleNamespace(get_client=get_client, driver=driver))
    for failure, told in (
        ("Code: 60 (UNKNOWN_TABLE)", "costspan.sql"),
        ("Code: 159 (TIMEOUT_EXCEEDED)", "took too long"),
        ("Code: 210\nmore", "^ClickHouse: Code: 210$"),
    ):
        said.append(failure)
        with open_ledger("clickhouse://m%40e:a%2Fb%25@host/x") as book, pytest.raises(LedgerError, match=told):
            book.period()
    assert (asked["username"], asked["password"]) == ("m@e", "a/b%")


@pytest.mark.real
def test_the_real_client_says_nothing_beside(capfd):
    with pytest.raises(LedgerError, match="Connection refused"):
        open_ledger("clickhouse://127.0.0.1:9/x")
    assert capfd.readouterr().err == ""


class Embedded:
    """The ClickHouse engine inside this process."""

    def __init__(self, session):
        self.session = session

    def fetch(self, sql, parameters):
        escaped = {name: value.translate(ESCAPES) for name, value in parameters.items()}  # as the client does
        text = str(self.session.query(sql, "JSONCompactEachRow", params=escaped))
        return [json.loads(line) for line in text.splitlines() if line]

    def close(self):
        pass


def as_row(message, *, is_event):
    """A span or log record as the Collector's exporter writes it: attribute values as text."""
    attributes = {pair["key"]: text_of(pair["value"]) for pair in message["attributes"]}
    at = message["time_unix_nano"] if is_event else message["start_time_unix_nano"]
    row = {
        "Timestamp": f"{at // 10**9}.{at % 10**9:09d}",
        "TraceId": message["trace_id"].hex(),
        "SpanId": message["span_id"].hex(),
        "ServiceName": "shop",
        "ResourceAttributes": {"service.name": "shop", "deployment.environment.name": "prod"},
    }
    if is_event:
        return row | {"LogAttributes": attributes, "EventName": message["event_name"]}
    return row | {
        "ParentSpanId": message.get("parent_span_id", b"").hex(),
        "SpanName": message["name"],
        "SpanAttributes": attributes,
        "Duration": (message["end_time_unix_nano"] - at) % 2**64,  # of an unsigned column
        "StatusCode": "Error" if "status" in message else "Unset",
    }


def text_of(value):
    [(kind, plain)] = value.items()
    if kind == "double_value":
        return repr(plain)
    return json.dumps(plain) if kind not in ("string_value", "int_value") else str(plain)


FINE = [  # what is told by more attributes than the usual ones
    CHAT | {"costspan.tag.größe": "Ü", "costspan.tag.आकार-🎉": "L", "costspan.team": "Ömer"},
    CHAT | {"costspan.usage.web_searches": 2, "costspan.usage.input_audio": 100, "costspan.cost.web_searches": 0.0001},
    CHAT | {"gen_ai.usage.cost.amount": 3e-12, "costspan.cost.input": 1.4e-12, "costspan.cost.output": 1.4e-12},
    {name: said for name, said in CHAT.items() if ".cost." not in name} | {"costspan.price.status": "free"},
    CHAT | {"costspan.usage.web_searches": "2.0", "costspan.usage.sessions": 3, "costspan.usage.pages": -3},
    CHAT | {"costspan.usage.images": 10**12 + 1, "costspan.usage.requests": 1},
    CHAT
    | {
        "gen_ai.usage.cache_creation.input_tokens": 15,
        "anthropic.usage.cache_creation.ephemeral_5m_input_tokens": 10,
        "anthropic.usage.cache_creation.ephemeral_1h_input_tokens": 4,
    },
    CHAT | {"llm.token_count.prompt_details.audio": 100, "llm.token_count.completion_details.audio": 50},
    CHAT | {"gen_ai.provider.name": "\u00a0OpenAI.chat\t\n"},
    CHAT | {"gen_ai.provider.name": "ÄCME"},
    CHAT | {"gen_ai.provider.name": "strands-agents"},
    CHAT | {"gen_ai.provider.name": "strands-agents", "costspan.terms.biller": "aws.bedrock"},
    CHAT | {"gen_ai.provider.name": "", "gen_ai.system": "anthropic", "costspan.team": ""},
    {"openinference.span.kind": "LLM", "llm.model_name": "m", "llm.cost.total": 0.5, "llm.cost.prompt": 0.3},
    {"ai.operationId": "ai.x.doX", "ai.model.provider": " OpenAI.responses", "ai.model.id": "m", "operation.cost": 1.0},
    {"gen_ai.system": "vertex_ai-anthropic_models", "gen_ai.request.model": "m", "gen_ai.usage.cost": 1.0},
    {
        "gen_ai.system": "xAI",
        "gen_ai.request.model": "grok-4",
        "gen_ai.usage.input_tokens": 100,
        "gen_ai.usage.output_tokens": 10,
        "gen_ai.usage.reasoning_tokens": 50,
        "gen_ai.usage.total_tokens": 160,
        "gen_ai.usage.cost": 0.1,
    },
]


def messages():
    """A few hundred made-up calls, and the odd ones."""
    spans = [span_of(call) for call in realistic_calls(400, days=3, until=NOON / 1e9) if call.cost is not None]
    odd = [
        CHAT | {"costspan.tag.project": "x_1", "costspan.tag.a": "b", "costspan.team": "search"},
        CHAT | {"gen_ai.usage.cost.amount": 1e-07, "costspan.cost.input": 1e-07, "costspan.cost.output": 0.0},
        CHAT | {"gen_ai.usage.cost.amount": 0.0000123456789012345, "gen_ai.response.model": "it's \\ odd?"},
        CHAT | {"gen_ai.usage.cache_read.input_tokens": 1500, "costspan.cost.cache_read": 0.001},
        CHAT | {"gen_ai.usage.cache_write.input_tokens": 10, "costspan.cost.cache_write_5m": 0.000001},
        CHAT | {"costspan.cost.list": 0.009, "session.id": "s-1"},
        CHAT | {"gen_ai.operation.name": "invoke_agent"},
        CHAT | {"costspan.kind": "repeat"},
        {"http.request.method": "GET"},
        {"openinference.span.kind": "LLM", "llm.model_name": "m", "llm.token_count.prompt": 10, "llm.cost.total": 0.5},
        {"ai.operationId": "ai.generateText", "ai.model.id": "m", "ai.usage.promptTokens": 10, "operation.cost": 0.5},
        {
            "gen_ai.system": "az.ai.openai",
            "gen_ai.request.model": "m",
            "gen_ai.usage.cost": 0.25,
            "llm.request.type": "completion",
        },
    ]
    divided = {"costspan.prompt.source": "estimate", "costspan.prompt.system": 300, "costspan.prompt.newest": 700}
    odd += [CHAT | divided | {"costspan.prompt.hidden": hidden, "costspan.team": "t"} for hidden in (12, -3, 0)]
    own = {
        "gen_ai.system": "openai",
        "gen_ai.request.model": "own",
        "gen_ai.usage.input_tokens": 9,
        "gen_ai.usage.cost": 0,
    }
    odd += [own | {"gen_ai.usage.cost.source": "provider"}, CHAT | {"gen_ai.usage.cost.source": "local"}]
    reason = "no price for 'own' of openai; register_model or COSTSPAN_PRICES can give one"
    odd += [own | {"costspan.price.reason": reason, "costspan.price.status": said} for said in ("", "unpriced")]
    odd += FINE
    spans += [span(attributes, at=NOON - number * 10**9) for number, attributes in enumerate(odd)]
    spans += [
        span(CHAT, at=NOON - 10**11 - number, seconds=said) for number, said in ((10**5, -5), (10**6, 8 * 86_400))
    ]
    failed = {"gen_ai.operation.name": "chat", "gen_ai.provider.name": "openai", "gen_ai.request.model": "gpt-4o"}
    unknown = failed | {"costspan.price.reason": "the span tells no usage"}
    spans += [span(failed, at=NOON - 10**11, status={"code": 2})]
    spans += [span(unknown | {"costspan.price.status": "unpriced"}, at=NOON - 10**11 - 10**4, status={"code": 2})]
    spans += [span(unknown | {"error.type": ""}, at=NOON - 10**11 - 2 * 10**4)]
    spans += [span(at=NOON - 10**11 - 1000, seconds=0.0015)]
    lasted = enumerate((0.57, -1.0, 1e300, math.nan))
    events = [
        event(CHAT | {"costspan.duration": said}, at=NOON - 2 * 10**11 - number * 10**9) for number, said in lasted
    ]
    events.append(event(CHAT | {"user.id": "ann"}, trace_id=spans[-1]["trace_id"], span_id=spans[-1]["span_id"]))
    return spans, events


def create(session, database):
    """The tables as a Collector and `costspan.sql` make them, in a new database, used from then on."""
    session.query(f"CREATE DATABASE {database}")
    session.query(f"USE {database}")
    for statement in (OTEL_TRACES, OTEL_LOGS, *clickhouse_schema.STATEMENTS):
        session.query(statement)


@pytest.fixture(scope="module")
def books(tmp_path_factory):
    """The same calls in both stores."""
    chdb_session = importlib.import_module("chdb.session")
    session = chdb_session.Session()
    create(session, "otel")
    spans, events = messages()
    for table, rows in (
        ("otel_traces", [as_row(each, is_event=False) for each in spans]),
        ("otel_logs", [as_row(each, is_event=True) for each in events[:-1]]),
    ):
        session.query(f"INSERT INTO {table} FORMAT JSONEachRow " + "\n".join(map(json.dumps, rows)))
    ledger = Ledger(tmp_path_factory.mktemp("both") / "ledger.db")
    ledger.send(traces(*spans, **{"deployment.environment.name": "prod"}))
    ledger.send(logs(*events, **{"deployment.environment.name": "prod"}), "logs")
    ledger.close()
    yield ledger.path, session, spans
    session.close()


@pytest.mark.real
@pytest.mark.parametrize("exact", [False, True])
@pytest.mark.parametrize("zone", ["UTC", "Asia/Kolkata", "America/New_York"])
@pytest.mark.parametrize("where", FILTERS)
@pytest.mark.parametrize("by", QUESTIONS)
def test_every_question_has_the_same_answer_on_both(books, by, where, zone, exact):
    path, session, _ = books
    end = datetime.fromtimestamp(NOON / 1e9, timezone.utc) - timedelta(minutes=7)
    for since, until in ((None, None), (end - timedelta(hours=30, minutes=3), end)):
        question = Question(since, until, parse_by(by), parse_where(where), parse_zone(zone))
        with SqliteBook(path) as one, ClickHouseBook(Embedded(session), exact=exact) as two:
            left, right = read_usage(one, question), read_usage(two, question)
        assert [row.as_dict() for row in left] == [row.as_dict() for row in right]
        assert left.total.as_dict() == right.total.as_dict()


@pytest.mark.real
def test_lists_and_traces_are_the_same_on_both(books):
    path, session, spans = books
    with SqliteBook(path) as one, ClickHouseBook(Embedded(session)) as two:
        for order in ("dearest", "latest"):
            assert one.list_calls(Question(), order, 100) == two.list_calls(Question(), order, 100)
        assert one.read_trace(spans[0]["trace_id"]) == two.read_trace(spans[0]["trace_id"])
        assert two.read_trace(b"\xee" * 16) == []


@pytest.mark.real
def test_prompts_divide_alike_on_both(books):
    path, session, _ = books
    for where in ("", "team=t"):
        question = Question(where=parse_where([where] if where else []))
        with SqliteBook(path) as one, ClickHouseBook(Embedded(session)) as two:
            assert sorted(one.divide_prompts(question)) == sorted(two.divide_prompts(question)) != []


@pytest.mark.real
def test_counts_are_read_also_where_json_has_them_as_texts(books):
    """So ClickHouse wrote numbers of 64 bits before 25.8, and does with this setting."""
    _, session, _ = books
    create(session, "quoted")
    told = {"costspan.usage.web_searches": 2, "costspan.prompt.system": 995, "costspan.prompt.newest": 5}
    row = json.dumps(as_row(span(CHAT | told), is_event=False))
    setting = "output_format_json_quote_64bit_integers=1"
    session.query(f"INSERT INTO otel_traces SETTINGS {setting} FORMAT JSONEachRow {row}")
    with ClickHouseBook(Embedded(session)) as book:
        assert [call.extra for call in book.list_calls(Question())] == [
            {"prompt": {"system": 995, "newest": 5}, "usage": {"input": 1000, "output": 200, "web_searches": 2}}
        ]
        assert [(part.part, part.tokens) for part in sorted(book.divide_prompts(Question()))] == [
            ("newest", 5),
            ("system", 995),
        ]
    session.query("USE otel")


@pytest.mark.real
def test_a_call_that_comes_again_counts_once_where_each_call_is_looked_at(books):
    _, session, spans = books
    create(session, "again")
    row = json.dumps(as_row(spans[0], is_event=False))
    for _ in range(2):
        session.query(f"INSERT INTO otel_traces FORMAT JSONEachRow {row}")
    with ClickHouseBook(Embedded(session), exact=True) as book:
        assert read_usage(book, Question()).total.calls == 1
    session.query("USE otel")


@pytest.mark.real
def test_events_outside_of_any_trace_are_not_taken_for_one(books):
    _, session, _ = books
    create(session, "traceless")
    for user in ("ann", "bob", "bob"):  # Bob's was sent again
        row = as_row(event(CHAT | {"user.id": user}, trace_id=b"", span_id=b""), is_event=True)
        session.query(f"INSERT INTO otel_logs FORMAT JSONEachRow {json.dumps(row)}")
    with ClickHouseBook(Embedded(session), exact=True) as book:
        assert sorted(call.dims["user"] for call in book.list_calls(Question())) == ["ann", "bob"]
    session.query("USE otel")


@pytest.mark.real
def test_the_script_applied_anew_replaces_older_views_and_keeps_the_calls(books):
    _, session, _ = books
    session.query("CREATE DATABASE upgraded")
    session.query("USE upgraded")
    older = [statement.replace("costspan.kind", "unknown.then") for statement in clickhouse_schema.STATEMENTS]
    calls = []
    for number, statements in enumerate(((OTEL_TRACES, OTEL_LOGS, *older), clickhouse_schema.STATEMENTS)):
        for statement in statements:
            session.query(statement)
        repeat = span(CHAT | {"costspan.kind": "repeat"}, at=NOON + number)
        session.query(f"INSERT INTO otel_traces FORMAT JSONEachRow {json.dumps(as_row(repeat, is_event=False))}")
        with ClickHouseBook(Embedded(session)) as book:
            calls.append(read_usage(book, Question()).total.calls)
    session.query("USE otel")
    assert calls == [1, 1]

"""Exports, advice and reconciliation over a small ledger whose figures are known."""

from __future__ import annotations

import csv
import io
import json
import sys
from collections import defaultdict
from datetime import datetime, timedelta, timezone
from decimal import Decimal
from random import Random
from zoneinfo import ZoneInfo

import pytest
from click.testing import CliRunner
from ledger.ledger_served import Ledger
from ledger.ledger_spans import CHAT, DAY, NOON, SECOND, span, traces

import costspan
from costspan.cli.commands import costspan as command
from costspan.ledger.book import SqliteBook
from costspan.ledger.money import usd_of_pico
from costspan.ledger.question import Question, QuestionError, parse_where, parse_zone
from costspan.reports.advise import advise
from costspan.reports.export import ExportError, Rows, export_token_usage, write_csv
from costspan.reports.reconcile import BillError, read_bill, reconcile
from costspan.reports.usage import read_usage

MODEL = "gpt-4o-2024-08-06"


@pytest.fixture(scope="module")
def path(tmp_path_factory):
    """Ten calls of 5,000 input tokens with no cache, one that failed and cost, one whose name is a formula."""
    made = Ledger(tmp_path_factory.mktemp("reports") / "ledger.db")
    big = CHAT | {"gen_ai.usage.input_tokens": 5000, "gen_ai.usage.cost.amount": 0.0145, "costspan.cost.input": 0.0125}
    made.send(traces(*(span(big | {"costspan.team": "search", "user.id": f"u{number}"}) for number in range(10))))
    made.send(
        traces(span(CHAT | {"error.type": "Timeout", "gen_ai.usage.cost.amount": 0.02, "costspan.cost.input": 0.018}))
    )
    made.send(traces(span(CHAT | {"costspan.team": "=cmd|' /C calc'!A0", "costspan.cost.list": 0.009})))
    made.close()
    return made.path


def run(*args):
    return CliRunner().invoke(command, [*args])


def test_token_usage_has_the_names_that_users_know(path):
    report = costspan.get_token_usage(
        ledger=path, start_date="2026-11-01", end_date="2026-12-01", group_by=["day", "model"]
    )
    [row] = report

    assert (row.date, row.model, row.tokens, row.input_tokens) == ("2026-11-21", MODEL, 54400, 52000)
    assert row.cost == Decimal("0.1695")
    assert row.share == 1
    with pytest.raises(AttributeError, match="grouped by day, model"):
        _ = row.team


def test_a_report_that_begins_within_a_month_counts_the_month_from_its_first_day(tmp_path):
    ledger = Ledger(tmp_path / "ledger.db")
    for team, days in (("search", (25, 12, 0)), ("support", (0,))):
        ledger.send(traces(*(span(CHAT | {"costspan.team": team}, at=NOON - day * DAY) for day in days)))
    ledger.close()

    report = costspan.get_token_usage(ledger=ledger.path, start_date="2026-11-15", group_by=["day", "team"])

    cost = Decimal("0.0045")
    assert {row.team: row.month_to_date for row in report} == {"search": 2 * cost, "support": cost}
    assert {row["team"]: row["month_to_date"] for row in report.as_dict()["rows"]} == {
        "search": "0.009",
        "support": "0.0045",
    }


@pytest.fixture(scope="module")
def scattered(tmp_path_factory):
    """Calls of six weeks in which clocks change in Berlin, on Lord Howe and in St John's: when, user, USD."""
    draw, begin = Random(7), datetime(2026, 9, 28, tzinfo=timezone.utc)  # noqa: S311 nothing is secret here
    told = [
        (begin + timedelta(seconds=draw.randrange(42 * 86_400)), draw.choice("ab"), draw.randrange(1, 100) / 100)
        for _ in range(600)
    ]
    told += [(begin + timedelta(hours=each), "a", each / 100) for each in range(0, 42 * 24, 7)]
    changes = (timedelta(days=5, hours=15), timedelta(days=27), timedelta(days=34, hours=4))
    told += [
        (begin + change + timedelta(minutes=each), "a", each / 100) for change in changes for each in range(1, 120, 7)
    ]
    ledger = Ledger(tmp_path_factory.mktemp("scattered") / "ledger.db")
    said = [(at, CHAT | {"user.id": user, "gen_ai.usage.cost.amount": usd}) for at, user, usd in told]
    ledger.send(traces(*(span(each, at=int(at.timestamp()) * SECOND) for at, each in said)))
    ledger.close()
    with SqliteBook(ledger.path) as book:
        yield book, told


SHOWN = {"hour": "%Y-%m-%dT%H:00", "day": "%Y-%m-%d", "week": "%G-%V", "month": "%Y-%m"}
PERIODS = {
    "all": (None, None),
    "whole days": (datetime(2026, 10, 2, tzinfo=timezone.utc), datetime(2026, 11, 3, tzinfo=timezone.utc)),
    "amid hours": (
        datetime(2026, 10, 3, 15, 20, 31, tzinfo=timezone.utc),
        datetime(2026, 11, 2, 3, 44, 59, tzinfo=timezone.utc),
    ),
    "of a day": (datetime(2026, 10, 25, 0, 15, tzinfo=timezone.utc), datetime(2026, 10, 25, 21, tzinfo=timezone.utc)),
    "of an hour": (
        datetime(2026, 10, 25, 1, 10, tzinfo=timezone.utc),
        datetime(2026, 10, 25, 1, 50, tzinfo=timezone.utc),
    ),
}
ZONES = ("UTC", "Europe/Berlin", "Asia/Kolkata", "Asia/Kathmandu", "Australia/Lord_Howe", "America/St_Johns")


@pytest.mark.parametrize("period", PERIODS)
@pytest.mark.parametrize("zone", ZONES)
@pytest.mark.parametrize("by", [(), ("hour",), ("day",), ("week",), ("month",), ("day", "user")])
def test_a_report_sums_up_the_calls_of_its_period_by_the_clock_of_its_zone(scattered, period, zone, by):
    book, told = scattered
    (since, until), clock = PERIODS[period], ZoneInfo(zone)
    expected = defaultdict(list)
    for at, user, usd in told:
        if (since is None or since <= at) and (until is None or at < until):
            keys = {name: at.astimezone(clock).strftime(SHOWN.get(name, user)) for name in by}
            expected[tuple(keys.values())].append(Decimal(str(usd)))
    found = {}
    for row in read_usage(book, Question(since, until, by, zone=parse_zone(zone))).rows:
        keys = row.keys | ({"week": f"{datetime.fromisoformat(row.week):%G-%V}"} if "week" in by else {})
        found[tuple(keys.values())] = row.calls, row.cost, row.max_cost

    assert found == {keys: (len(usd), sum(usd), max(usd)) for keys, usd in expected.items()}


@pytest.mark.parametrize("period", PERIODS)
@pytest.mark.parametrize("order", ["latest", "dearest"])
@pytest.mark.parametrize("limit", [1, 7, 400])
@pytest.mark.parametrize("users", ["ab", "b"])
def test_the_first_calls_of_a_list_are_those_of_all_calls_of_its_period(scattered, period, order, limit, users):
    book, told = scattered
    since, until = PERIODS[period]
    inside = [(at, user, usd) for at, user, usd in told if (since or at) <= at and (until is None or at < until)]
    calls = [(usd if order == "dearest" else 0, at, usd) for at, user, usd in inside if user in users]
    where = parse_where(["user=b"]) if users == "b" else ()
    found = book.list_calls(Question(since, until, where=where), order, limit)

    expected = [(at, Decimal(str(usd))) for _, at, usd in sorted(calls, reverse=True)[:limit]]
    assert [(each.start, usd_of_pico(each.cost)) for each in found] == expected


def test_among_the_dearest_calls_one_that_is_free_comes_before_one_of_unknown_cost(tmp_path):
    unknown = {"gen_ai.operation.name": "chat", "gen_ai.provider.name": "acme", "gen_ai.request.model": "own"}
    free = unknown | {"gen_ai.usage.cost.amount": 0.0, "costspan.price.status": "free"}
    ledger = Ledger(tmp_path / "ledger.db")
    ledger.send(traces(span(free), span(unknown, at=NOON + SECOND), span(CHAT)))
    ledger.close()
    noon = datetime.fromtimestamp(NOON / 1e9, timezone.utc)
    with SqliteBook(ledger.path) as book:
        for limit in (1, 2, 3):
            found = [each.cost for each in book.list_calls(Question(), "dearest", limit)]
            assert found == [4_500_000_000, 0, None][:limit]
        only_unknown = read_usage(book, Question(noon + timedelta(seconds=1), noon + timedelta(seconds=2))).total

    assert (only_unknown.calls, only_unknown.cost, only_unknown.unpriced_calls) == (1, 0, 1)


def test_a_filter_may_have_patterns_beside_names_and_no_sign_of_sqls_own(tmp_path):
    ledger = Ledger(tmp_path / "ledger.db")
    ledger.send(traces(*(span(CHAT | {"costspan.team": team}) for team in ("a_1", "ab1", "ops", "search", "50%x"))))
    ledger.close()
    with SqliteBook(ledger.path) as book:
        found = {
            text: {row.team for row in read_usage(book, Question(by=("team",), where=parse_where([text]))).rows}
            for text in ("team=a_*", "team=se*,ops", "team=50%*,5%*", "team!=*1")
        }

    assert list(found.values()) == [{"a_1"}, {"search", "ops"}, {"50%x"}, {"ops", "search", "50%x"}]


def test_a_value_may_have_commas_in_a_dict_as_it_is_and_in_text_behind_a_backslash(tmp_path):
    ledger = Ledger(tmp_path / "ledger.db")
    ledger.send(traces(*(span(CHAT | {"costspan.team": team}) for team in ("Sales, EMEA", "Sales", "ops", "a\\b"))))
    ledger.close()
    asked = {"ledger": ledger.path, "start_date": "all", "group_by": "team"}

    def teams(where):
        return {row.team for row in costspan.get_token_usage(**asked, where=where)}

    assert teams({"team": "Sales, EMEA"}) == teams({"team": ["Sales, EMEA"]}) == {"Sales, EMEA"}
    assert teams({"team!": ["Sales, EMEA", "ops"]}) == teams([r"team!=Sales\, EMEA,ops"]) == {"Sales", "a\\b"}
    assert teams(r"team=Sales\, EMEA,a\b") == {"Sales, EMEA", "a\\b"}
    assert (teams({"team": []}), teams({"team!": [], "model": "gpt*"})) == (
        set(),
        {"Sales, EMEA", "Sales", "ops", "a\\b"},
    )
    with pytest.raises(QuestionError, match="not UTF-8 text"):
        teams({"team": [1]})


@pytest.mark.parametrize("source", ["tokenizer", "heuristic"])
def test_calls_whose_tokens_were_counted_here_are_told(tmp_path, source):
    ledger = Ledger(tmp_path / "ledger.db")
    ledger.send(traces(span(CHAT), span(CHAT | {"costspan.usage.source": source})))
    ledger.close()

    assert costspan.get_token_usage(ledger=ledger.path, start_date="all").total.estimated_calls == 1


def test_a_question_may_have_as_many_groups_as_it_says(path):
    with SqliteBook(path) as book:
        assert len(read_usage(book, Question(by=("team",), most=3))) == 3
        with pytest.raises(QuestionError, match="over 2 groups"):
            read_usage(book, Question(by=("team",), most=2))


def test_a_month_is_that_of_the_zone_also_where_the_period_begins_in_another(tmp_path):
    """At 23:30 UTC it is November in Berlin, since half an hour."""
    begin = datetime(2026, 10, 31, 23, 30, tzinfo=timezone.utc)
    ledger = Ledger(tmp_path / "ledger.db")
    minutes = (int(begin.timestamp()) + 60 * minute for minute in (-40, -20, 20))
    ledger.send(traces(*(span(CHAT, at=minute * 10**9) for minute in minutes)))
    ledger.close()
    with SqliteBook(ledger.path) as book:
        [row] = read_usage(book, Question(begin, by=("day",), zone=ZoneInfo("Europe/Berlin")))

    assert (row.calls, row.month_to_date) == (1, 2 * Decimal("0.0045"))


def test_a_row_sums_up_what_its_calls_used_and_the_total_all_rows(tmp_path):
    cached = {"gen_ai.usage.cache_read.input_tokens": 300, "gen_ai.usage.cache_write.input_tokens": 200}
    whole = CHAT | cached | {"gen_ai.usage.reasoning.output_tokens": 50}
    unknown = {name: said for name, said in CHAT.items() if "cost" not in name and "price" not in name}
    ledger = Ledger(tmp_path / "ledger.db")
    ledger.send(traces(span(whole, seconds=1.5), span(whole | {"gen_ai.usage.cost.amount": 0.5}, seconds=2.5)))
    for cost in ({}, {"gen_ai.usage.cost.amount": 1.0, "costspan.price.status": "partial"}):
        name = {"gen_ai.request.model": "own", "gen_ai.response.model": f"own{len(cost)}"}
        ledger.send(traces(span(unknown | name | cost)))
    ledger.close()
    report = costspan.get_token_usage(ledger=ledger.path, start_date="all", group_by="model")
    partial, row, nothing = report

    assert (row.input_tokens, row.output_tokens, row.tokens, row.average_seconds) == (2000, 400, 2400, 2)
    assert (row.max_cost, report.total.max_cost) == (Decimal("0.5"), 1)
    assert (partial.has_cost, row.has_cost, nothing.has_cost) == (True, True, False)
    assert report.total.unpriced_calls == 2
    shown = report.as_dict(top=1)
    assert ([each["model"] for each in shown["rows"]], shown["total"]["calls"]) == (["own2"], 4)


def test_a_sum_beyond_64_bits_of_pico_dollars_is_exact(tmp_path):
    ledger = Ledger(tmp_path / "ledger.db")
    dear = CHAT | {"gen_ai.usage.cost.amount": 99_999.999999999999, "costspan.cost.input": 50_000.5}
    for team in ("search", "support"):
        ledger.send(traces(*(span(dear | {"costspan.team": team}) for _ in range(60))))
    ledger.close()

    total = costspan.get_token_usage(ledger=ledger.path, start_date="all", group_by="day").total

    assert total.calls == 120
    assert total.costs["input"] == 120 * Decimal("50000.5")
    assert total.cost == 120 * Decimal(repr(99_999.999999999999))


def test_a_moment_without_a_zone_is_of_the_one_that_is_asked_for_and_the_setting_names_the_ledger(path, monkeypatch):
    """The calls are of noon in UTC."""
    monkeypatch.setenv("COSTSPAN_LEDGER", str(path))
    calls = {
        zone: costspan.get_token_usage(start_date=datetime(2026, 11, 21, 12, 30), timezone=zone).total.calls  # noqa: DTZ001 that is it
        for zone in ("UTC", "Europe/Berlin")
    }

    assert calls == {"UTC": 0, "Europe/Berlin": 12}


def test_a_where_is_a_dict_or_texts(path):
    asked = {"ledger": path, "start_date": "all", "group_by": ()}

    assert costspan.get_token_usage(**asked, where={"team": "search"}).total.calls == 10
    assert costspan.get_token_usage(**asked, where={"team": ["search", "none"]}).total.calls == 10
    assert costspan.get_token_usage(**asked, where="team=search").total.calls == 10
    with pytest.raises(QuestionError, match="team must be a text"):
        costspan.get_token_usage(**asked, where={"team": None})
    assert costspan.get_token_usage(**asked, where=["team=search", "user!=u1"]).total.calls == 9


def test_csv_is_exact_and_runs_nothing_in_a_spreadsheet(path, tmp_path):
    rows = export_token_usage(tmp_path / "x.csv", ledger=path, start_date="all", group_by="team")
    read = list(csv.DictReader(io.StringIO((tmp_path / "x.csv").read_text(encoding="utf-8"))))

    assert rows == len(read) == 3
    assert {row["team"]: row["cost"] for row in read} == {
        "search": "0.145",
        "": "0.02",
        "'=cmd|' /C calc'!A0": "0.0045",
    }


def test_what_a_spreadsheet_would_run_is_text_in_a_csv_and_a_number_below_0_is_a_number():
    said = ("-0.5", "-1+1", "=1", "+1", "@x", "\t=1", "\r=1", "\uff1d1")
    out = io.BytesIO()
    write_csv(Rows([dict(enumerate(said))], dict(enumerate(said))), out)

    _, cells = csv.reader(io.StringIO(out.getvalue().decode(), newline=""))
    assert cells == ["-0.5", *(f"'{each}" for each in said[1:])]


def test_json_lines_hold_the_rows(path, tmp_path):
    export_token_usage(tmp_path / "x.jsonl", format="jsonl", ledger=path, start_date="all", group_by="model")

    assert json.loads((tmp_path / "x.jsonl").read_text())["calls"] == 12


@pytest.mark.parametrize(("form", "asked"), [("csv", {"group_by": ["day", "team"]}), ("csv", {}), ("focus", {})])
def test_a_csv_without_calls_has_the_columns_of_one_with_calls(path, tmp_path, form, asked):
    def header(since):
        export_token_usage(tmp_path / "x.csv", format=form, ledger=path, start_date=since, **asked)
        return (tmp_path / "x.csv").read_text(encoding="utf-8").splitlines()

    full, (empty,) = header("all"), header("2099-01-01")
    assert empty == full[0]
    assert len({len(cells) for cells in csv.reader(full)}) == 1
    assert len(full) > 1


def test_an_unknown_format_is_refused(path, tmp_path):
    with pytest.raises(ExportError, match="csv, jsonl, parquet, focus"):
        export_token_usage(tmp_path / "x", format="xls", ledger=path)


def test_a_format_that_cannot_be_written_leaves_the_file_as_it_was(path, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    kept = tmp_path / "x.parquet"
    kept.write_text("of last month")
    said = run("export", "--format", "parquet", "--db", str(path), "--since", "all", "-o", str(kept))

    assert (said.exit_code, "pip install 'costspan[parquet]'" in said.output) == (1, True)
    with pytest.raises(ExportError, match="pyarrow"):
        export_token_usage(kept, format="parquet", ledger=path, start_date="all")
    assert kept.read_text() == "of last month"


@pytest.mark.real
def test_parquet_has_decimal_money(path, tmp_path):
    import pyarrow.parquet as pq  # noqa: PLC0415 only with the real component

    export_token_usage(tmp_path / "x.parquet", format="parquet", ledger=path, start_date="all", group_by="model")
    table = pq.read_table(tmp_path / "x.parquet")
    assert str(table.schema.field("cost").type) == "decimal128(38, 12)"
    assert table.column("cost")[0].as_py() == Decimal("0.1695")
    assert table.num_rows == 1
    export_token_usage(tmp_path / "0.parquet", format="parquet", ledger=path, start_date="2099-01-01", group_by="model")
    assert pq.read_table(tmp_path / "0.parquet").schema == table.schema


def test_calls_top_and_report_show_names_as_text(path):
    for args in (
        ("calls", "--since", "all"),
        ("top", "--once", "--since", "all"),
        ("report", "--since", "all", "--by", "team"),
    ):
        result = run(*args, "--db", str(path))
        assert result.exit_code == 0
        assert MODEL in result.output or "search" in result.output


def test_a_second_currency_names_its_rate_and_the_rates_day(path):
    args = ("report", "--db", str(path), "--since", "all", "--currency", "eur", "--rate", "0.5@2026-11-01")
    said = json.loads(run(*args, "--json").output)

    assert said["total"]["cost_eur"] == "0.08475"
    assert said["rate"] == {"currency": "EUR", "usd": "0.5", "day": "2026-11-01"}
    assert "1 USD = 0.5 EUR on 2026-11-01" in run(*args).output
    for bad in ("0.5", "x@2026-11-01", "-1@2026-11-01", "nan@2026-11-01"):
        assert run(*args[:-1], bad).exit_code == 2


def test_advice_names_amount_basis_and_calls(path):
    with SqliteBook(path) as book:
        lines = {line.kind: line for line in advise(book, Question())}
        named = [line for line in advise(book, Question(), "gpt-4o-mini") if line.kind == "another model"]

    assert (lines["errors that cost"].usd, lines["errors that cost"].sure) == (Decimal("0.02"), "exact")
    assert lines["prompt caching"].calls == 12
    assert 0 < lines["prompt caching"].usd < Decimal("0.0775")
    assert "gpt-4o-mini" in named[0].basis
    said = json.loads(run("advise", "--db", str(path), "--since", "all", "--json").output)
    assert {line["kind"] for line in said} == set(lines)
    assert "how sure" in run("advise", "--db", str(path), "--since", "all").output


OPENAI = {
    "data": [
        {
            "start_time": NOON // 10**9 - 43200,
            "results": [{"model": MODEL, "input_tokens": 52000, "output_tokens": 2400, "num_model_requests": 12}],
        }
    ]
}
ANTHROPIC = {
    "data": [
        {"starting_at": "2026-11-21T00:00:00Z", "results": [{"model": "claude", "amount": "123.4", "currency": "USD"}]}
    ]
}


def bill(tmp_path, content):
    file = tmp_path / "bill"
    file.write_text(content if isinstance(content, str) else json.dumps(content))
    return file


def test_a_bill_that_agrees_has_nothing_to_explain(path, tmp_path):
    with SqliteBook(path) as book:
        [line] = reconcile(book, read_bill(bill(tmp_path, OPENAI), "openai"), "openai")
    assert (line.day, line.model, line.causes) == ("2026-11-21", MODEL, [])


@pytest.mark.parametrize(
    ("row", "cause"),
    [
        (f"2026-11-21,{MODEL},20,90000,9000,0.3", "missing: 8 calls"),
        (f"2026-11-21,{MODEL},12,52000,2400,0.1696", "rounding"),
        (f"2026-11-21,{MODEL},12,52000,2400,0.30", "price:"),
        (f"2026-11-21,{MODEL},12,52001,2400,0.1695", "tokens: +1 input"),
        (f"2026-11-21,{MODEL},12,52001,2400,0.30", "tokens: +1 input"),
        (f"2026-11-21,{MODEL},20,,,0.3", "missing: 8 calls"),
        ("2026-11-21,other,1,1,1,1", "missing: the ledger has no call"),
    ],
)
def test_each_difference_is_explained(path, tmp_path, row, cause):
    header = "date,model,num_model_requests,input_tokens,output_tokens,cost_usd\n"
    with SqliteBook(path) as book:
        lines = reconcile(book, read_bill(bill(tmp_path, header + row + "\n"), "openai"), "openai")
    [said] = [line.causes for line in lines if line.theirs.calls]
    assert [cause in each for each in said] == [True]


def test_anthropic_counts_cents(tmp_path):
    [(key, billed)] = read_bill(bill(tmp_path, ANTHROPIC), "anthropic").items()

    assert key == ("2026-11-21", "claude")
    assert billed.cost == Decimal("1.234")


@pytest.mark.parametrize(
    "content",
    [
        "{",
        "[]",
        "a,b\n1,2\n",
        '{"data": [{"start_time": "x", "results": [{"model": "m"}]}]}',
        "date,model,cost\n2026-11-21,m,much\n",
    ],
)
def test_a_bill_that_is_none_is_refused_in_one_line(tmp_path, path, content):
    file = bill(tmp_path, content)
    with pytest.raises(BillError):
        read_bill(file, "openai")
    result = run("reconcile", "--provider", "openai", "--file", str(file), "--db", str(path))
    assert (result.exit_code, result.output.count("\n")) == (1, 1)
    assert (
        run("reconcile", "--provider", "openai", "--file", str(bill(tmp_path, OPENAI)), "--db", str(path)).exit_code
        == 0
    )


def test_comparing_two_prompts_says_what_is_saved(tmp_path):
    (tmp_path / "a").write_text("Please answer the question with great care, dear assistant.")
    (tmp_path / "b").write_text("Answer briefly.")
    args = ("compare", str(tmp_path / "a"), str(tmp_path / "b"), "--model", "gpt-4o")
    said = json.loads(run(*args, "--json").output)

    assert said["saved_tokens"] == said["before"]["tokens"] - said["after"]["tokens"] > 0
    assert Decimal(said["saved_usd"]) == Decimal(said["saved_tokens"]) * Decimal("0.0000025") * 1000
    assert "saved" in run(*args).output
    assert run(*args[:-1], "no-such-model-9").exit_code == 1


def test_prompts_are_compared_with_the_ends_of_their_lines(tmp_path):
    (tmp_path / "a").write_bytes(b"x \r\n\r\n\r\ny")
    (tmp_path / "b").write_bytes(b"x \n\n\ny")
    said = json.loads(run("compare", str(tmp_path / "a"), str(tmp_path / "b"), "--model", "gpt-4o", "--json").output)

    assert (said["before"]["tokens"], said["after"]["tokens"]) == (4, 3)

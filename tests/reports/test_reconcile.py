"""Every shape in which OpenAI and Anthropic hand out usage and costs is read, with made-up figures.

Names of fields and columns: see `costspan.reports.reconcile`, which says where they were read.
"""

from __future__ import annotations

import json
from decimal import Decimal

import pytest
from ledger.ledger_served import Ledger
from ledger.ledger_spans import CHAT, span, traces

from costspan.ledger.book import SqliteBook
from costspan.reports.reconcile import Billed, BillError, read_bill, reconcile

DAY = 1_795_219_200  # 2026-11-21, Unix seconds
GPT, CLAUDE = "gpt-4o-2024-08-06", "claude-haiku-4-5-20251001"

NULLS = dict.fromkeys(("project_id", "user_id", "api_key_id", "batch", "service_tier"))
COMPLETIONS = NULLS | {
    "object": "organization.usage.completions.result",
    "input_tokens": 1000,
    "output_tokens": 500,
    "input_cached_tokens": 800,
    "input_audio_tokens": 0,
    "output_audio_tokens": 0,
    "num_model_requests": 5,
    "model": GPT,
}
COSTS = {
    "object": "organization.costs.result",
    "amount": {"value": 0.06, "currency": "usd"},
    "line_item": f"{GPT}, input",
    "project_id": None,
    "quantity": None,
}


def page(*results, name="results"):
    bucket = {"object": "bucket", "start_time": DAY, "end_time": DAY + 86400, name: list(results)}
    return {"object": "page", "data": [bucket], "has_more": False, "next_page": None}


OPENAI_COST_CSV = (
    "start_time,end_time,start_time_iso,end_time_iso,amount_value,amount_currency,quantity,quantity_unit,line_item,"
    "user_id,api_key_id,project_id,organization_id,project_name,organization_name,user_email,api_source\n"
    "1795132800,1795219200,2026-11-20T00:00:00+00:00,2026-11-21T00:00:00+00:00,,,,,,,,,,,,,\n"
    f'1795219200,1795305600,2026-11-21T00:00:00+00:00,2026-11-22T00:00:00+00:00,0.04,usd,,,"{GPT}, input",,,,,,,,\n'
    f'1795219200,1795305600,2026-11-21T00:00:00+00:00,2026-11-22T00:00:00+00:00,0.02,usd,,,"{GPT}, output",,,,,,,,\n'
)
OPENAI_ACTIVITY_CSV = (
    "start_time,end_time,start_time_iso,end_time_iso,num_model_requests,input_tokens,output_tokens,"
    "input_cached_tokens,model\n"
    f"{DAY},{DAY + 86400},2026-11-21T00:00:00+00:00,2026-11-22T00:00:00+00:00,5,1000,500,800,{GPT}\n"
)
OPENAI = {
    "usage": (page(COMPLETIONS), Billed(5, 1000, 500)),
    "usage, as the OpenAPI document has it": (page(COMPLETIONS, name="result"), Billed(5, 1000, 500)),
    "two pages in a list": ([page(COMPLETIONS), page(COMPLETIONS)], Billed(10, 2000, 1000)),
    "costs": (page(COSTS, COSTS | {"line_item": f"{GPT}, output"}), Billed(cost=Decimal("0.12"))),
    "CSV of costs": (OPENAI_COST_CSV, Billed(cost=Decimal("0.06"))),
    "CSV of activity": (OPENAI_ACTIVITY_CSV, Billed(5, 1000, 500)),
}


@pytest.mark.parametrize("shape", OPENAI)
def test_openai_is_read(tmp_path, shape):
    content, said = OPENAI[shape]
    assert read_bill(bill(tmp_path, content), "openai") == {("2026-11-21", GPT): said}


def bill(tmp_path, content):
    file = tmp_path / "bill"
    file.write_text(content if isinstance(content, str) else json.dumps(content), encoding="utf-8")
    return file


USAGE_REPORT = {
    "uncached_input_tokens": 100,
    "cache_read_input_tokens": 20,
    "cache_creation": {"ephemeral_1h_input_tokens": 3, "ephemeral_5m_input_tokens": 4},
    "output_tokens": 50,
    "server_tool_use": {"web_search_requests": 1},
    "model": CLAUDE,
    "service_tier": "standard",
    "workspace_id": None,
}
COST_REPORT = {
    "amount": "123.45",
    "currency": "USD",
    "cost_type": "tokens",
    "description": "Claude Haiku 4.5 Usage - Input Tokens",
    "model": CLAUDE,
    "token_type": "uncached_input_tokens",
    "workspace_id": None,
}
USAGE_CSV = (
    "usage_date_utc,model_version,api_key,workspace,usage_type,context_window,usage_input_tokens_no_cache,"
    "usage_input_tokens_cache_write_5m,usage_input_tokens_cache_write_1h,usage_input_tokens_cache_read,"
    "usage_output_tokens,web_search_count,inference_geo,speed\n"
    f"2026-11-21,{CLAUDE},key,Default,standard,≤ 200k,100,4,3,20,50,1,global,\n"
)
COST_CSV = (
    "usage_date_utc,model,workspace,api_key,usage_type,context_window,token_type,cost_usd,list_price_usd,cost_type\n"
    "2026-11-21,Claude Haiku 4.5,Default,key,message,≤ 200k,input_no_cache,1.00,1.00,token\n"
    "2026-11-21,Claude Haiku 4.5,Default,key,message,≤ 200k,output,0.2345,0.2345,token\n"
)


def buckets(*results):
    return {
        "data": [
            {"starting_at": "2026-11-21T00:00:00Z", "ending_at": "2026-11-22T00:00:00Z", "results": list(results)},
            {"starting_at": "2026-11-22T00:00:00Z", "ending_at": "2026-11-23T00:00:00Z", "results": []},
        ],
        "has_more": False,
        "next_page": None,
    }


def rows(**numbers):
    """As the analytics API has them: no buckets, and what a row is of apart from its numbers."""
    group = {"product": "api", "model": CLAUDE, "context_window": None, "cost_type": None}
    day = {"starting_at": "2026-11-21T00:00:00Z", "ending_at": "2026-11-22T00:00:00Z"}
    return {"data": [day | {"group": group} | numbers], "has_more": False, "next_page": None}


ROW = {name: USAGE_REPORT[name] for name in ("uncached_input_tokens", "cache_read_input_tokens", "cache_creation")}
USED = ROW | {"output_tokens": 50, "requests": 2, "total_tokens": 177, "server_tool_use": {"web_search_requests": 1}}
PAID = {"amount": "123.45", "currency": "USD", "list_amount": "130.00", "requests": 2}
ANTHROPIC = {
    "usage of the analytics API": (rows(usage=USED), CLAUDE, Billed(2, 127, 50)),
    "costs of the analytics API": (rows(cost=PAID), CLAUDE, Billed(cost=Decimal("1.2345"))),
    "usage": (buckets(USAGE_REPORT), CLAUDE, Billed(0, 127, 50)),
    "costs, in cents": (buckets(COST_REPORT), CLAUDE, Billed(cost=Decimal("1.2345"))),
    "CSV of usage": (USAGE_CSV, CLAUDE, Billed(0, 127, 50)),
    "CSV of costs": (COST_CSV, "claude-haiku-4-5", Billed(cost=Decimal("1.2345"))),
}


@pytest.mark.parametrize("shape", ANTHROPIC)
def test_anthropic_is_read(tmp_path, shape):
    content, model, said = ANTHROPIC[shape]
    assert read_bill(bill(tmp_path, content), "anthropic") == {("2026-11-21", model): said}


@pytest.mark.parametrize("end", ["2026-11-24T00:00:00Z", "2026-11-22T17:00:00Z", "2026-11-23", 1795366800])
def test_a_row_of_several_days_is_of_none(tmp_path, end):
    """As the analytics API has them where no time_bucket_width is asked for: up to now."""
    row = rows(usage=USED)["data"][0] | {"ending_at": end}
    with pytest.raises(BillError, match="row 1: it is of several days: export it by day"):
        read_bill(bill(tmp_path, {"data": [row]}), "anthropic")


UNKNOWN = {
    "gen_ai.provider.name": "openai",
    "gen_ai.request.model": "acme-1",
    "gen_ai.usage.input_tokens": 1000,
    "gen_ai.usage.output_tokens": 200,
}


@pytest.fixture
def ledger(tmp_path):
    made = Ledger(tmp_path / "ledger.db")
    yield made
    made.close()


@pytest.fixture(scope="module")
def path(tmp_path_factory):
    """Two calls of one model under two dates, and one of another that is not on the bill."""
    made = Ledger(tmp_path_factory.mktemp("reconcile") / "ledger.db")
    said = CHAT | {"gen_ai.provider.name": "anthropic", "gen_ai.usage.cost.amount": 0.61725}
    for model in (CLAUDE, "claude-haiku-4-5-20260101", "claude-opus-4-1"):
        made.send(traces(span(said | {"gen_ai.response.model": model})))
    made.close()
    return made.path


def test_a_display_name_stands_for_all_dates_of_its_model(tmp_path, path):
    with SqliteBook(path) as book:
        haiku, opus = reconcile(book, read_bill(bill(tmp_path, COST_CSV), "anthropic"), "anthropic")

    assert (haiku.model, haiku.ours.calls, haiku.difference, haiku.causes) == ("claude-haiku-4-5", 2, 0, [])
    assert opus.causes == ["only here: the export does not have it (another account, or a gateway)"]


def test_a_date_is_left_out_of_a_models_name_only_where_the_bill_does_not_have_it(tmp_path, path):
    dated = f"2026-11-21,{CLAUDE},Default,key,message,≤ 200k,output,0.5,0.5,token\n"
    with SqliteBook(path) as book:
        lines = reconcile(book, read_bill(bill(tmp_path, COST_CSV + dated), "anthropic"), "anthropic")

    assert {line.model: line.ours.calls for line in lines if line.ours} == {
        "claude-haiku-4-5": 1,
        CLAUDE: 1,
        "claude-opus-4-1": 1,
    }


def test_what_is_not_known_of_the_dates_of_a_model_is_said_of_all_of_them(tmp_path, ledger):
    said = UNKNOWN | {"gen_ai.provider.name": "anthropic", "costspan.usage.source": "heuristic"}
    for date in (20251001, 20260101):
        ledger.send(traces(span(said | {"gen_ai.response.model": f"claude-acme-{date}"})))
    line = "2026-11-21,claude-acme,k,Default,standard,x,1,0,0,0,1,0,global,\n"
    with SqliteBook(ledger.path) as book:
        usage = bill(tmp_path, USAGE_CSV.partition("\n")[0] + "\n" + line)
        [found] = reconcile(book, read_bill(usage, "anthropic"), "anthropic")

    assert found.causes == [
        "unpriced: no full price here for 2 calls",
        "estimated: tokens of 2 calls were counted here",
    ]


def test_what_is_billed_of_no_model_is_said_to_be_no_call(tmp_path, path):
    tool = COST_REPORT | {"model": None, "description": "Web Search", "cost_type": "web_search"}
    with SqliteBook(path) as book:
        lines = reconcile(book, read_bill(bill(tmp_path, buckets(tool)), "anthropic"), "anthropic")

    assert ["is a tool" in cause for line in lines if line.model == "Web Search" for cause in line.causes] == [True]


def test_an_export_that_names_no_model_is_compared_by_day(tmp_path, path):
    sums = COST_REPORT | {"model": None, "description": None, "amount": "185.175"}
    with SqliteBook(path) as book:
        [day] = reconcile(book, read_bill(bill(tmp_path, buckets(sums)), "anthropic"), "anthropic")

    assert (day.model, day.ours.calls, day.difference, day.causes) == ("", 3, 0, [])


def test_fees_that_the_export_has_apart_explain_the_difference(tmp_path, ledger):
    ledger.send(traces(span(CHAT | {"gen_ai.usage.cost.amount": 0.0245})))  # 0.02 more than its tokens
    with SqliteBook(ledger.path) as book:
        [line] = reconcile(book, {("2026-11-21", GPT): Billed(cost=Decimal("0.0045"))}, "openai")

    assert [cause.partition(" here")[0] for cause in line.causes] == ["tools: $0.02"]


def test_what_no_price_is_known_of_is_not_0_here(tmp_path, ledger):
    ledger.send(traces(span(UNKNOWN)))
    with SqliteBook(ledger.path) as book:
        [line] = reconcile(book, {("2026-11-21", "acme-1"): Billed(1, 1000, 200, Decimal(2))}, "openai")

    assert (line.as_dict()["ours"]["cost"], line.difference) == (None, None)
    assert line.causes[0] == "unpriced: no full price here for 1 call"


@pytest.mark.parametrize(("tokens", "cause"), [("", "this export states no tokens"), ("1000,200", "tokens agree")])
def test_tokens_are_said_to_agree_only_where_the_export_states_them(tmp_path, path, tokens, cause):
    counts = tokens or ","
    content = f"date,model,input_tokens,output_tokens,cost\n2026-11-21,claude-opus-4-1,{counts},9\n"
    with SqliteBook(path) as book:
        lines = reconcile(book, read_bill(bill(tmp_path, content), "anthropic"), "anthropic")

    causes = next(line.causes for line in lines if line.model == "claude-opus-4-1")
    assert [cause in said for said in causes] == [True]


@pytest.mark.parametrize(
    "line",
    [
        *("2026-11-21,gpt-4o,many,", "soon,gpt-4o,1,", "2026-11-21,gpt-4o,1,1e20", "2026-11-21,gpt-4o,1,-1e20"),
        *("9999-12-31,gpt-4o,1,", "0001-01-01,gpt-4o,1,", "20261121,gpt-4o,1,"),
    ],
)
def test_a_value_that_cannot_be_is_told_with_its_row(tmp_path, line):
    bill = tmp_path / "bill.csv"
    bill.write_text(f"date,model,input_tokens,cost\n2026-11-20,gpt-4o,1,0.1\n{line}\n")

    with pytest.raises(
        BillError, match=r"bill\.csv, row 2: '(many|soon|-?1e20|9999-12-31|0001-01-01|20261121)' is no "
    ):
        read_bill(bill, "openai")


def test_other_money_is_not_taken_for_dollars(tmp_path):
    euros, nothing = (COSTS | {"amount": {"value": value, "currency": "eur"}} for value in (0.06, 0))
    assert read_bill(bill(tmp_path, page(COSTS, nothing)), "openai")
    with pytest.raises(BillError, match="bill, row 2: costs in 'eur': the ledger has USD"):
        read_bill(bill(tmp_path, page(COSTS, euros)), "openai")


def test_a_bill_in_another_encoding_says_what_to_do(tmp_path):
    (tmp_path / "bill").write_text(OPENAI_COST_CSV, encoding="utf-16")
    with pytest.raises(BillError, match=r"bill is not UTF-8: .* CSV UTF-8$"):
        read_bill(tmp_path / "bill", "openai")


def test_a_model_is_named_as_the_ledger_names_it(tmp_path):
    odd = COMPLETIONS | {"model": f"\x1b[31m{GPT}\n"}
    assert list(read_bill(bill(tmp_path, page(odd)), "openai")) == [("2026-11-21", f"[31m{GPT}")]


@pytest.mark.parametrize(
    "content",
    [
        'date,model,cost\n2026-11-20,"gpt-4o' + "x" * 200_000,
        '{"data": [{"results": [1]}]}',
        '{"data": [{"results": null}]}',
        '[{"x": ' + '{"x": ' * 3000 + "1" + "}" * 3001 + "]",
    ],
    ids=["a quote that is not closed", "results that are none", "no results", "too deep"],
)
def test_an_export_that_is_not_one_is_told_in_a_line(tmp_path, content):
    bill = tmp_path / "bill"
    bill.write_text(content)

    with pytest.raises(BillError, match=r"bill (is no CSV|is no JSON|has no usage)"):
        read_bill(bill, "openai")

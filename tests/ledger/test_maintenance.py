"""Looking after the file: it adds up, copies, merges, forgets what is old, and never loses a sum."""

from __future__ import annotations

import contextlib
import errno
import gzip
import json
import shutil
import sqlite3
from dataclasses import replace
from datetime import datetime, timedelta, timezone
from functools import partial
from pathlib import Path

import pytest
from ledger_spans import CHAT, DAY, NOON, SECOND, call, span, traces
from made_up_calls import realistic_calls

from costspan.ledger import importing, maintenance, schema
from costspan.ledger.importing import import_lines, merge
from costspan.ledger.listing import list_calls, read_trace
from costspan.ledger.lock import tell
from costspan.ledger.question import Question, QuestionError, parse_zone
from costspan.ledger.reader import Reader
from costspan.ledger.rows import read_hour
from costspan.ledger.schema import LedgerError, explain
from costspan.ledger.server import start
from costspan.ledger.sql import DAY_US, moment_of
from costspan.ledger.store import Keep, Store
from costspan.pricing import Pricer
from costspan.reports.usage import get_token_usage

NOW = NOON / 10**9
DAYS = 24


def fill(path, count=2000, **how):
    """A ledger of made-up calls up to noon of 2026-11-21."""
    store = Store(path)
    store.write(list(realistic_calls(count, **{"days": DAYS, "until": NOW} | how)))
    store.close()


@pytest.fixture(scope="session")
def model_ledger(tmp_path_factory):
    path = tmp_path_factory.mktemp("filled") / "ledger.db"
    fill(path)
    return path


@pytest.fixture
def filled(model_ledger, tmp_path):
    """A copy of one ledger, to do with as a test likes."""
    return shutil.copy(model_ledger, tmp_path / "ledger.db")


def test_roll_ups_are_exactly_what_the_calls_sum_to(filled):
    check = maintenance.verify(filled)

    assert (check.calls, check.problems) == (2000, [])


def test_the_period_of_a_ledger_is_found_without_reading_all_of_its_days(filled):
    asked = []
    with Reader(filled) as reader:
        reader.connection.set_trace_callback(asked.append)
        reader.period()
        reader.connection.set_trace_callback(None)
        steps = [step[3] for step in reader.fetch(f"EXPLAIN QUERY PLAN {asked[0]}")]

    assert any(step.startswith("SEARCH days") for step in steps)
    assert not any("SCAN days" in step for step in steps)


@pytest.mark.parametrize(
    "harm",
    [
        "UPDATE days SET cost=cost+1 WHERE day=(SELECT min(day) FROM days)",
        "DELETE FROM hours WHERE hour=(SELECT min(hour) FROM hours)",
        "UPDATE calls SET output=output+1 WHERE hour=(SELECT min(hour) FROM calls)",
        "UPDATE days SET day=day+1000 WHERE day=(SELECT max(day) FROM days)",
        "UPDATE coarse_days SET max_cost=max_cost+1",
    ],
)
def test_verify_finds_a_sum_that_is_off_and_rebuild_mends_it(filled, harm):
    with sqlite3.connect(filled) as connection:
        connection.execute(harm)
    connection.close()
    assert maintenance.verify(filled).problems

    maintenance.rebuild(filled)
    assert maintenance.verify(filled).problems == []


def test_verify_looks_at_one_moment_though_calls_come_meanwhile(ledger):
    ledger.send(traces(call(at=NOON)))
    check = maintenance.verify(ledger.path, lambda _done: ledger.send(traces(call(at=NOON))))

    assert (check.calls, check.problems) == (1, [])
    assert ledger.report().total.calls == 1 + maintenance.STEPS


def test_verify_tells_of_calls_that_have_lost_what_they_belong_to(filled):
    with sqlite3.connect(filled) as connection:
        connection.execute("DELETE FROM dims WHERE id = (SELECT min(dim) FROM calls)")
        [(lost,)] = connection.execute("SELECT count(*) FROM calls LEFT JOIN dims ON id=dim WHERE id IS NULL")
    connection.close()

    assert f"calls: {lost} belong to nothing" in maintenance.verify(filled).problems


@pytest.mark.parametrize(
    "since", [None, timedelta(days=7), timedelta(days=3, hours=5, minutes=7), timedelta(minutes=90)]
)
@pytest.mark.parametrize("zone", ["UTC", "Europe/Berlin", "Asia/Kolkata"])
@pytest.mark.parametrize("by", ["day", "hour", "week", "month", "model", "day,user", "tag.x,error"])
def test_every_period_and_zone_sums_to_what_the_single_calls_do(filled, since, zone, by):
    """Whatever mixture of roll-ups answers: compare with sums over the calls themselves, in Python."""
    end = datetime.fromtimestamp(NOW, timezone.utc) - timedelta(minutes=13)
    start = end - since if since else None
    report = get_token_usage(ledger=filled, start_date=start, end_date=end, group_by=by, timezone=zone)
    calls = [
        each
        for each in realistic_calls(2000, days=DAYS, until=NOW)
        if each.start_us < end.timestamp() * 1e6 and (start is None or each.start_us >= start.timestamp() * 1e6)
    ]

    assert report.total.calls == len(calls)
    assert report.total.sums.cost == sum(each.cost or 0 for each in calls)
    time = report.question.time
    if time:
        first = [min(local_text(each.start_us, zone, time) for each in calls)]
        assert [row.date for row in report.rows][:1] == first


def local_text(micros, zone, unit):
    local = datetime.fromtimestamp(micros // 10**6, parse_zone(zone))
    if unit == "week":
        local -= timedelta(days=local.weekday())
    return local.strftime({"hour": "%Y-%m-%dT%H:00", "month": "%Y-%m"}.get(unit, "%Y-%m-%d"))


def test_the_dearest_calls_are_those_of_the_whole_list(filled):
    calls = sorted((each.cost or 0 for each in realistic_calls(2000, days=DAYS, until=NOW)), reverse=True)
    with Reader(filled) as reader:
        assert [each.cost for each in list_calls(reader, Question(), "dearest", 25)] == calls[:25]


def test_calls_beside_the_period_hide_no_dear_one_within_it(ledger):
    beside = [call(NOON + number * SECOND, gen_ai__usage__cost__amount=9.0, costspan__team=f"t{number}")
              for number in range(5)]  # fmt: skip
    within = [call(NOON + hours * 3600 * SECOND, gen_ai__usage__cost__amount=5.0 - hours) for hours in (1, 2, 3)]
    ledger.send(traces(*beside, *within))
    with Reader(ledger.path) as reader:
        found = list_calls(reader, Question(datetime.fromtimestamp(NOW + 1800, timezone.utc)), "dearest", 2)

    assert [each.cost for each in found] == [4 * 10**12, 3 * 10**12]


def test_an_hour_where_clocks_shift_in_the_middle_of_one_of_utc_is_that_of_the_clock(ledger):
    back = datetime(2025, 11, 2, 4, 30, tzinfo=timezone.utc)  # St. John's: from 02:00 to 01:00
    ledger.send(traces(*(call(int((back.timestamp() + minutes * 60) * SECOND)) for minutes in (-10, 10, 40, 70))))

    rows = get_token_usage(ledger=ledger.path, start_date="all", group_by="hour", timezone="America/St_Johns")
    assert [(row.date, row.calls) for row in rows] == [("2025-11-02T01:00", 3), ("2025-11-02T02:00", 1)]


def test_the_latest_call_before_a_moment_is_found_though_later_ones_share_its_hour(ledger):
    ledger.send(traces(call(NOON - 3 * 3600 * SECOND), call(NOON + 45 * 60 * SECOND)))
    until = datetime.fromtimestamp(NOW + 30 * 60, timezone.utc)
    with Reader(ledger.path) as reader:
        found = list_calls(reader, Question(until=until), "latest", 1)

    assert [each.start.hour for each in found] == [9]


def test_the_dearest_calls_are_those_that_are_kept_though_dearer_ones_were_dropped(filled):
    day = int(NOW // 86400) - 3
    connection = schema.open_store(filled)
    while maintenance.drop_before(connection, day, day):
        pass
    connection.close()
    kept = [each for each in realistic_calls(2000, days=DAYS, until=NOW) if each.start_us >= day * 86400 * 10**6]
    with Reader(filled) as reader:
        found = list_calls(reader, Question(), "dearest", 25)

    assert [each.cost for each in found] == sorted((each.cost or 0 for each in kept), reverse=True)[:25]


def test_old_calls_go_and_their_sums_stay(filled):
    before = get_token_usage(ledger=filled, start_date="all", group_by="month")
    day = int(NOW // 86400) - 10
    connection = schema.open_store(filled)
    while maintenance.drop_before(connection, day, day):
        pass
    connection.close()
    after = get_token_usage(ledger=filled, start_date="all", group_by="month")

    assert [row.as_dict() for row in after] == [row.as_dict() for row in before]
    assert maintenance.verify(filled).problems == []
    assert 0 < maintenance.info(filled)["rows"]["calls"] < 2000
    old = datetime.fromtimestamp(NOW, timezone.utc) - timedelta(days=20, minutes=7)
    assert get_token_usage(ledger=filled, start_date=old, group_by="user").total.calls > 0
    with pytest.raises(QuestionError, match="daily sums"):
        get_token_usage(ledger=filled, start_date=old, group_by="hour,user")


def test_keeping_calls_for_longer_from_now_on_leaves_the_sums_of_those_dropped_before(ledger):
    connection = schema.open_store(ledger.path)
    for keep, ages in ((30, (0, 10, 40)), (400, (500,))):
        ledger.send(traces(*(call(at=NOON - days * DAY) for days in ages)))
        while maintenance.drop_before(connection, NOON // DAY - keep, NOON // DAY - keep):
            pass
    connection.close()

    assert maintenance.verify(ledger.path).problems == []
    maintenance.rebuild(ledger.path)
    assert ledger.report().total.calls == 4


def test_zero_days_keep_all(tmp_path):
    path = tmp_path / "ledger.db"
    fill(path, 100, until=datetime.now(timezone.utc).timestamp())
    store = Store(path)
    assert store.drop_old(Keep(0, 0)) == 0
    store.close()

    assert maintenance.info(path)["rows"]["calls"] == 100


def test_so_many_days_are_kept_beside_today_by_the_clock_or_the_newest_call(ledger):
    today = datetime(2026, 11, 21, 12, tzinfo=timezone.utc)
    assert [(today - timedelta(days=days)).date() for days in (0, 5)] == [
        moment_of(day * DAY_US).date() for day in (NOON // DAY, maintenance.cutoff_day(5, today))
    ]
    ledger.send(traces(call(NOON - 365 * DAY)))
    with contextlib.closing(schema.open_store(ledger.path)) as connection:
        latest = maintenance.latest_moment(connection)
    assert latest == today + timedelta(hours=1) - timedelta(days=365)


def test_of_calls_that_were_dropped_whole_hours_are_left_each_once(ledger):
    """Also in a zone whose clocks have changed since."""
    ledger.send(traces(call(NOON - 40 * DAY + 600 * SECOND), call(NOON - 20 * DAY), call(NOON)))
    with contextlib.closing(schema.open_store(ledger.path)) as connection:
        while maintenance.drop_before(connection, NOON // DAY, NOON // DAY):
            pass
    until = datetime.fromtimestamp(NOON / 1e9, timezone.utc) - timedelta(days=40) + timedelta(minutes=30)

    assert ledger.report(until=until).total.calls == 1
    rows = ledger.report("day", zone=parse_zone("Europe/Berlin")).rows
    assert [(row.day, row.calls) for row in rows] == [("2026-10-12", 1), ("2026-11-01", 1), ("2026-11-21", 1)]


def test_a_ledger_drops_old_calls_by_itself(tmp_path):
    path = tmp_path / "ledger.db"
    fill(path, 100, until=datetime.now(timezone.utc).timestamp())
    store = Store(path)
    while store.drop_old(Keep(5, 5)):
        pass
    store.close()

    assert maintenance.info(path)["rows"]["calls"] < 30
    assert maintenance.info(path)["calls"] == 100


def test_a_clock_that_is_years_ahead_at_the_start_drops_nothing(tmp_path, monkeypatch):
    path = tmp_path / "ledger.db"
    fill(path, 100, until=datetime.now(timezone.utc).timestamp())

    class Ahead(datetime):
        @classmethod
        def now(cls, tz=None):
            return datetime.now(tz) + timedelta(days=3650)

    monkeypatch.setattr(maintenance, "datetime", Ahead)
    store = Store(path)
    while store.drop_old(Keep(400, 400)):
        pass
    store.close()

    assert maintenance.info(path)["rows"]["calls"] == 100
    assert maintenance.info(path)["single_calls_from"] is None


def test_a_backup_is_the_ledger_and_never_overwrites(filled, tmp_path):
    copy = tmp_path / "copy.db"
    maintenance.backup(filled, copy)

    assert maintenance.verify(copy) == maintenance.verify(filled)
    assert copy.stat().st_mode & 0o777 == 0o600  # its owner's only, as the ledger itself
    with pytest.raises(LedgerError, match="exists"):
        maintenance.backup(filled, copy)


def test_a_backup_where_none_can_be_written_is_one_line(filled, tmp_path):
    with pytest.raises(LedgerError, match=r"copy\.db: No such file"):
        maintenance.backup(filled, tmp_path / "none" / "copy.db")


def test_vacuum_gives_space_back(filled):
    connection = schema.open_store(filled)
    connection.execute("DELETE FROM calls")
    connection.close()
    before, after = maintenance.vacuum(filled)

    assert after < before


def test_merging_twice_adds_each_call_once_with_all_its_figures(filled, tmp_path):
    other = tmp_path / "other.db"
    fill(other, 500, seed=9)
    target = tmp_path / "all.db"
    for source in (filled, other, other):
        merge(target, source, lambda _: None)

    assert maintenance.verify(target).problems == []
    both = [get_token_usage(ledger=each, start_date="all", group_by="team").total.sums for each in (filled, other)]
    merged = get_token_usage(ledger=target, start_date="all", group_by="team").total.sums
    assert tuple(merged) == tuple(map(sum, zip(*both, strict=True)))
    with pytest.raises(LedgerError, match="itself"):
        merge(target, target, lambda _: None)


def test_what_was_dropped_is_not_added_to_its_sums_again_and_what_cannot_come_in_is_told(filled, tmp_path):
    """Merging an older backup doubled all sums of which the single calls were gone."""
    older = tmp_path / "older.db"
    maintenance.backup(filled, older)
    whole = maintenance.info(filled)
    connection = schema.open_store(filled)
    day = NOON // DAY - 1
    while maintenance.drop_before(connection, day, day):
        pass
    connection.close()
    dropped = whole["calls"] - maintenance.info(filled)["rows"]["calls"]

    back = merge(filled, older, lambda _: None)
    assert (back.calls, back.refused) == (0, dropped)
    assert "single calls of then were dropped here" in back.refusal
    assert (maintenance.info(filled)["calls"], maintenance.info(filled)["cost"]) == (whole["calls"], whole["cost"])

    other = merge(tmp_path / "new.db", filled, lambda _: None)
    assert (other.calls, other.refused) == (whole["calls"] - dropped, dropped)
    assert f"only sums are left of them in {filled}" in other.refusal


def test_calls_from_before_all_that_is_kept_come_in_once_where_nothing_has_them(filled, tmp_path):
    connection = schema.open_store(filled)
    while maintenance.drop_before(connection, NOON // DAY - 1, NOON // DAY - 1):
        pass
    connection.close()
    source = tmp_path / "a.jsonl"
    source.write_text(json.dumps(LINE).replace(str(NOON), str(NOON - 300 * DAY)))
    written = [import_lines(filled, source, Pricer(), lambda _: None) for _ in range(2)]

    assert [(each.calls, each.duplicates, each.refused) for each in written] == [(1, 0, 0), (0, 1, 0)]


def test_merging_brings_single_calls_from_before_all_that_is_kept_and_tells_only_of_sums(ledger, tmp_path):
    """An import of old calls brought two, beside three that were dropped: all five were told as sums."""
    ledger.send(traces(*(call(NOON - 300 * DAY) for _ in range(3))))
    connection = schema.open_store(ledger.path)
    while maintenance.drop_before(connection, NOON // DAY, NOON // DAY):
        pass
    connection.close()
    ledger.send(traces(*(call(NOON - 200 * DAY) for _ in range(2))))
    merged = merge(tmp_path / "new.db", ledger.path, lambda _: None)

    assert (merged.calls, merged.refused) == (2, 3)
    assert "only sums are left" in merged.refusal


def test_merging_brings_a_span_of_an_hour_without_calls(ledger, tmp_path):
    """A request that began an hour before the only call in it."""
    inner = call()
    root = span({}, trace_id=inner["trace_id"], name="GET /", at=NOON - 3600 * SECOND, seconds=3700)
    ledger.send(traces(inner | {"parent_span_id": root["span_id"]}, root))
    merge(tmp_path / "copy.db", ledger.path, lambda _: None)
    with Reader(ledger.path) as one, Reader(tmp_path / "copy.db") as two:
        assert read_trace(two, inner["trace_id"]) == read_trace(one, inner["trace_id"])


def test_merging_counts_a_call_once_that_is_a_span_in_one_ledger_and_an_event_in_the_other(ledger, tmp_path):
    """The event tells the time at which the call ended, in another hour."""
    one = call()
    ledger.send(traces(one))
    store = Store(tmp_path / "events.db")
    with Reader(ledger.path) as reader:
        [stored] = read_hour(reader, Question(), NOON // (3600 * SECOND))
    store.write([replace(stored, start_us=stored.start_us + 3600 * 10**6)])
    store.close()
    merged = merge(ledger.path, tmp_path / "events.db", lambda _: None)

    assert (merged.calls, merged.duplicates) == (0, 1)


def test_merging_keeps_traces_and_what_is_kept_with_a_call(ledger, tmp_path):
    inner = span(CHAT | {"costspan.usage.input_audio": 300, "session.id": "s1", "costspan.cost.list": 0.009})
    root = span({}, trace_id=inner["trace_id"], name="GET /", seconds=2)
    ledger.send(traces(inner | {"parent_span_id": root["span_id"]}, root))
    merge(tmp_path / "copy.db", ledger.path, lambda _: None)
    with Reader(ledger.path) as one, Reader(tmp_path / "copy.db") as two:
        assert read_trace(two, inner["trace_id"]) == read_trace(one, inner["trace_id"])
        assert [each.name for each in read_trace(two, inner["trace_id"])] == ["GET /", "chat gpt-4o-2024-08-06"]
        calls = [each.call for each in read_trace(two, inner["trace_id"]) if each.call]
        assert calls[0].extra["usage"]["input_audio"] == 300
        assert calls[0].discount == 4_500_000_000


LINE = {
    "resourceSpans": [{"scopeSpans": [{"spans": [{
        "traceId": "5b8efff798038103d269b633813fc60c", "spanId": "eee19b7ec3c1b174", "name": "chat",
        "startTimeUnixNano": str(NOON), "endTimeUnixNano": str(NOON + SECOND),
        "attributes": [{"key": "gen_ai.request.model", "value": {"stringValue": "gpt-4o"}},
                       {"key": "gen_ai.usage.cost.amount", "value": {"doubleValue": 1}}],
    }]}]}]
}  # fmt: skip


def test_the_collectors_json_lines_come_in_once(tmp_path):
    text = (json.dumps(LINE) + "\n\n").encode() * 3
    (tmp_path / "a.jsonl").write_bytes(text)
    (tmp_path / "b.jsonl.gz").write_bytes(gzip.compress(text))
    written = [
        import_lines(tmp_path / "x.db", tmp_path / name, Pricer(), lambda _: None) for name in ("a.jsonl", "b.jsonl.gz")
    ]

    assert [(each.calls, each.duplicates) for each in written] == [(1, 2), (0, 3)]


def test_what_a_file_brings_is_summed_up_over_all_that_is_stored_at_once(tmp_path, monkeypatch):
    """A call and one around it, twice, each with a span of its trace."""
    monkeypatch.setattr(importing, "_LINES_AT_ONCE", 1)
    lines = []
    for number in (1, 2):
        ids = [{"traceId": f"{number:032x}", "spanId": f"{number}{each:015x}"} for each in (1, 2, 3)]
        said = LINE["resourceSpans"][0]["scopeSpans"][0]["spans"][0]
        inner, around = said | ids[0] | {"parentSpanId": ids[1]["spanId"]}, said | ids[1]
        spans = [inner, around, said | ids[2] | {"attributes": []}]
        lines.append(json.dumps({"resourceSpans": [{"scopeSpans": [{"spans": spans}]}]}))
    (tmp_path / "a.jsonl").write_text("\n".join(lines))
    written = import_lines(tmp_path / "x.db", tmp_path / "a.jsonl", Pricer(), lambda _: None)

    assert (written.calls, written.layers, written.spans) == (2, 2, 4)


def test_a_span_of_another_form_is_told_with_its_line(tmp_path):
    (tmp_path / "a.jsonl").write_text(f"{json.dumps(LINE)}\n{json.dumps(LINE).replace('eee19b', 'no-hex')}\n")
    written = import_lines(tmp_path / "x.db", tmp_path / "a.jsonl", Pricer(), lambda _: None)

    assert (written.calls, written.refused) == (1, 1)
    assert written.refusal.endswith(f"spanId must be hexadecimal ({tmp_path / 'a.jsonl'}, line 2)")


@pytest.mark.parametrize("name", ["a.jsonl", "a.jsonl.gz"])
def test_what_comes_before_the_cut_off_end_of_a_file_is_stored(tmp_path, name):
    source, text = tmp_path / name, (json.dumps(LINE) + "\n" + json.dumps(LINE)).encode()
    source.write_bytes(gzip.compress(text)[:-9] if source.suffix == ".gz" else text[:-9])
    with pytest.raises(LedgerError, match="what came before it is stored"):
        import_lines(tmp_path / "x.db", source, Pricer(), lambda _: None)

    assert maintenance.info(tmp_path / "x.db")["calls"] == 1


DAMAGED = gzip.compress(b"{}\n", mtime=0)  # a time would name the test differently in each worker


@pytest.mark.parametrize(
    "content",
    [b"nonsense\n", b'{"a": 1}\n', b"null\n", b"5\n", b"\x1f\x8bxx", DAMAGED[:10] + b"\xff" + DAMAGED[11:]],
)
def test_a_file_that_is_no_otlp_is_refused_by_line(tmp_path, content):
    source = tmp_path / ("a.gz" if content[:1] == b"\x1f" else "a.jsonl")
    source.write_bytes(content)
    with pytest.raises(LedgerError, match="a\\."):
        import_lines(tmp_path / "x.db", source, Pricer(), lambda _: None)


def test_a_file_of_some_other_program_is_left_alone(tmp_path):
    other = tmp_path / "other.db"
    connection = sqlite3.connect(other)
    connection.execute("CREATE TABLE theirs(x)")
    connection.commit()
    connection.close()
    with pytest.raises(LedgerError, match="some other program"):
        Store(other)
    (tmp_path / "text.db").write_text("not a database at all, but long enough to be read as a page header " * 20)
    with pytest.raises(LedgerError, match="not a ledger"):
        Store(tmp_path / "text.db")


def test_a_ledger_of_a_newer_costspan_is_left_alone(filled):
    connection = sqlite3.connect(filled)
    connection.execute(f"PRAGMA user_version={schema.VERSION + 1}")
    connection.close()
    for use in (Store, Reader):
        with pytest.raises(LedgerError, match="upgrade"):
            use(filled)


def test_a_damaged_ledger_says_what_to_do(filled):
    content = bytearray(filled.read_bytes())
    content[8192:] = b"\xa5" * (len(content) - 8192)
    filled.write_bytes(content)
    with pytest.raises(LedgerError, match="damaged: move it away, its -wal and -shm too"):
        get_token_usage(ledger=filled, start_date="all")
    for use in (partial(start, port=0), Store):
        with pytest.raises(LedgerError, match="damaged"):
            use(filled)


def test_a_backup_onto_a_read_only_disk_is_one_line(filled, tmp_path, monkeypatch):
    def refuse(*_args, **_kwargs):
        raise OSError(errno.EROFS, "Read-only file system")

    monkeypatch.setattr(Path, "touch", refuse)
    monkeypatch.setattr(Path, "unlink", refuse)
    with pytest.raises(LedgerError, match="is on a read-only disk: copy it, or name another"):
        maintenance.backup(filled, tmp_path / "copy.db")


def test_a_lock_holds_where_its_address_has_no_room():
    with Path("/dev/full").open("a+", encoding="utf-8") as held:
        tell(held, "http://127.0.0.1:4318")


def test_a_full_disk_is_told_whoever_says_so(tmp_path):
    assert "is full: free some space" in str(explain(OSError(errno.ENOSPC, "No space left on device"), tmp_path / "x"))


def test_a_full_disk_refuses_what_it_cannot_store_and_keeps_what_was_acknowledged(tmp_path):
    path = tmp_path / "ledger.db"
    store = Store(path)
    store.write(list(realistic_calls(100, days=1, until=NOW)))
    pages = store._connection.execute("PRAGMA page_count").fetchone()[0]
    store._connection.execute(f"PRAGMA max_page_count={pages + 2}")
    with pytest.raises(LedgerError, match="full"):
        store.write(list(realistic_calls(5000, days=1, seed=2, until=NOW)))
    store._connection.execute("PRAGMA max_page_count=1000000")
    assert store.write(list(realistic_calls(100, days=1, seed=3, until=NOW))).calls == 100
    store.close()

    assert (maintenance.verify(path).calls, maintenance.verify(path).problems) == (200, [])


def test_the_second_costspan_on_one_file_says_where_the_first_is(tmp_path):
    with start(tmp_path / "x.db", port=0) as first, pytest.raises(LedgerError, match=first.url):
        start(tmp_path / "x.db", port=0)
    start(tmp_path / "x.db", port=0).stop()


def test_a_link_to_a_served_ledger_is_the_same_file(tmp_path):
    (tmp_path / "link.db").symlink_to(tmp_path / "ledger.db")
    with start(tmp_path / "ledger.db", port=0), pytest.raises(LedgerError, match="already at http"):
        start(tmp_path / "link.db", port=0)


@pytest.mark.parametrize("version", range(schema.VERSION))
def test_a_ledger_of_every_past_version_becomes_todays(tmp_path, version):
    path = tmp_path / "old.db"
    connection = sqlite3.connect(path, isolation_level=None)
    for script in schema.MIGRATIONS[:version]:
        connection.executescript(script)
    if version:
        connection.execute(f"PRAGMA application_id={schema.APPLICATION_ID}")
        connection.execute(f"PRAGMA user_version={version}")
    connection.close()
    fill(path, 50)

    assert maintenance.verify(path).problems == []


def test_a_report_on_a_ledger_of_a_past_version_brings_it_up_to_date_with_its_sums(filled):
    before = [row.as_dict() for row in get_token_usage(ledger=filled, start_date="all", group_by=["day", "model"])]
    connection = sqlite3.connect(filled, isolation_level=None)
    connection.executescript("DROP TABLE coarse_days; PRAGMA user_version=1")
    connection.close()
    after = [row.as_dict() for row in get_token_usage(ledger=filled, start_date="all", group_by=["day", "model"])]

    assert after == before
    assert maintenance.verify(filled).problems == []


def test_the_summary_of_a_ledger(filled):
    said = maintenance.info(filled)

    assert (said["calls"], said["rows"]["calls"], said["last_day"]) == (2000, 2000, "2026-11-21")
    assert float(said["cost"]) == pytest.approx(float(get_token_usage(ledger=filled, start_date="all").total.cost))


def test_a_day_of_a_month_shows_the_running_total_of_the_month(ledger):
    for day in range(3):
        ledger.send(traces(call(NOON - day * DAY, gen_ai__usage__cost__amount=1.0)))
    report = get_token_usage(ledger=ledger.path, start_date="2026-11-20", group_by="day")

    assert [(row.date, int(row.month_to_date)) for row in report] == [("2026-11-20", 2), ("2026-11-21", 3)]


def test_verify_tells_each_of_its_steps(filled):
    steps = []
    maintenance.verify(filled, steps.append)

    assert steps == [1] * maintenance.STEPS

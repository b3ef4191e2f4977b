"""What goes wrong inside or below the ledger: a clear word to the sender, nothing lost, and it goes on."""

from __future__ import annotations

import contextlib
import os
import sqlite3
import sys
import threading
import time
from dataclasses import replace
from pathlib import Path

import pytest
from ledger_served import Ledger
from ledger_spans import CHAT, NOON, call, event, logs, span, traces
from made_up_calls import realistic_calls, span_of

from costspan.guard import FAILURES
from costspan.ledger import ingest as ingesting
from costspan.ledger import schema
from costspan.ledger.book import SqliteBook, open_ledger
from costspan.ledger.ingest import BusyError, Ingest, Job, TooLargeError
from costspan.ledger.lock import lock
from costspan.ledger.otlp import BadRequestError
from costspan.ledger.question import Question
from costspan.ledger.record import Dims, StoredCall
from costspan.ledger.schema import LedgerError, TooMuchError, explain, open_store
from costspan.ledger.store import Keep, Store
from costspan.pricing import Price, Pricer, PriceStatus


class Broken(Store):
    """A store with a fault of ours, until it is mended."""

    mended = False

    def write(self, calls, spans=()):
        if not self.mended:
            msg = "a bug"
            raise ZeroDivisionError(msg)
        return super().write(calls, spans)


def test_a_fault_of_ours_is_told_to_the_sender_and_ends_nothing(tmp_path, caplog):
    store = Broken(tmp_path / "x.db")
    ingest = Ingest(store, Pricer())
    with pytest.raises(LedgerError, match="log"):
        ingest.submit(Job("traces", traces(call()))).result(20)
    store.mended = True
    ingest.submit(Job("traces", traces(call()))).result(20)
    ingest.stop()

    assert ingest.counts["calls"] == 1
    assert FAILURES.counts["store calls", "ZeroDivisionError"] == 1
    FAILURES.clear()


@pytest.mark.skipif(sys.platform == "win32", reason="there, a file in use stays where it is")
@pytest.mark.parametrize("change", [os.remove, lambda path: path.with_name("other.db").replace(path)])
def test_nothing_is_acknowledged_once_the_file_is_removed_or_replaced(tmp_path, change, caplog):
    """It would be written to the file that is gone."""
    Ledger(tmp_path / "other.db").close()
    ledger = Ledger(tmp_path / "x.db")
    ledger.send(traces(call()))
    change(ledger.path)
    for _ in range(3):
        with pytest.raises(LedgerError, match="removed or replaced"):
            ledger.send(traces(call()))
    ledger.close()

    (line,) = [each.getMessage() for each in caplog.records]
    assert str(ledger.path) in line


def test_a_program_that_goes_to_another_folder_writes_to_the_same_ledger(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    ledger = Ledger(Path("x.db"))
    monkeypatch.chdir("/")
    ledger.send(traces(call()))
    ledger.close()


def test_after_a_write_that_failed_a_call_in_two_forms_is_still_stored_once(tmp_path):
    event = StoredCall(b"t" * 16, b"s" * 8, NOON // 1000, 0, Dims(), {"input": 1}, 1, event=True)
    store = Store(tmp_path / "x.db")
    with pytest.raises(LedgerError):
        store.write([replace(event, cost=2**63)])
    store.write([event])
    store.close()
    opened_anew = Store(tmp_path / "x.db")
    its_span = replace(event, start_us=event.start_us - 1, event=False)  # in the hour before
    written = opened_anew.write([its_span])
    opened_anew.close()

    assert (written.calls, written.duplicates) == (0, 1)


def test_more_than_can_be_stored_soon_is_told_to_come_again(tmp_path, monkeypatch):
    monkeypatch.setattr(ingesting, "_MOST_WAITING", 1000)
    ingest = Ingest(Store(tmp_path / "x.db"), Pricer())
    with pytest.raises(BusyError):
        ingest.submit(Job("traces", b"x" * 1001))
    ingest.stop()

    assert ingest.counts["busy"] == 1


def test_what_waits_is_counted_in_bytes_and_stored_before_the_end(tmp_path, monkeypatch):
    body, held, write = traces(call()), threading.Event(), Store.write
    monkeypatch.setattr(ingesting, "_MOST_WAITING", 3 * len(body))
    monkeypatch.setattr(Store, "write", lambda *asked: (held.wait(20), write(*asked))[1])
    ingest = Ingest(Store(tmp_path / "x.db"), Pricer())
    answers = [ingest.submit(Job("traces", body)) for _ in range(3)]
    with pytest.raises(BusyError):
        ingest.submit(Job("traces", body))
    threading.Timer(0.2, held.set).start()
    ingest.stop()

    assert [answer.done() for answer in answers] == [True] * 3


@pytest.mark.parametrize(("together", "stored"), [(1, [1, 1, 1, 1]), (2, [1, 2, 1]), (3, [1, 3])])
def test_only_so_much_is_stored_in_one_transaction(tmp_path, monkeypatch, together, stored):
    """Readers would find nothing new, and senders wait, for long."""
    body, write, sizes = traces(call()), Store.write, []
    begun, held = threading.Event(), threading.Event()
    monkeypatch.setattr(ingesting, "_MOST_AT_ONCE", (together - 1) * len(body) + 1)

    def writing(store, calls, spans):
        begun.set()
        held.wait(20)
        sizes.append(len(calls))
        return write(store, calls, spans)

    monkeypatch.setattr(Store, "write", writing)
    ingest = Ingest(Store(tmp_path / "x.db"), Pricer())
    first = ingest.submit(Job("traces", body))
    begun.wait(20)
    answers = [ingest.submit(Job("traces", traces(call()))) for _ in range(3)]
    held.set()
    for answer in (first, *answers):
        answer.result(20)
    ingest.stop()

    assert sizes == stored


def test_old_calls_are_dropped_at_the_start_but_requests_come_first(tmp_path, monkeypatch):
    made, answers, answered = threading.Event(), [], []

    def drop_old(_store, keep):
        assert keep == Keep(5, 5)
        made.wait(20)
        if not answers:
            answers.append(ingest.submit(Job("traces", traces(call()))))
        answered.append(answers[0].done())
        return len(answered) < 3

    monkeypatch.setattr(Store, "drop_old", drop_old)
    ingest = Ingest(Store(tmp_path / "x.db"), Pricer(), Keep(5, 5))
    made.set()
    end = time.monotonic() + 20
    while len(answered) < 3 and time.monotonic() < end:
        time.sleep(0.01)
    ingest.stop()

    assert answered == [False, True, True]


def test_what_is_stored_waits_no_longer(tmp_path, monkeypatch):
    body = traces(call())
    monkeypatch.setattr(ingesting, "_MOST_WAITING", 3 * len(body))
    ingest = Ingest(Store(tmp_path / "x.db"), Pricer())
    for _ in range(20):
        ingest.submit(Job("traces", body)).result(20)
    ingest.stop()

    assert ingest.counts["busy"] == 0


def test_requests_that_wait_share_a_transaction_and_bad_ones_harm_no_other(tmp_path):
    ingest = Ingest(Store(tmp_path / "x.db"), Pricer())
    answers = [ingest.submit(Job("traces", traces(call()) if number % 3 else b"\xff")) for number in range(60)]
    results = [answer.exception(20) for answer in answers]
    ingest.stop()

    assert sum(isinstance(each, BadRequestError) for each in results) == 20
    assert ingest.counts["calls"] == 40


def test_one_that_no_file_can_hold_harms_none_that_are_stored_with_it(tmp_path, monkeypatch):
    ingest, held, write = Ingest(Store(tmp_path / "x.db"), Pricer()), threading.Event(), Store.write

    def writing(store, calls, spans):
        held.wait(20)  # the others come meanwhile: they are written together
        if any(each.dims.model == "too much" for each in calls):
            raise TooMuchError("too much")
        return write(store, calls, spans)

    monkeypatch.setattr(Store, "write", writing)
    said = [{}, {}, {"gen_ai.request.model": "too much", "gen_ai.response.model": "too much"}, {}]
    answers = [ingest.submit(Job("traces", traces(span(CHAT | each)))) for each in said]
    held.set()
    results = [type(answer.exception(20)) for answer in answers]
    ingest.stop()

    assert results == [type(None), type(None), BadRequestError, type(None)]
    assert (ingest.counts["calls"], ingest.counts["bad requests"]) == (3, 1)


def test_many_senders_at_once_lose_nothing(tmp_path):
    made = Ledger(tmp_path / "x.db")
    bodies = [
        traces(*(span_of(each) for each in realistic_calls(50, days=1, seed=seed, until=NOON / 1e9)))
        for seed in range(8)
    ]
    threads = [threading.Thread(target=made.send, args=(body,)) for body in bodies * 2]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    made.close()

    assert made.report().total.calls == 400


def test_a_gzip_bomb_is_never_unpacked_whole():
    packed = ingesting.zlib.compress(bytes(ingesting.MOST_BYTES + 1), 9)
    with pytest.raises(TooLargeError):
        ingesting.unpack(packed, "deflate")


def test_a_request_is_too_large_also_where_it_is_no_bomb_and_none_is_a_bomb_below_a_megabyte(monkeypatch):
    packed = ingesting.zlib.compress(bytes(2**20), 9)  # to a thousandth
    assert len(ingesting.unpack(packed, "deflate")) == 2**20
    monkeypatch.setattr(ingesting, "MOST_BYTES", 2**20 - 1)
    with pytest.raises(TooLargeError):
        ingesting.unpack(packed, "deflate")


@pytest.mark.parametrize(
    "said",
    [
        "attempt to write a readonly database",
        "Read-only file system",
        "unable to open database file",
        "disk I/O error",
        "database is locked",
        "odd",
    ],
)
def test_a_failure_of_the_file_says_what_to_do(tmp_path, said):
    told = str(explain(OSError(said), tmp_path / "x.db"))

    assert str(tmp_path) in told
    assert "\n" not in told


@pytest.fixture
def lying_still(tmp_path):
    """A ledger on a disk where SQLite can make no files of its own: something is where they would be."""
    store = Store(tmp_path / "x.db")
    store.write(list(realistic_calls(10, days=1)))
    store.close()
    (tmp_path / "x.db-shm").symlink_to(tmp_path / "none" / "none")
    return store.path


def test_a_ledger_is_read_where_nothing_can_be_written(lying_still):
    with SqliteBook(lying_still) as book:
        assert book.ask(Question())[0].sums.calls == 10


def test_a_ledger_is_read_in_a_folder_where_one_may_not_write(tmp_path, monkeypatch):
    """There SQLite does not say that it cannot open its files, but that it may not write them; root always may."""
    store = Store(tmp_path / "x.db")
    store.write(list(realistic_calls(10, days=1)))
    store.close()
    connected = schema._connected

    def connect(path, how):
        if how == "mode=ro":
            raise sqlite3.OperationalError("attempt to write a readonly database")
        return connected(path, how)

    monkeypatch.setattr(schema, "_connected", connect)
    with SqliteBook(store.path) as book:
        assert book.ask(Question())[0].sums.calls == 10


def test_a_ledger_that_another_program_holds_is_not_read_behind_its_back(tmp_path, monkeypatch):
    monkeypatch.setattr("costspan.ledger.schema._BUSY_MS", 1)
    Store(tmp_path / "x.db").close()
    with contextlib.closing(sqlite3.connect(tmp_path / "x.db", isolation_level=None)) as holder:
        holder.execute("PRAGMA locking_mode=EXCLUSIVE")
        holder.execute("BEGIN EXCLUSIVE")
        with pytest.raises(LedgerError, match="in use by another process"):
            SqliteBook(tmp_path / "x.db")


def test_calls_that_are_not_yet_in_a_file_that_cannot_be_written_are_not_left_out_without_a_word(lying_still):
    lying_still.with_name("x.db-wal").write_bytes(b"some")
    with pytest.raises(LedgerError, match=r"x\.db-wal holds some of its calls: copy both"):
        SqliteBook(lying_still)


def test_a_ledger_where_none_can_be_made_is_refused(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(LedgerError):
        open_store(tmp_path / "file" / "x.db")
    with pytest.raises(LedgerError):
        lock(tmp_path / "file" / "x.db")
    with pytest.raises(LedgerError, match="no ledger"):
        open_store(tmp_path / "none.db", create=False)


def test_folders_that_are_not_there_yet_are_made_for_a_ledger(tmp_path):
    with lock(tmp_path / "of" / "ours" / "x.db"):
        assert (tmp_path / "of" / "ours").is_dir()


def test_the_default_ledger_is_in_the_users_data_directory(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))
    monkeypatch.setattr("costspan.ledger.schema.sys.platform", "linux")
    with pytest.raises(LedgerError, match=str(tmp_path / "costspan" / "ledger.db")):
        open_ledger()
    for platform, part in (("darwin", "Application Support"), ("win32", "costspan")):
        monkeypatch.setattr("costspan.ledger.schema.sys.platform", platform)
        with pytest.raises(LedgerError, match=part):
            open_ledger(os.environ.get("NONE", ""))


class Discounted(Pricer):
    def price(self, usage, **_):
        return Price(PriceStatus.PARTIAL, 10**12, {"input": 10**12}, list_femto=2 * 10**12, reason="no rate for audio")


def test_a_call_priced_here_keeps_its_list_price_and_why_it_is_partial(tmp_path):
    ingest = Ingest(Store(tmp_path / "x.db"), Discounted())
    bare = {name: value for name, value in CHAT.items() if "cost" not in name}
    free = bare | {"costspan.price.status": "free"}
    refused = {name: value for name, value in bare.items() if "usage" not in name} | {"error.type": "RateLimit"}
    ingest.submit(Job("traces", traces(span(bare), span(free), span(refused)))).result(20)
    ingest.stop()
    with SqliteBook(tmp_path / "x.db") as book:
        calls = {call.dims["status"]: call for call in book.list_calls(Question())}

    assert (calls["partial"].cost, calls["partial"].discount, calls["partial"].extra["reason"]) == (
        10**9,
        10**9,
        "no rate for audio",
    )
    assert calls["free"].cost == 0


def test_an_event_after_a_restart_is_still_the_call_of_its_span(tmp_path):
    one = span()
    first = Ledger(tmp_path / "x.db")
    first.send(logs(event(at=NOON + 3600 * 10**9, trace_id=one["trace_id"], span_id=one["span_id"])), "logs")
    first.close()
    second = Ledger(tmp_path / "x.db")
    second.send(traces(one))
    second.close()

    assert second.report().total.calls == 1

"""A disk that is full: nothing is acknowledged that is not stored, and what is sent again is stored once."""

from __future__ import annotations

import pytest
from ledger_served import Ledger, fetch
from ledger_spans import NOON, SECOND, event, logs, span, traces

from costspan.ledger.schema import LedgerError
from costspan.ledger.server import start

PROTOBUF = {"content-type": "application/x-protobuf"}


def _limit(ingest, pages):
    """As a full disk: SQLite fails to write in the same way at a largest size. 0 lifts it."""
    connection = ingest._store._connection
    connection.execute(f"PRAGMA max_page_count={pages or 2**30}")


def test_a_full_disk_is_told_to_the_sender_who_may_send_again(tmp_path):
    body = traces(*(span() for _ in range(2000)))
    with start(tmp_path / "ledger.db", port=0) as running:
        _limit(running.ingest, 1)
        refused, why = fetch(f"{running.url}/v1/traces", body, PROTOBUF)
        _limit(running.ingest, 0)
        taken, _ = fetch(f"{running.url}/v1/traces", body, PROTOBUF)

    assert refused == 503  # OTLP exporters try again after this one
    assert b"full: free some space; nothing acknowledged is lost" in why
    assert taken == 200


def test_after_a_full_disk_the_span_and_the_event_of_a_call_still_count_once(tmp_path):
    ledger = Ledger(tmp_path / "ledger.db")
    one = span(at=NOON - SECOND)
    ledger.send(logs(event(at=NOON + SECOND, trace_id=one["trace_id"], span_id=one["span_id"])), "logs")
    _limit(ledger.ingest, 1)
    with pytest.raises(LedgerError, match="is full"):
        ledger.send(traces(*(span() for _ in range(2000))))
    _limit(ledger.ingest, 0)
    ledger.send(traces(one))  # it began in the hour before

    assert ledger.report().total.calls == 1
    ledger.close()


def test_what_did_not_fit_is_not_half_there(tmp_path):
    ledger = Ledger(tmp_path / "ledger.db")
    body = traces(*(span() for _ in range(2000)))
    ledger.send(traces(span()))
    _limit(ledger.ingest, 1)
    with pytest.raises(LedgerError, match="is full"):
        ledger.send(body)
    before = ledger.report().total.calls
    _limit(ledger.ingest, 0)
    ledger.send(body)

    assert before == 1
    assert ledger.report().total.calls == 2001
    ledger.close()

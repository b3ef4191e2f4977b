"""SQL only with parameters: read from the source, and tried with names and values that are SQL themselves."""

from __future__ import annotations

import ast
import re
import sqlite3
from datetime import timezone
from pathlib import Path
from urllib.parse import quote

import pytest
from ledger.ledger_served import Served
from ledger.ledger_spans import CHAT, span, traces

from costspan.ledger import reader as reading
from costspan.ledger.book import open_ledger
from costspan.ledger.question import NAMES, Filter, Question, QuestionError, parse_by, parse_where
from costspan.ledger.sql import compile_filter

SRC = Path(__file__).parents[2] / "src" / "costspan"
SQL = re.compile(r"\b(SELECT|INSERT INTO|DELETE FROM|UPDATE \w+ SET|WHERE|JOIN|GROUP BY|CREATE TABLE|PRAGMA)\b")
HOSTILE = ("x' OR '1'='1", 'x"); DROP TABLE calls; --', "%", "_", "\\", "a*b'", "\x00", '$."x"\')')

# what may stand in a text of SQL besides constants (names in capitals): made of our own names and numbers, never of
# what somebody sent. A new one is looked at, and named here.
OURS = {
    "clickhouse.py": {
        "named", "rows", "where", "sums", "dims", "table", "time", "limit", "ORDERS[order]", "share", "found",
        "', '.join(CALL_COLUMNS)", "' AND '.join(where)",
    },
    "clickhouse_schema.py": None,  # makes one constant script of the list of attribute names; takes nothing
    "listing.py": {
        "column", "source", "table", "where", "hours", "limit", "limit + 1", "limit + 2", "ORDERS[order]", "share",
        "within", "', '.join(CALL_COLUMNS)", "' AND '.join(where)",
    },
    "maintenance.py": {
        "table", "left", "right", "stored", "within", "recomputed",
        "', '.join((f'sum({name})' for name in Measures._fields))",
    },
    "reader.py": {"time", "sums", "table", "where", "number", "named", "rows", "dims"},
    "rows.py": {"', '.join(PLAIN)", "', '.join(('cost_' + name for name in COSTED))", "', '.join(Dims._fields)"},
    "schema.py": {"number"},
    "sql.py": {"shown", "grouped", "group", "' AND '.join(conditions)", "', '.join([*time, *numbers])"},
    "store.py": {"where", "names", "places"},
}  # fmt: skip


def statements(tree):
    """Texts that are SQL and are put together of pieces."""
    for node in ast.walk(tree):
        if isinstance(node, ast.JoinedStr):
            text = "".join(str(each.value) for each in node.values if isinstance(each, ast.Constant))
            if SQL.search(text):
                yield node, [each.value for each in node.values if isinstance(each, ast.FormattedValue)]
        elif isinstance(node, ast.BinOp) and isinstance(node.op, ast.Mod) and is_sql(node.left):
            yield node, [node.right]
        elif isinstance(node, ast.Call) and getattr(node.func, "attr", "") == "format" and is_sql(node.func.value):
            yield node, [*node.args, *(each.value for each in node.keywords)]


def is_sql(node):
    return isinstance(node, ast.Constant) and isinstance(node.value, str) and bool(SQL.search(node.value))


def is_constant(node):
    if isinstance(node, (ast.BinOp, ast.Call)):
        return all(is_constant(each) for each in ast.iter_child_nodes(node) if not isinstance(each, ast.operator))
    return isinstance(node, ast.Constant) or (isinstance(node, ast.Name) and node.id.isupper())


def test_no_value_is_written_into_a_statement():
    found = {
        (path.name, ast.unparse(piece))
        for path in SRC.rglob("*.py")
        if OURS.get(path.name, ()) is not None
        for _, pieces in statements(ast.parse(path.read_text(encoding="utf-8")))
        for piece in pieces
        if not is_constant(piece)
    }

    assert found <= {(file, piece) for file, pieces in OURS.items() for piece in pieces or ()}


@pytest.mark.parametrize("value", HOSTILE)
@pytest.mark.parametrize("name", [*NAMES, "tag.plan"])
def test_a_value_is_bound_whatever_it_is(name, value):
    sql, parameters = compile_filter(Filter(name, (value, "plain")), reading.SqliteSource())

    assert sql.count("?") == len(parameters) == 2
    assert value not in sql or value in "%_\\"  # those are of the statement itself


@pytest.mark.parametrize("name", ["model; DROP TABLE calls", "tag.x\"'", "tag.", "tag." + "x" * 101, "1=1 OR team", ""])
def test_a_name_that_is_not_one_is_refused(name):
    with pytest.raises(QuestionError):
        Question(by=(name,))
    with pytest.raises(QuestionError):
        parse_where([f"{name}=x"])


def test_hostile_text_is_kept_found_and_does_nothing(tmp_path):
    """In every place where text is sent, and in every place where it is asked for, over the API too."""
    made = Served(tmp_path / "ledger.db")
    for text in HOSTILE:
        said = {"costspan.team": text, "user.id": text, "costspan.tag.plan": text, "gen_ai.request.model": text}
        made.send(traces(span(CHAT | said | {"gen_ai.response.model": text}, name=text), service=text or "x"))
    made.send(traces(span(CHAT | {"costspan.tag.x\"'); DROP TABLE calls; --": "v"})))
    before = made.report().total.calls

    for text in HOSTILE:
        for name in ("team", "user", "model", "tag.plan", "service"):
            status, said = made.get(f"/api/usage?{name}={quote(text)}&group_by={name}")
            assert status == 200
            assert (name, text, said["total"]["calls"]) == (name, text, expected(text))
        for path in ("/api/traces/", "/api/prices/", "/api/usage?group_by=", "/api/calls?order=", "/api/usage?tz="):
            assert made.get(path + quote(text, safe=""))[0] in (400, 404)
    assert made.report().total.calls == before == len(HOSTILE) + 1
    made.close()


def expected(text):
    """A `*` stands for any text; control characters are not kept in names."""
    return {"\x00": 0}.get(text, 1)


def test_what_reads_cannot_write(tmp_path):
    Served(tmp_path / "ledger.db").close()

    with open_ledger(str(tmp_path / "ledger.db")) as book, pytest.raises(sqlite3.OperationalError, match="readonly"):
        book.connection.execute("DELETE FROM days")


def test_a_time_zone_is_a_name_and_no_path():
    from costspan.ledger.question import parse_zone  # noqa: PLC0415 beside its one use

    assert parse_zone("utc") is timezone.utc
    for name in ("../../etc/passwd", "/etc/localtime", "", "."):
        with pytest.raises(QuestionError):
            parse_zone(name)
    assert parse_by("day,model") == ("day", "model")

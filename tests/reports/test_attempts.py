"""Retries, repeated prompts and missing limits are found in the calls themselves, and each is told with its amount."""

from __future__ import annotations

import itertools
import json
from decimal import Decimal

import pytest
from click.testing import CliRunner
from ledger.ledger_served import Ledger
from ledger.ledger_spans import CHAT, NOON, SECOND, span, traces

from costspan.cli.commands import costspan as command
from costspan.ledger.book import SqliteBook
from costspan.ledger.question import Question
from costspan.reports.advise import advise
from costspan.reports.attempts import LOOKED_AT, tried_again

FAILED = {
    "gen_ai.operation.name": "chat",
    "gen_ai.provider.name": "openai",
    "gen_ai.request.model": "gpt-4o",
    "error.type": "RateLimitError",
}
TIMEOUT = FAILED | {"error.type": "Timeout", "gen_ai.usage.cost.amount": 0.02}


@pytest.fixture
def ask(tmp_path):
    """`ask(*spans)`: a book with these."""
    numbers = itertools.count()

    def made(*spans):
        path = tmp_path / f"{next(numbers)}.db"
        ledger = Ledger(path)
        ledger.send(traces(*spans))
        ledger.close()
        return SqliteBook(path)

    return made


def at(seconds, attributes, *, trace=1, **more):
    return span(attributes, at=NOON + int(seconds * SECOND), trace_id=bytes([trace]) * 16, **more)


SAME = CHAT | {"costspan.prompt_hash": "cd"}


def found(book):
    with book:
        return tried_again(book.list_calls(Question(), "latest", LOOKED_AT))


def test_a_call_soon_after_a_failed_one_of_its_trace_and_model_is_a_retry(ask):
    [row] = found(ask(at(0, TIMEOUT), at(3, CHAT)))

    assert row.as_dict() == {
        "provider": "openai", "model": "gpt-4o", "error": "Timeout", "calls": 1, "cost": "0.02",
        "again_cost": "0.0045", "succeeded": 1,
    }  # fmt: skip


def test_each_attempt_answers_for_the_one_before_it(ask):
    [row] = found(ask(at(0, FAILED), at(2, FAILED), at(5, FAILED), at(9, CHAT)))

    assert (row.calls, row.succeeded, row.cost) == (3, 1, 0)


def test_a_call_is_tried_again_once_and_the_most_frequent_errors_come_first(ask):
    once, twice = [at(0, FAILED), at(2, CHAT), at(4, CHAT)], [at(0, TIMEOUT, trace=2), at(2, TIMEOUT, trace=2)]

    rows = found(ask(*once, *twice, at(62, CHAT, trace=2) | {"start_time_unix_nano": NOON + 63 * SECOND}))
    assert [(row.error, row.calls) for row in rows] == [("Timeout", 2), ("RateLimitError", 1)]


@pytest.mark.parametrize(
    "later",
    [
        at(3, SAME, trace=2),
        at(75, SAME),
        at(0.5, SAME),
        at(3, SAME | {"gen_ai.provider.name": "anthropic"}),
        at(3, SAME | {"gen_ai.request.model": "o3", "gen_ai.response.model": "o3"}),
        at(3, SAME | {"gen_ai.operation.name": "text_completion"}),
        at(3, CHAT | {"costspan.prompt_hash": "ab"}),
    ],
    ids=["trace", "much later", "meanwhile", "provider", "model", "operation", "prompt"],
)
def test_what_only_looks_like_a_retry_is_none(ask, later):
    assert found(ask(at(0, FAILED | {"costspan.prompt_hash": "cd"}), later)) == []


def test_the_same_call_of_another_service_is_no_retry(ask, tmp_path):
    failed = FAILED | {"costspan.prompt_hash": "cd"}
    ledger = Ledger(tmp_path / "two.db")
    for service, each in (("shop", at(0, failed)), ("desk", at(3, SAME))):
        ledger.send(traces(each, service=service))
    ledger.close()

    assert found(SqliteBook(ledger.path)) == []
    assert len(found(ask(at(0, failed), at(3, SAME)))) == 1


def test_a_call_in_no_trace_with_the_failed_one_is_not_known_to_be_a_retry(ask):
    assert found(ask(span(FAILED), span(CHAT, at=NOON + 3 * SECOND))) == []


def lines(book):
    with book:
        return {line.kind: line for line in advise(book, Question())}


def test_errors_tell_how_many_were_tried_again(ask):
    line = lines(ask(at(0, TIMEOUT), at(3, CHAT)))["errors that cost"]

    assert line.usd == Decimal("0.02")
    assert "errors that cost" in lines(ask(at(0, TIMEOUT | {"gen_ai.usage.cost.amount": 0.01})))
    assert line.basis.endswith("1 tried one again, for 0.0045 USD")


def test_repeated_prompts_are_told_with_what_the_repeats_cost(ask):
    same = CHAT | {"costspan.prompt_hash": "00ff00ff00ff00ff", "gen_ai.usage.cost.amount": 0.05}
    failed = same | {"error.type": "Timeout", "gen_ai.usage.cost.amount": 9.0}
    line = lines(ask(span(failed), *(span(same) for _ in range(4)), span(CHAT), span(CHAT)))["repeated prompts"]

    assert (line.calls, line.usd, line.sure) == (3, Decimal("0.15"), "at most")
    assert line.where == {"provider": "openai", "model": "gpt-4o-2024-08-06"}


def answers(limit=None):
    """Thirty answers of 100 tokens for 1 cent of output, and two of 2,100 for 21 cents."""
    for tokens in [100] * 30 + [2100] * 2:
        yield answer(tokens, **({"gen_ai.request.max_tokens": limit} if limit else {}))


def answer(tokens, **more):
    usd = tokens / 10_000
    said = CHAT | {"gen_ai.usage.output_tokens": tokens, "gen_ai.usage.cost.amount": usd}
    return span(said | {"costspan.cost.input": 0.0, "costspan.cost.output": usd} | more)


def test_where_no_call_limits_its_output_the_longest_tenth_is_told(ask):
    line = lines(ask(*answers()))["output limits"]

    assert (line.calls, line.usd) == (2, Decimal("0.4"))
    assert "100 tokens or less" in line.basis


def test_where_calls_limit_their_output_or_are_few_there_is_nothing_to_tell(ask):
    assert "output limits" not in lines(ask(*answers(limit=4000)))
    steps = [answer(100 * number) for number in range(1, 21)]
    assert "output limits" not in lines(ask(*steps[1:]))
    told = lines(ask(*steps))["output limits"]
    assert (told.calls, told.usd) == (1, Decimal("0.01"))  # of 2,000 tokens, 100 beyond those of the last but one


def test_the_command_tells_them_too(ask):
    book = ask(*answers())
    book.close()
    said = CliRunner().invoke(command, ["advise", "--db", str(book.path), "--since", "all", "--json"])

    assert "output limits" in {line["kind"] for line in json.loads(said.output)}

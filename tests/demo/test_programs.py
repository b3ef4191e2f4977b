"""The demo's provider, its sample program, and its earlier days."""

from __future__ import annotations

from datetime import date, datetime, timedelta, timezone

import openai
import pytest

from costspan.demo import program
from costspan.demo.history import send_history
from costspan.demo.running import HISTORY, wait_for_calls
from costspan.ledger.book import open_ledger
from costspan.ledger.question import Question
from costspan.reports.usage import read_usage


@pytest.fixture
def client(environ):
    with openai.OpenAI() as client:
        yield client


async def test_the_program_works_through_its_day_without_costspan(environ, provider, capsys):
    await program.main()

    said = capsys.readouterr().out
    assert said.count("\n") == 4
    assert "one error (model_not_found)" in said
    assert (provider.answered, provider.refused) == (59, 5)


def test_a_long_prompt_that_was_sent_before_is_read_from_the_cache(client):
    usages = [
        client.chat.completions.create(model="gpt-4o", messages=program._ask(program.HANDBOOK, "Hi")).usage
        for _ in range(2)
    ]

    assert [usage.prompt_tokens_details.cached_tokens for usage in usages] == [0, 1536]
    assert usages[1].prompt_tokens > 1536


def test_a_short_prompt_is_never_cached(client):
    usages = [
        client.chat.completions.create(model="gpt-4o", messages=program._ask("Be brief.", "Hi")).usage for _ in range(2)
    ]

    assert [usage.prompt_tokens_details.cached_tokens for usage in usages] == [0, 0]


@pytest.mark.parametrize("asked", [True, False])
def test_a_stream_tells_its_usage_if_asked(client, asked):
    stream = client.chat.completions.create(
        model="gpt-4o", messages=program._ask("", "Hi"), stream=True, stream_options={"include_usage": asked}
    )

    assert bool(list(stream)[-1].usage) is asked


def test_every_eleventh_request_is_refused_once(client, provider):
    for _ in range(11):
        client.embeddings.create(model="text-embedding-3-small", input=["bell"])

    assert (provider.answered, provider.refused) == (11, 1)


def test_the_history_is_priced_on_its_own_days_and_the_same_every_time(environ, ledger):
    first, again = list(send_history(3)), list(send_history(3))
    wait_for_calls(ledger.db, HISTORY, sum(first) + sum(again))

    with open_ledger(str(ledger.db)) as reader:
        report = read_usage(reader, Question(by=("day", "team")))
    today = datetime.now(timezone.utc).date()
    assert first == again
    assert {date.fromisoformat(row.day) for row in report.rows} == {today - timedelta(days=ago) for ago in (1, 2, 3)}
    assert {row.team for row in report.rows} == {"support", "search", "planning"}
    assert report.total.cost > 0
    assert report.total.unpriced_calls == 0

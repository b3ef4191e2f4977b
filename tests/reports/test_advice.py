"""What could be saved: each piece of advice where it holds, with its sum, and none where it does not."""

from __future__ import annotations

import itertools
from decimal import Decimal

import pytest
from ledger.ledger_served import Ledger
from ledger.ledger_spans import span, traces

from costspan.ledger.book import SqliteBook
from costspan.ledger.question import Question
from costspan.reports.advise import advise


@pytest.fixture
def advice(tmp_path):
    """`advice(kind, attributes, …)`: (dollars, calls) of each piece of that kind, over these calls."""

    numbers = itertools.count()

    def ask(kind, *calls):
        made = Ledger(tmp_path / f"{next(numbers)}.db")
        made.send(traces(*(span({"gen_ai.operation.name": "chat"} | each) for each in calls)))
        made.close()
        with SqliteBook(made.path) as book:
            return [(each.usd, each.calls) for each in advise(book, Question()) if each.kind == kind]

    return ask


def claude(*, fresh, write, read):
    """Prices of claude-sonnet-4-5 on 2026-11-21: 3, 3.75 (five minutes) and 0.3 dollars per million."""
    return {
        "gen_ai.provider.name": "anthropic",
        "gen_ai.response.model": "claude-sonnet-4-5",
        "gen_ai.usage.input_tokens": fresh + write + read,
        "gen_ai.usage.cache_write.input_tokens": write,
        "gen_ai.usage.cache_read.input_tokens": read,
        "gen_ai.usage.output_tokens": 100,
    }


def test_a_cache_that_is_written_and_not_read_costs_its_premium(advice):
    [(usd, calls)] = advice("caches written, not read", *[claude(fresh=1000, write=100_000, read=0)] * 2)

    assert (usd, calls) == (Decimal("0.15"), 2)


def test_what_was_read_of_a_cache_is_taken_off_what_writing_it_cost(advice):
    assert advice("caches written, not read", claude(fresh=1000, write=100_000, read=10_000)) == [(Decimal("0.048"), 1)]


def test_a_cache_that_is_read_enough_has_paid_for_itself(advice):
    assert advice("caches written, not read", claude(fresh=1000, write=100_000, read=100_000)) == []


@pytest.mark.parametrize(("tokens", "calls", "told"), [(100_000, 1, "0.0625"), (1024, 100, "0.064"), (1023, 100, None)])
def test_a_cache_may_save_half_of_its_discount_where_calls_are_long_enough(advice, tokens, calls, told):
    """gpt-4o is 2.50 dollars a million, 1.25 from the cache."""
    said = {"gen_ai.provider.name": "openai", "gen_ai.response.model": "gpt-4o", "gen_ai.usage.input_tokens": tokens}

    assert advice("prompt caching", *[said] * calls) == ([(Decimal(told), calls)] if told else [])


def test_where_a_fifth_is_read_from_the_cache_there_is_no_advice_to_have_one(advice):
    assert advice("prompt caching", claude(fresh=80_000, write=0, read=20_000)) == []
    assert len(advice("prompt caching", claude(fresh=80_010, write=0, read=19_990))) == 1


def long(tokens):
    return {
        "gen_ai.provider.name": "gcp.gemini",
        "gen_ai.response.model": "gemini-2.5-pro",
        "gen_ai.usage.input_tokens": tokens,
        "gen_ai.usage.output_tokens": 1000,
    }


def test_inputs_past_a_price_tier_are_compared_with_the_same_in_shorter_calls(advice):
    """300,000 tokens at 2.50 and 1,000 at 15 a million, against twice the half at 1.25 and 10."""
    [(usd, calls)] = advice("long contexts", long(300_000))

    assert (usd, calls) == (Decimal("0.38"), 1)


def test_a_context_that_is_long_but_not_dearer_is_no_advice(advice):
    flat = {"gen_ai.provider.name": "openai", "gen_ai.response.model": "gpt-4.1"}

    assert advice("long contexts", long(300_000) | flat) == []
    assert advice("long contexts", long(100_000)) == []


def test_a_model_tuned_for_something_else_is_no_advice(advice):
    counts = long(100_000) | {"gen_ai.provider.name": "openai"}
    tuned = counts | {"gen_ai.response.model": "ft:gpt-4o-mini-2024-07-18:acme:tickets:9x"}
    asked = counts | {"gen_ai.response.model": "gpt-4o"}

    assert advice("another model", asked, tuned) == []
    assert len(advice("another model", asked, tuned, counts | {"gen_ai.response.model": "gpt-4o-mini"})) == 2


def test_the_cheapest_of_the_other_models_is_named_and_none_for_calls_without_an_answer(advice):
    """Of 100,000 tokens and 1,000: gpt-4o 0.26 dollars, gpt-4o-mini 0.0156, gpt-4.1-nano 0.0104."""
    counts = long(100_000) | {"gen_ai.provider.name": "openai"}
    models = [counts | {"gen_ai.response.model": model} for model in ("gpt-4o", "gpt-4o-mini", "gpt-4.1-nano")]

    assert advice("another model", *models) == [(Decimal("0.2496"), 1)]
    assert advice("another model", *(each | {"gen_ai.usage.output_tokens": 0} for each in models)) == []


def test_work_that_nobody_waits_for_is_one_line_for_a_model_whoever_caused_it(advice):
    """text-embedding-3-small is 0.02 dollars a million, gpt-4o 2.50 for input: in a batch, half of it."""
    embedded = {
        "gen_ai.operation.name": "embeddings",
        "gen_ai.provider.name": "openai",
        "gen_ai.response.model": "text-embedding-3-small",
        "gen_ai.usage.input_tokens": 500_000,
    }
    chat = embedded | {"gen_ai.operation.name": "chat", "gen_ai.response.model": "gpt-4o"}
    users = [embedded, embedded, *(embedded | {"user.id": f"user-{number}"} for number in range(2))]

    assert advice("batches", *users, chat, chat | {"user.id": "ann"}) == [
        (Decimal("0.625"), 1),
        (Decimal("0.02"), 4),
    ]


SEARCHES = {
    "gen_ai.provider.name": "openai",
    "gen_ai.response.model": "gpt-4o",
    "gen_ai.usage.input_tokens": 100_000,
    "gen_ai.usage.output_tokens": 1000,
    "costspan.usage.web_searches": 50,
}


def test_the_fees_of_tools_are_not_saved_by_another_model(advice):
    """100,000 tokens at 2.50 and 1,000 at 10 dollars per million, against 2 and 8."""
    other = SEARCHES | {"gen_ai.response.model": "gpt-4.1", "costspan.usage.web_searches": 0}

    assert advice("another model", SEARCHES, other) == [(Decimal("0.052"), 1)]


def test_the_fees_of_tools_are_not_saved_by_batches(advice):
    assert advice("batches", SEARCHES) == [(Decimal("0.13"), 1)]


def test_a_cost_that_nobody_broke_down_is_compared_as_a_whole(advice):
    told = SEARCHES | {"costspan.usage.web_searches": 0, "gen_ai.usage.cost.amount": 0.26}

    assert advice("batches", told) == [(Decimal("0.13"), 1)]


def test_what_has_no_tokens_is_no_work_for_batches(advice):
    pictures = {
        "gen_ai.operation.name": "image_generation",
        "gen_ai.provider.name": "openai",
        "gen_ai.response.model": "dall-e-3",
        "costspan.usage.images": 100,
        "costspan.terms.size": "1024x1024",
    }

    assert advice("batches", pictures) == []


def test_a_provider_without_a_batch_interface_is_no_advice(advice):
    dear = {"gen_ai.provider.name": "perplexity", "gen_ai.response.model": "sonar", "gen_ai.usage.cost.amount": 1}

    assert advice("batches", SEARCHES | dear) == []

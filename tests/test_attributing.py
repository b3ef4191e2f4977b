"""Who pays: on every span, on metrics only what is bounded."""

import asyncio
import enum
import threading

import openai
import pytest
from opentelemetry import baggage
from opentelemetry import context as otel
from telling import QUESTION

import costspan
from costspan.attributing import clean, from_baggage
from costspan.guard import FAILURES


class Plan(enum.Enum):
    GOLD = "gold"


def payers_of(span):
    named = ("user.id", "session.id", "gen_ai.conversation.id")
    return {
        key: value
        for key, value in span.attributes.items()
        if key in named or key.startswith(("costspan.team", "costspan.feature", "costspan.tag"))
    }


def test_every_key_goes_onto_the_span_under_its_own_name(telling):
    program = telling()
    with costspan.attribution(
        user="alice", session="s1", conversation="c1", team="search", feature="chat", plan=Plan.GOLD
    ):
        program.ask()
    assert payers_of(program.spans[0]) == {
        "user.id": "alice",
        "session.id": "s1",
        "gen_ai.conversation.id": "c1",
        "costspan.team": "search",
        "costspan.feature": "chat",
        "costspan.tag.plan": "gold",
    }


def test_an_inner_block_inherits_what_it_does_not_say_and_ends_with_itself(telling):
    program = telling()
    with costspan.attribution(team="search", user="alice"):
        with costspan.attribution(user="bob"):
            program.ask()
        program.ask()
    program.ask()
    assert [payers_of(each) for each in program.spans] == [
        {"costspan.team": "search", "user.id": "bob"},
        {"costspan.team": "search", "user.id": "alice"},
        {},
    ]


def test_a_stream_belongs_to_who_began_it(telling):
    program = telling()
    with costspan.attribution(user="alice"):
        stream = program.ask(stream=True)
    with costspan.attribution(user="bob"):
        list(stream)
    assert payers_of(program.spans[0]) == {"user.id": "alice"}


async def test_tasks_inherit_and_do_not_mix(telling):
    program = telling()

    async def ask(client, user):
        async with costspan.attribution(user=user):
            await asyncio.sleep(0)
            await client.chat.completions.create(model="gpt-4o-mini", messages=QUESTION)

    async with openai.AsyncOpenAI(**program.where) as client:
        with costspan.attribution(team="search"):
            await asyncio.gather(*(ask(client, f"user-{n}") for n in range(5)))
    assert sorted(payers_of(each)["user.id"] for each in program.spans) == [f"user-{n}" for n in range(5)]
    assert {payers_of(each)["costspan.team"] for each in program.spans} == {"search"}


def test_a_thread_has_its_own_and_one_given_the_context_inherits(telling):
    program = telling()

    def run(context):
        token = otel.attach(context)
        program.ask()
        otel.detach(token)

    with costspan.attribution(user="alice"):
        inherited = threading.Thread(target=run, args=(otel.get_current(),))
        own = threading.Thread(target=program.ask)
        for each in (inherited, own):
            each.start()
            each.join()
    assert [payers_of(each) for each in program.spans] == [{"user.id": "alice"}, {}]


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (7, "7"),
        (1.5, "1.5"),
        ("x" * 10_000, "x" * 256),
        ([1, 2], "[1, 2]"),
        ({"a": 1}, "{'a': 1}"),
        ("Zoë 漢字", "Zoë 漢字"),
        ("a\x00b\nc\ud800", "abc"),
        ("  padded ", "padded"),
    ],
)
def test_any_value_becomes_a_short_printable_text(value, text):
    assert clean({"user": value}) == {"user": text}


@pytest.mark.parametrize("value", [None, "", "   ", "\x00"])
def test_a_value_that_says_nothing_is_left_out(value):
    assert clean({"user": value, "team": "search"}) == {"team": "search"}


class Unspeakable:
    def __str__(self):
        raise RuntimeError("no text")


def test_a_value_that_cannot_be_told_does_not_reach_the_program(telling):
    program = telling()
    with costspan.attribution(user=Unspeakable(), team="search"):
        program.ask()
    assert payers_of(program.spans[0]) == {"costspan.team": "search"}
    FAILURES.clear()


def test_no_more_than_32_keys_are_taken():
    assert len(clean({f"key{n}": n for n in range(1000)})) == 32


def test_the_programs_word_wins_over_the_sdks_argument_and_that_over_baggage(telling):
    program = telling(baggage="user,session,team")
    context = otel.get_current()
    for key in ("user", "session", "team", "secret"):
        context = baggage.set_baggage(f"costspan.{key}", f"{key} from upstream", context)
    token = otel.attach(context)
    with costspan.attribution(team="search"):
        program.ask(user="argument")
    otel.detach(token)
    assert payers_of(program.spans[0]) == {
        "user.id": "argument",
        "costspan.team": "search",
        "session.id": "session from upstream",
    }


def test_metadata_that_names_a_user_is_taken(telling):
    program = telling()
    program.ask(metadata={"user_id": "alice", "session_id": "s1", "note": "private"})
    assert payers_of(program.spans[0]) == {"user.id": "alice", "session.id": "s1"}


def test_baggage_is_not_trusted_unless_named(telling):
    program = telling()
    token = otel.attach(baggage.set_baggage("costspan.user", "mallory"))
    program.ask()
    otel.detach(token)
    assert payers_of(program.spans[0]) == {}


def test_hostile_baggage_is_cut_to_a_short_text():
    context = baggage.set_baggage("costspan.user", "a" * 8000 + "\r\nevil: 1")
    assert from_baggage(context, ("user", "team")) == {"user": "a" * 256}


def test_only_named_keys_go_onto_metrics(telling):
    program = telling()
    with costspan.attribution(user="alice", team="search", feature="chat", plan="gold"):
        program.ask()
    [(attributes, _)] = list(program.points("costspan.calls"))
    assert attributes["costspan.team"] == "search"
    assert attributes["costspan.feature"] == "chat"
    assert not {"user.id", "costspan.tag.plan"} & attributes.keys()


def test_values_past_the_cap_count_as_other(telling):
    program = telling(metric_attributes="user", metric_cardinality=3)
    for n in range(6):
        with costspan.attribution(user=f"u{n}"):
            program.ask()
    counts = {attributes["user.id"]: point.value for attributes, point in program.points("costspan.calls")}
    assert counts == {"u0": 1, "u1": 1, "u2": 1, "other": 3}


@pytest.mark.parametrize("kind", ["sync", "async", "generator", "async generator"])
def test_it_decorates_every_kind_of_function(telling, kind):
    program = telling()
    mark = costspan.attribution(team="search")

    @mark
    def sync():
        program.ask()

    @mark
    async def waiting():
        program.ask()

    @mark
    def generator():
        program.ask()
        yield 1

    @mark
    async def async_generator():
        program.ask()
        yield 1

    async def drain():
        return [each async for each in async_generator()]

    {
        "sync": sync,
        "async": lambda: asyncio.run(waiting()),
        "generator": lambda: list(generator()),
        "async generator": lambda: asyncio.run(drain()),
    }[kind]()
    program.ask()
    assert [payers_of(each) for each in program.spans] == [{"costspan.team": "search"}, {}]

"""The automaton gives tiktoken's very tokens; texts that would make it slow are walked as tiktoken does."""

import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from costspan.tokens import splitting
from costspan.tokens.splitting import MARK, UNUSUAL, gaps_closed, marked, marked_encoding
from costspan.tokens.vocabularies import load_encoding

pytestmark = pytest.mark.slow

NAMES = ("o200k_base", "cl100k_base", "o200k_harmony")
WORDS = "aZéßЖжΩſK'.,!/-_|<>0½\u0488─\x00\x1c\x1f\x7f😀’"
PLAIN = [*WORDS, *UNUSUAL, " ", "  ", "\n", "\r\n", "'s", "'LL", "foo", "Bar", "12", "1234", "<|endoftext|>", " " * 50]


@pytest.fixture(scope="module")
def engines():
    """The engine under test and tiktoken's own, by the encoding's name."""
    return {name: (marked_encoding(name), load_encoding(name)) for name in NAMES}


def assert_alike(engines, text):
    for quick, exact in engines.values():
        tokens = exact.encode_ordinary(text)
        assert quick.encode_ordinary(text) == tokens
        assert quick.length(text) == len(tokens)


def test_3000_hostile_texts_have_tiktokens_tokens(engines):
    chance = random.Random(5)
    texts = ["".join(chance.choices(PLAIN, k=chance.randrange(1, 40))) for _ in range(3000)]
    assert all(marked(text) for text in texts), "all of them are for the automaton"
    for text in texts:
        assert_alike(engines, text)


@settings(max_examples=300)
@given(text=st.text(max_size=200))
def test_any_unicode_has_tiktokens_tokens(engines, text):
    assert_alike(engines, text)


@pytest.mark.parametrize("text", [" " * 9000, "\t" * 9000 + "x", "a" * 9000, "Aa" * 9000, "x  y" * 9000, "\n  " * 9000])
def test_long_runs_have_tiktokens_tokens(engines, text):
    assert_alike(engines, text)


@pytest.mark.parametrize("text", ["中文", "हिन्दी", "한글", f"a{MARK}b", "\ud800 x", "hello שלום"])
def test_a_text_for_which_the_automaton_is_slow_or_wrong_is_walked(engines, text):
    assert marked(text) is None
    assert_alike(engines, text)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a  b", (f"a {MARK} b", 1)),
        ("a b\n  ", ("a b\n  ", 0)),
        ("\t\tx", (f"\t{MARK}\tx", 1)),
        ("   ” Ж", (f"  {MARK} ” Ж", 1)),
        ("\n\n x", ("\n\n x", 0)),
    ],
)
def test_a_mark_stands_before_the_last_blank_of_a_run_that_a_word_follows(text, expected):
    assert marked(text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a b\n  ", "a b\n  "),
        ("a  b\n     c  \n", f"a{MARK} b\n{MARK} c  \n"),
        ("word " * 9000, "word " * 9000),
        ("word " * 9000 + " x", "word " * 8999 + f"word{MARK} x"),
        ("a" + " " * 80 + "b", f"a{MARK} b"),
        ("a" + " " * 81 + "b", None),
        ("a \t b", None),
        ("{\n\t\ta\tb  c\n\t}\t\n", f"{{\n{MARK}\ta\tb{MARK} c\n\t}}\t\n"),
        ("a" + "\t" * 21 + "b", f"a{MARK}\tb"),
        ("a" + "\t" * 22 + "b", None),
        ("a\xa0b", None),
        ("a  世", None),
    ],
)
def test_to_count_a_mark_stands_for_all_spaces_of_a_gap_but_the_last(text, expected):
    assert gaps_closed(text) == expected


def test_as_many_spaces_as_a_gap_may_have_are_one_token(engines):
    for quick, exact in engines.values():
        assert {len(exact.encode_ordinary(" " * count)) for count in range(1, 80)} == {1}
        assert {len(exact.encode_ordinary("\t" * count)) for count in range(1, 21)} == {1}
        for count in range(1, 200):
            for blanks in (" " * count, "\t" * count):
                text = f"x{blanks}y{blanks[0]}{blanks}."
                assert quick.length(text) == len(exact.encode_ordinary(text))


def test_of_a_long_text_only_the_parts_with_unusual_characters_are_walked(engines):
    quick, exact = engines["o200k_base"]
    walked = []

    class Noting:
        def encode_ordinary(self, text):
            walked.append(text)
            return exact.encode_ordinary(text)

    prose = "The quick brown fox  jumps over the lazy dog. " * 400
    text = prose + "and says 世界 twice " + prose
    quick._walking = Noting()
    try:
        assert quick.encode_ordinary(text) == exact.encode_ordinary(text)
        assert quick.length(text) == len(exact.encode_ordinary(text))
    finally:
        quick._walking = None
    assert len(walked) == 2
    assert all("世界" in part and len(part) < 8200 for part in walked)


def test_the_walking_encoding_is_loaded_once_and_only_when_a_text_needs_it(monkeypatch):
    loaded = []
    monkeypatch.setattr(splitting, "load_encoding", lambda name: loaded.append(name) or load_encoding(name))
    encoding = marked_encoding("cl100k_base")
    assert encoding.length("hello  world") == 3
    assert not loaded
    assert encoding.length("世界") == len(encoding.encode_ordinary("世界"))
    assert loaded == ["cl100k_base"]


def test_an_encoding_that_its_publisher_splits_in_a_new_way_is_walked(monkeypatch):
    monkeypatch.setattr(splitting, "AUTOMATA", {})
    assert marked_encoding("o200k_base") is None
    assert marked_encoding("p50k_base") is None

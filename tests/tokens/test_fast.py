"""The faster engine gives tiktoken's very tokens, of any text; where it does not, it is not used."""

import random
import sys

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from costspan.tokens import fast
from costspan.tokens.bpe import BpeTokenizer
from costspan.tokens.tokenizers import Encodings
from costspan.tokens.vocabularies import load_encoding

ENGINES = ("o200k_base", "cl100k_base")
ODD = "aZé9 .,'\n\r\t/!-_中文，。あア한ß̀😀\u00a0\u2028<|>sǅʰⅧ½١\x00\x7f\ufeff\u200dกि\u3000\x1c\x85İſ"
ALPHABET = [*ODD, "  ", "\r\n", "'LL", "don’t", "<|endoftext|>", "<|im_start|>", "👨‍👩‍👧", " " * 50]


@pytest.fixture(scope="module")
def engines():
    """Both engines by encoding: splintr's and tiktoken's."""
    absent = sys.modules.pop("splintr")
    made = {name: (BpeTokenizer(fast.fast_encoding(name)), BpeTokenizer(load_encoding(name))) for name in ENGINES}
    sys.modules["splintr"] = absent
    return made


@pytest.mark.parametrize("name", ENGINES)
def test_3000_hostile_strings_have_tiktokens_tokens(engines, name):
    quick, exact = engines[name]
    chance = random.Random(5)
    for _ in range(3000):
        text = "".join(chance.choice(ALPHABET) for _ in range(chance.randrange(1, 60)))
        assert quick.encode(text) == exact.encode(text)


@pytest.mark.parametrize("name", ENGINES)
@settings(max_examples=300)
@given(text=st.text(max_size=200))
def test_any_unicode_has_tiktokens_tokens(engines, name, text):
    quick, exact = engines[name]
    assert quick.encode(text) == exact.encode(text)


@pytest.mark.parametrize("text", [" " * 300_000, "a" * 300_000, "\n" * 300_000, "hello world " * 30_000, "中" * 9000])
def test_long_texts_count_alike(engines, text):
    quick, exact = engines["o200k_base"]
    assert quick.count(text) == exact.count(text)


def test_tokens_decode_alike(engines):
    quick, exact = engines["cl100k_base"]
    tokens = exact.encode("Grüße 🜁!")
    assert quick.decode(tokens) == exact.decode(tokens) == "Grüße 🜁!"
    assert quick.decode(tokens[:4]) == exact.decode(tokens[:4])
    assert quick.pieces(tokens) == exact.pieces(tokens)
    for absent in (10**7, -1):
        with pytest.raises(KeyError):
            quick.decode([absent])


def test_lone_surrogates_count_alike(engines):
    quick, exact = engines["o200k_base"]
    assert quick.encode("\ud800 x") == exact.encode("\ud800 x")


def test_it_is_used_where_it_is_installed(engines, monkeypatch):
    monkeypatch.delitem(sys.modules, "splintr")
    assert isinstance(Encodings().get("o200k_base")._encoding, fast.FastEncoding)


def test_it_is_not_used_where_it_is_not_installed_or_has_no_such_encoding():
    assert fast.fast_encoding("o200k_base") is None
    assert fast.fast_encoding("o200k_harmony") is None


def test_an_engine_that_differs_is_not_used(monkeypatch, caplog):
    monkeypatch.delitem(sys.modules, "splintr")
    monkeypatch.setitem(fast.EXPECTED, "o200k_base", (1, 2, 3))
    assert fast.fast_encoding("o200k_base") is None
    assert "tiktoken is used" in caplog.text

"""Vocabularies come out of the package, checked; nothing is ever downloaded."""

import hashlib

import pytest
import tiktoken
import tiktoken.load

from costspan.tokens.tokenizers import ENCODINGS, encoding_of, tokenizer_of
from costspan.tokens.vocabularies import ON_DISK, VocabularyError, load_encoding, parse_ranks


@pytest.fixture(autouse=True)
def _no_download(monkeypatch, tmp_path):
    def refuse(*_args):
        raise AssertionError

    monkeypatch.setattr(tiktoken.load, "read_file", refuse)
    monkeypatch.setenv("TIKTOKEN_CACHE_DIR", str(tmp_path))


@pytest.mark.parametrize(
    ("name", "size"), [("o200k_base", 200_019), ("o200k_harmony", 201_088), ("cl100k_base", 100_277)]
)
def test_a_bundled_encoding_is_tiktokens_own(name, size):
    encoding = load_encoding(name)
    assert encoding.n_vocab == size
    assert encoding.decode(encoding.encode_ordinary("Grüße, 世界!")) == "Grüße, 世界!"


def test_a_vocabulary_that_was_changed_is_refused():
    with pytest.raises(VocabularyError, match="reinstall costspan"):
        parse_ranks(b"aGk= 0\n", hashlib.sha256(b"other").hexdigest(), name="o200k_base")


def test_an_unknown_encoding_names_those_that_are_known():
    with pytest.raises(VocabularyError, match="o200k_base, cl100k_base"):
        load_encoding("klingon")


@pytest.mark.parametrize("name", ON_DISK)
def test_a_retired_vocabulary_that_is_not_on_disk_is_not_fetched(name):
    with pytest.raises(VocabularyError, match="not fetched"):
        load_encoding(name)


def test_a_retired_vocabulary_that_tiktoken_has_fetched_is_used(tmp_path, monkeypatch):
    url = "https://openaipublic.blob.core.windows.net/encodings/r50k_base.tiktoken"
    (tmp_path / hashlib.sha1(url.encode(), usedforsecurity=False).hexdigest()).touch()
    monkeypatch.setattr(tiktoken, "get_encoding", lambda name: name)
    assert load_encoding("r50k_base") == "r50k_base"


def test_retired_models_are_estimated_by_a_like_vocabulary():
    tokenizer = tokenizer_of("text-davinci-003")
    assert tokenizer.name == "estimate by cl100k_base"
    assert tokenizer.count("hello world").source == "heuristic"


def test_an_older_tiktoken_without_harmony_counts_gpt_oss_all_the_same(monkeypatch):
    from tiktoken_ext import openai_public  # noqa: PLC0415 as the code under test

    monkeypatch.delattr(openai_public, "o200k_harmony")
    assert load_encoding("o200k_harmony").name == "o200k_base"


@pytest.mark.parametrize(
    ("model", "encoding"),
    [
        ("gpt-4o", "o200k_base"),
        ("openai/gpt-4o-mini-2024-07-18", "o200k_base"),
        ("azure/gpt-35-turbo", "cl100k_base"),
        ("gpt-4-32k", "cl100k_base"),
        ("ft:gpt-4o-mini:org::id", "o200k_base"),
        ("gpt-5.6-sol", "o200k_base"),
        ("gpt-6-sol", "o200k_base"),
        ("o3-mini", "o200k_base"),
        ("chatgpt-4o-latest", "o200k_base"),
        ("gpt-realtime", "o200k_base"),
        ("text-embedding-3-large", "cl100k_base"),
        ("openai.gpt-oss-20b", "o200k_harmony"),
        ("text-davinci-001", "r50k_base"),
        ("claude-opus-5", "o200k_base"),
    ],
)
def test_a_models_encoding_is_the_one_of_tiktokens_table_or_its_familys(model, encoding):
    assert encoding_of(model) == encoding


def test_an_encoding_is_loaded_once():
    assert ENCODINGS.get("o200k_base") is ENCODINGS.get("o200k_base")
    assert ENCODINGS.has("o200k_base")
    assert not ENCODINGS.has("klingon")

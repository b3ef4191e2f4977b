"""A user's own tokenizers: from JSON, from a file, from other libraries, by setting."""

import builtins
import json

import pytest
import tiktoken
from tokenizers import Tokenizer

import costspan
from costspan import create_pretrained_tokenizer, create_tokenizer, encode, token_counter
from costspan.tokens.custom import CustomTokenizer, TokenizerError, as_tokenizer
from costspan.tokens.vocabularies import load_encoding

from test_documented_examples import TOKENIZER  # isort: skip


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "tokenizer.json"
    path.write_text(json.dumps(TOKENIZER))
    return path


def test_a_file_or_its_folder_makes_a_tokenizer(file):
    for place in (file, file.parent):
        assert create_pretrained_tokenizer(str(place)).encode("cats") == [1]


@pytest.mark.parametrize("made", ["ours", "theirs", "litellm"])
def test_any_way_of_holding_a_tokenizer_is_taken(file, made):
    theirs = Tokenizer.from_file(str(file))
    given = {"ours": CustomTokenizer(theirs), "theirs": theirs, "litellm": {"type": "huggingface", "tokenizer": theirs}}
    assert token_counter("any", text="cats sleep", custom_tokenizer=given[made]) == 2


def test_any_object_that_encodes_a_text_is_taken():
    class Letters:
        def encode(self, text):
            return list(map(ord, text))

    assert token_counter("any", text="cats", custom_tokenizer=Letters()) == 4


def test_tiktokens_encoding_is_taken():
    given = load_encoding("cl100k_base")
    assert isinstance(given, tiktoken.Encoding)
    assert encode(text="hello world", custom_tokenizer=given) == given.encode("hello world")


def test_a_custom_tokenizer_counts_messages_and_lone_surrogates(file):
    own = create_pretrained_tokenizer(str(file))
    assert token_counter(custom_tokenizer=own, messages=[{"role": "user", "content": "cats \ud800 sleep"}]) >= 3


def test_the_start_token_that_a_tokenizer_would_add_is_not_counted():
    """As Llama's does: the framing of a chat is counted by rule, and a bare text has none."""
    start = {"id": "[UNK]", "ids": [0], "tokens": ["[UNK]"]}
    single = [{"SpecialToken": {"id": "[UNK]", "type_id": 0}}, {"Sequence": {"id": "A", "type_id": 0}}]
    template = {"type": "TemplateProcessing", "single": single, "pair": [], "special_tokens": {"[UNK]": start}}
    pair = [{"Sequence": {"id": "A", "type_id": 0}}, {"Sequence": {"id": "B", "type_id": 1}}]
    own = create_tokenizer(json.dumps(TOKENIZER | {"post_processor": template | {"pair": pair}}))

    assert own.tokenizer.encode("cats").ids == [0, 1]
    assert encode(text="cats", custom_tokenizer=own) == [1]
    assert token_counter("any", text="cats", custom_tokenizer=own) == 1


@pytest.mark.parametrize("given", [7, "cl100k_base", {"type": "none"}, object()])
def test_what_cannot_encode_is_an_error_with_a_cure(given):
    with pytest.raises(TokenizerError, match="create_tokenizer"):
        as_tokenizer(given)


def test_bad_json_and_missing_files_are_errors_with_a_cure(tmp_path):
    with pytest.raises(TokenizerError, match=r"text of a tokenizer\.json"):
        create_tokenizer("{}")
    with pytest.raises(TokenizerError, match=r"No such file .* check the name"):
        create_pretrained_tokenizer(str(tmp_path / "none.json"))
    with pytest.raises(TokenizerError, match="check the name"):
        create_pretrained_tokenizer(str(tmp_path))


def test_without_the_library_the_error_says_what_to_install(monkeypatch):
    real = builtins.__import__

    def absent(name, *args):
        if name == "tokenizers":
            raise ModuleNotFoundError(name)
        return real(name, *args)

    monkeypatch.setattr(builtins, "__import__", absent)
    with pytest.raises(TokenizerError, match=r"pip install 'costspan\[tokenizers\]'"):
        create_tokenizer("{}")


def test_a_setting_gives_models_their_tokenizers(file, monkeypatch):
    monkeypatch.setattr("costspan.tokens.switches.tokenizers", {"Pets": str(file)})
    assert token_counter("zoo/pets-7b", text="cats sleep").exact
    assert token_counter("zoo/plants-7b", text="cats sleep").source == "heuristic"


def test_a_count_keeps_its_mark_in_a_copy():
    import copy  # noqa: PLC0415 only here
    import pickle  # noqa: PLC0415 only here

    count = costspan.TokenCount(5, costspan.token_counter("claude-x", text="a").source, 0.1)
    for again in (copy.copy(count), pickle.loads(pickle.dumps(count))):  # noqa: S301 our own
        assert (again, again.source, again.error) == (5, "heuristic", 0.1)

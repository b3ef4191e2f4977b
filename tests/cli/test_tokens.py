"""`costspan tokens`: pieces, their number, and how sure it is."""

import json

import pytest
from click.testing import CliRunner

from costspan.cli.tokens import SHOWN, command


def run(*arguments, **given):
    return CliRunner().invoke(command, list(arguments), **given)


def test_the_pieces_and_their_number_are_shown():
    assert run("hello world", "--model", "gpt-4o").output == '["hello", " world"]  2 tokens\n'
    assert run("API").output == '["API"]  1 token\n'


def test_pieces_are_coloured_on_a_terminal(monkeypatch):
    monkeypatch.setenv("FORCE_COLOR", "1")
    assert "\x1b[" in run("hello world").output


def test_a_file_or_standard_input_is_read(tmp_path):
    path = tmp_path / "prompt.txt"
    path.write_text("hello world")
    assert "2 tokens" in run("--file", str(path)).output
    assert "2 tokens" in run(input="hello world").output
    assert "2 tokens" in run("-", input="hello world").output


def test_an_estimate_says_that_it_is_one():
    output = run("hello world", "--model", "palmyra-x5").output
    assert "about 2 tokens" in output
    assert "±10%" in output


@pytest.mark.parametrize("model", ["llama-3.3-70b", "nobody-knows-this-one"])
def test_no_tokenizer_is_said_to_be_secret_that_may_be_public(model):
    output = " ".join(run("hello world", "--model", model).output.split())

    assert "not public" not in output
    assert "If it is public, --tokenizer PATH of its tokenizer.json makes it exact." in output


def test_json_has_all_of_it():
    told = json.loads(run("hello world", "--json").output)
    assert told == {
        "model": "gpt-4o",
        "tokens": 2,
        "source": "tokenizer",
        "error": 0.0,
        "pieces": ["hello", " world"],
        "ids": [24912, 2375],
        "shown": 2,
    }


def test_ids_are_shown_if_asked_for():
    assert "24912 2375" in run("hello world", "--ids").output


def test_bytes_that_are_no_character_by_themselves_are_shown_as_bytes():
    pieces = json.loads(run("🜁", "--json", "--model", "gpt-4").output)["pieces"]
    assert any("\\x" in piece for piece in pieces)


def test_a_long_text_is_counted_in_full_and_shown_in_part():
    output = run(input="hello " * (SHOWN + 500)).output
    assert "501 more]" in output
    assert "2,501 tokens" in output


def test_a_tokenizer_file_is_used(tmp_path):
    words = {"type": "WordLevel", "vocab": {"[UNK]": 0, "cats": 1}, "unk_token": "[UNK]"}
    path = tmp_path / "tokenizer.json"
    path.write_text(json.dumps({"version": "1.0", "pre_tokenizer": {"type": "Whitespace"}, "model": words}))
    assert run("cats dogs", "--tokenizer", str(path)).output == '["cats", "[UNK]"]  2 tokens\n'


def test_a_tokenizer_by_setting_shows_its_own_pieces(tmp_path, monkeypatch):
    words = {"type": "WordLevel", "vocab": {"[UNK]": 0, "cats": 1}, "unk_token": "[UNK]"}
    path = tmp_path / "tokenizer.json"
    path.write_text(json.dumps({"version": "1.0", "pre_tokenizer": {"type": "Whitespace"}, "model": words}))
    monkeypatch.setattr("costspan.tokens.switches.tokenizers", {"pets": str(path)})
    assert run("cats", "--model", "pets-7b").output == '["cats"]  1 token\n'


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (("text", "--file", "-"), 2, "not both"),
        (("--file", "/no/such/file"), 2, "No such file"),
        (("text", "--tokenizer", __file__), 1, "pass the path of a tokenizer.json"),
    ],
)
def test_errors_are_one_line_with_the_cure(arguments, code, words):
    result = run(*arguments)
    assert result.exit_code == code
    assert words in result.output


def test_a_terminal_without_text_is_told_how(monkeypatch):
    monkeypatch.setattr("costspan.cli.tokens._is_terminal", lambda: True)
    result = run()
    assert result.exit_code == 2
    assert 'costspan tokens "hello world"' in result.output

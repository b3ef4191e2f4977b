"""Whatever is given is counted: no panic, no raise, no hang, no zero for something."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from costspan import encode, estimate_tokens, token_counter
from costspan.tokens.bpe import BpeTokenizer
from costspan.tokens.cutting import LONGEST, PART, cut
from costspan.tokens.sharing import Effort
from costspan.tokens.tokenizers import ENCODINGS

pytestmark = pytest.mark.slow

MILLION = 1_000_000
ODD = (
    *"aZé9 .,'\n\r\t/!-_中文，。あ한ß̀😀\u00a0\u2028<|>ǅⅧ½\x00\ud800",
    *("<|endoftext|>", "<|fim_prefix|>", "'LL", "👨‍👩‍👧", " " * 50),
)


@pytest.mark.parametrize(
    ("text", "tokens"),
    [(" " * MILLION, 7813), ("a" * MILLION, 125_000), ("\t" * MILLION, 62_500), (" \t" * 500_000, 500_000)],
    ids=["blanks", "one letter", "tabs", "blanks and tabs"],
)
def test_a_megabyte_of_nothing_much_counts_without_a_panic(text, tokens):
    """tiktoken 0.14's own o200k_base panics on three of these, with a BaseException and a stack trace on stderr."""
    assert token_counter("gpt-4o", text=text) == pytest.approx(tokens, rel=1e-4)


@pytest.mark.parametrize("model", ["gpt-4o", "gpt-4", "gpt-oss-120b"])
@pytest.mark.parametrize("special", ["<|endoftext|>", "<|start|>", "<|fim_prefix|>"])
def test_the_text_of_a_special_token_is_text(model, special):
    assert token_counter(model, text=special) > 1
    assert len(encode(model, special)) > 1


@given(st.lists(st.sampled_from(ODD), min_size=20, max_size=120), st.sampled_from(["o200k_base", "cl100k_base"]))
@settings(max_examples=60)
def test_a_text_counts_as_many_tokens_as_it_has(pieces, name):
    """Counting asks tiktoken for its tokens in another way than encoding does."""
    text = "".join(pieces) * 5

    assert ENCODINGS.get(name).count(text) == len(ENCODINGS.get(name).encode(text))


def test_lone_surrogates_count_as_replacement_characters():
    assert token_counter("gpt-4o", text="\ud800 tail") == token_counter("gpt-4o", text="\ufffd tail")
    assert encode("gpt-4o", "\udfff") == encode("gpt-4o", "\ufffd")


def test_bytes_count_as_their_text_and_bad_bytes_still_count():
    assert token_counter("gpt-4o", text=b"hello world") == 2
    assert token_counter("gpt-4o", text=b"\xff\xfe\x00") > 0
    assert encode("gpt-4o", b"hello") == encode("gpt-4o", "hello")


def test_nothing_is_zero_tokens():
    assert token_counter("gpt-4o", text="") == 0
    assert token_counter("gpt-4o", text=None) == 0
    assert token_counter("gpt-4o", text=[]) == 0
    assert encode("gpt-4o", None) == []


def test_lists_and_numbers_of_text_count():
    assert token_counter("gpt-4o", text=["hello world", "API"]) == 3
    assert token_counter("gpt-4o", text=12) == 1
    assert estimate_tokens(text="hello") == 1


def test_text_and_messages_together_are_an_error():
    with pytest.raises(ValueError, match="not both"):
        token_counter("gpt-4o", text="a", messages=[])


class Message:
    """As SDKs give them back: an object with fields."""

    def __init__(self):
        self.role, self.content = "assistant", "Paris"


def looped():
    content = ["hello"]
    content.append(content)
    return content


@pytest.mark.parametrize(
    "message",
    [
        None,
        "a plain text",
        b"bytes",
        42,
        {},
        {"role": "wizard", "content": "unknown roles count too"},
        {"role": None, "content": None},
        {"role": "user", "content": [["nested", ["deeper", {"text": "still"}]]]},
        {"role": "user", "content": {"text": "no list"}},
        {"role": "user", "content": looped()},
        {"role": "user", "content": [{"type": 7, "text": "odd type"}]},
        {"role": "user", "content": [{"type": "image_url", "image_url": "https://example.com/a.png"}]},
        {"role": "user", "content": [{"type": "image_url", "image_url": {"url": None}}]},
        {7: "a key that is no text"},
        Message(),
    ],
)
@pytest.mark.parametrize("model", ["gpt-4o", "claude-sonnet-4-5", "gemini-2.5-flash", "nobody-knows"])
def test_malformed_messages_still_count(model, message):
    with_it = token_counter(model, messages=[message, {"role": "user", "content": "hello"}])
    without = token_counter(model, messages=[{"role": "user", "content": "hello"}])
    assert with_it >= without > 0


@pytest.mark.parametrize("messages", ["one text", {"role": "user", "content": "one message"}, (Message(),)])
def test_messages_that_are_no_list_count(messages):
    assert token_counter("gpt-4o", messages=messages) > 3


HOLDS_ITSELF = {}
HOLDS_ITSELF["again"] = HOLDS_ITSELF
DEEP = {}
for _ in range(5000):
    DEEP = {"properties": {"inner": DEEP}}


@pytest.mark.parametrize("model", ["gpt-4o", "claude-opus-5"])
@pytest.mark.parametrize("odd", [HOLDS_ITSELF, DEEP], ids=["holds itself", "deep"])
def test_what_no_json_can_hold_counts(model, odd):
    asked = [{"role": "user", "content": [{"type": "tool_use", "input": odd}]}]
    tools = [{"type": "function", "function": {"name": "f", "parameters": odd}}]

    assert token_counter(model, messages=asked, tools=tools) > 3


@pytest.mark.parametrize("odd", [{"a": "text"}, object(), {1, 2}, (each for each in "ab"), memoryview(b"text")])
def test_a_count_of_what_cannot_be_read_is_not_called_exact(odd):
    assert not token_counter("gpt-4o", text=odd).exact
    assert not token_counter("gpt-4o", messages=object()).exact


def test_a_model_that_is_none_is_one_that_is_not_known():
    assert token_counter(None, text="hello world") == token_counter("", text="hello world")


def test_a_generator_of_messages_is_left_alone():
    messages = ({"role": "user", "content": "hi"} for _ in range(3))
    token_counter("gpt-4o", messages=messages)
    assert len(list(messages)) == 3


def test_images_behind_urls_are_not_fetched(monkeypatch):
    import socket  # noqa: PLC0415 only here

    def refuse(*_args, **_kwargs):
        raise AssertionError

    monkeypatch.setattr(socket, "create_connection", refuse)
    monkeypatch.setattr(socket.socket, "connect", refuse)
    image = {"type": "image_url", "image_url": {"url": "https://example.com/cat.png"}}
    count = token_counter("gpt-4o", messages=[{"role": "user", "content": [image]}])
    assert count > 700
    assert count.source == "heuristic"


class CountingEncoder:
    """Stands in for tiktoken, where only how it is asked matters."""

    name = "counting"

    def __init__(self):
        self.asked = []

    def encode_ordinary(self, text):
        self.asked.append(len(text))
        return [0] * (len(text) // 4)


def test_50_megabytes_are_cut_and_nothing_is_asked_in_one_piece():
    encoder = CountingEncoder()
    text = "lorem ipsum " * (50 * MILLION // 12)
    assert BpeTokenizer(encoder).count(text) == pytest.approx(len(text) / 4, rel=0.001)
    assert max(encoder.asked) < 2 * PART
    assert sum(encoder.asked) == len(text)


def test_a_stretch_without_a_place_to_cut_is_cut_at_the_limit():
    assert [len(part) for part in cut("a" * (2 * LONGEST + 5))] == [LONGEST, LONGEST, 5]


def test_past_the_deadline_the_rest_is_estimated():
    count = ENCODINGS.get("o200k_base").count("hello world " * 20_000, Effort(deadline=0.0))
    assert count.source == "heuristic"
    assert count.error > 0
    assert count == pytest.approx(40_000, rel=0.1)


def test_a_deadline_in_the_future_changes_nothing():
    text = "hello world " * 5_000
    assert ENCODINGS.get("o200k_base").count(text, Effort(deadline=float("inf"))) == 10_001


ALPHABET = st.sampled_from("aZé9 .,'\n\r\t/!-_中文，。あア한ß̀😀\u00a0\u2028<|>s")
TEXTS = st.lists(st.text(ALPHABET, min_size=1, max_size=12), min_size=1, max_size=60).map("".join)


@pytest.mark.parametrize("encoding", ["o200k_base", "cl100k_base"])
@settings(max_examples=150)
@given(text=TEXTS)
def test_cutting_never_changes_a_token(encoding, text):
    """With parts of one character, so that every place where a text may be cut is tried."""
    tokenizer = ENCODINGS.get(encoding)
    parts = list(cut(text, part=1))
    assert "".join(parts) == text
    assert [token for part in parts for token in tokenizer.encode(part)] == tokenizer.encode(text)

"""Every example of LiteLLM's, Writer's and Regolo's token documents, with costspan's names.

Read from https://docs.litellm.ai/docs/completion/token_usage, https://dev.writer.com/home/tokens
and https://docs.regolo.ai (Token Usage Tracking), as of 2026-10. LiteLLM's cost functions: tests/pricing.
"""

import asyncio
import json

import pytest

import costspan
from costspan import (
    async_token_counter,
    create_pretrained_tokenizer,
    create_tokenizer,
    decode,
    encode,
    estimate_tokens,
    token_counter,
)

SAMPLE = "Hellö World, this is my input string!"
PETS = {"type": "WordLevel", "vocab": {"[UNK]": 0, "cats": 1, "sleep": 2, "dogs": 3}, "unk_token": "[UNK]"}
TOKENIZER = {"version": "1.0", "pre_tokenizer": {"type": "Whitespace"}, "model": PETS}


@pytest.fixture
def tokenizer_json(tmp_path):
    path = tmp_path / "tokenizer.json"
    path.write_text(json.dumps(TOKENIZER))
    return path


@pytest.fixture
def switches(monkeypatch):
    """Assign a setting on the package as a program would; undone afterwards."""
    return lambda name, value: monkeypatch.setattr(costspan, name, value, raising=False)


def test_litellm_1_encode():
    openai_tokens = encode(model="gpt-3.5-turbo", text=SAMPLE)
    assert openai_tokens == [81394, 3029, 4435, 11, 420, 374, 856, 1988, 925, 0]


def test_litellm_2_decode():
    openai_tokens = encode(model="gpt-3.5-turbo", text=SAMPLE)
    assert decode(model="gpt-3.5-turbo", tokens=openai_tokens) == SAMPLE


def test_litellm_s_arguments_are_taken_in_its_order_and_by_its_names():
    messages = [{"role": "user", "content": "hello world"}]
    picture = {"type": "image_url", "image_url": {"url": "https://example.invalid/cat.png"}}

    assert token_counter("gpt-4o", None, "hello world") == 2
    assert token_counter("gpt-4o", None, None, messages) == 9
    assert token_counter("gpt-4o", messages=messages, count_response_tokens=True) == 6
    assert asyncio.run(async_token_counter("gpt-4o", messages=messages, count_response_tokens=True)) == 6
    assert token_counter("gpt-4o", messages=[{"role": "user", "content": [picture]}], default_token_count=5) == (
        token_counter("gpt-4o", messages=[{"role": "user", "content": [picture]}], use_default_image_token_count=True)
    )
    with pytest.raises(ValueError, match="tools go with messages"):
        token_counter("gpt-4o", text="hello", tools=[{"type": "function", "function": {"name": "f"}}])


def test_special_tokens_of_a_custom_tokenizer_are_shown_if_asked_for():
    special = {"id": 4, "content": "<s>", "special": True, "single_word": False, "lstrip": False, "rstrip": False}
    own = create_tokenizer(json.dumps(TOKENIZER | {"added_tokens": [special | {"normalized": False}]}))

    assert decode("", [4, 1], own) == "cats"
    assert decode("", [4, 1], own, skip_special_tokens=False) == "<s> cats"


@pytest.mark.parametrize("model", ["claude-3-haiku-20240307", "command-r", "meta-llama/Llama-2-7b-chat", "unheard-of"])
def test_litellm_1_and_2_for_every_other_family(model):
    assert decode(model=model, tokens=encode(model=model, text=SAMPLE)) == SAMPLE


def test_litellm_3_token_counter_with_the_pages_own_malformed_message():
    messages = [{"user": "role", "content": "Hey, how's it going"}]
    assert token_counter(model="gpt-3.5-turbo", messages=messages) == 13


def test_litellm_4_tokenizer_from_the_hub(tokenizer_json, tmp_path, monkeypatch):
    """The hub's cache on disk holds the name, so nothing is fetched."""
    commit = "0" * 40
    cached = tmp_path / "hub" / "models--Xenova--llama-3-tokenizer"
    (cached / "snapshots" / commit).mkdir(parents=True)
    (cached / "snapshots" / commit / "tokenizer.json").write_text(tokenizer_json.read_text())
    (cached / "refs").mkdir()
    (cached / "refs" / "main").write_text(commit)
    from_pretrained_offline(monkeypatch, tmp_path / "hub")
    custom_tokenizer = create_pretrained_tokenizer("Xenova/llama-3-tokenizer")
    assert token_counter(model="llama-3", text="cats sleep", custom_tokenizer=custom_tokenizer) == 2


def from_pretrained_offline(monkeypatch, folder):
    """The library looks where it was told at start-up; a program would set HF_HOME and HF_HUB_OFFLINE."""
    from huggingface_hub import constants, file_download  # noqa: PLC0415 only this test needs it

    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(folder))
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    monkeypatch.setattr(file_download.constants, "HF_HUB_CACHE", str(folder))


def test_litellm_4_tokenizer_from_a_json_file(tokenizer_json):
    with tokenizer_json.open() as f:
        json_data = json.load(f)
    json_str = json.dumps(json_data)
    custom_tokenizer = create_tokenizer(json_str)
    assert encode(text="dogs sleep", custom_tokenizer=custom_tokenizer) == [3, 2]
    assert decode(tokens=[3, 2], custom_tokenizer=custom_tokenizer) == "dogs sleep"
    assert token_counter(model="x", text="dogs sleep", custom_tokenizer=custom_tokenizer) == 2


def test_litellm_option_1_disables_tokenizing_but_never_says_zero(switches):
    switches("disable_token_counter", True)
    count = token_counter(model="gpt-4o-mini", messages=[{"role": "user", "content": "Hello"}])
    assert count > 0
    assert count.source == "heuristic"


async def test_litellm_option_2_counts_large_inputs_on_threads(switches):
    switches("async_tokenizer_threshold_bytes", 500_000)
    switches("tokenizer_threadpool_max_workers", 4)
    switches("tokenizer_timeout_seconds", 30.0)
    large_text = "hello world " * 50_000
    messages = [{"role": "user", "content": large_text}]
    result = await async_token_counter(model="gpt-4o-mini", messages=messages)
    assert result == token_counter(model="gpt-4o-mini", messages=messages)
    assert result.exact


async def test_litellm_option_2_many_at_once_each_get_their_own_count(switches):
    switches("tokenizer_timeout_seconds", 60.0)
    texts = ["hello world " * n for n in range(1000, 1020)]
    counts = await asyncio.gather(*(async_token_counter(model="gpt-4o-mini", text=text) for text in texts))
    assert counts == [token_counter(model="gpt-4o-mini", text=text) for text in texts]


async def test_litellm_option_2_after_the_timeout_there_is_an_estimate_and_not_0(switches):
    switches("tokenizer_timeout_seconds", 0.0)
    count = await async_token_counter(model="gpt-4o-mini", text="hello world " * 50_000)
    assert count.source == "heuristic"
    assert count == pytest.approx(100_000, rel=0.6)


@pytest.mark.parametrize(
    ("text", "pieces"),
    [
        ("hello world", ["hello", " world"]),
        ("API", ["API"]),
        ("tokenization", ["token", "ization"]),
    ],
)
def test_writer_tokenization(text, pieces):
    assert [decode("gpt-4o", [token]) for token in encode("gpt-4o", text)] == pieces
    assert token_counter(model="palmyra-x5", text=text) == len(pieces)


def test_writer_tokenization_of_an_address_is_3_tokens():
    assert token_counter(model="palmyra-x5", text="www.writer.com") == 3


def test_writer_prompt_of_about_8_tokens():
    prompt = "Write a product description for a cozy sweater"
    assert token_counter(model="palmyra-x5", text=prompt) == pytest.approx(8, abs=1)


def test_regolo_input_tokens_of_about_10():
    messages = [{"role": "user", "content": "Summarize this document..."}]
    assert estimate_tokens(messages=messages) == pytest.approx(10, abs=2)


def test_regolo_estimation_in_code():
    tokens_estimate = estimate_tokens(messages=[{"role": "user", "content": "Your prompt here"}])
    assert tokens_estimate.source == "heuristic"
    assert f"Estimated tokens: {tokens_estimate}" == "Estimated tokens: 6"
    assert f"Estimated cost: ${tokens_estimate * 0.00001:.4f}" == "Estimated cost: $0.0001"


@pytest.mark.parametrize(
    ("text", "tokens"),
    [
        ("The quick brown fox jumps over the lazy dog near the river bank.", 13 * 1.3),  # 1 word is about 1.3 tokens
        ("One sentence has about eight tokens in it.", 8),  # 1 sentence is about 8 tokens
    ],
)
def test_regolo_rules_of_thumb_are_near_what_is_counted(text, tokens):
    assert estimate_tokens(text=text) == pytest.approx(tokens, rel=0.3)

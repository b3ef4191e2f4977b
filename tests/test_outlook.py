"""What a request will take is told before it is sent: low, likely and high."""

from decimal import Decimal

import pytest

import costspan
from costspan.outlook import HIGHEST_OUTPUT, LIKELY_OUTPUT, Outlook

QUESTION = [{"role": "user", "content": "What is the capital of France?"}]


def test_the_three_cases_are_priced_exactly():
    low, likely, high = costspan.estimate(QUESTION, "gpt-4o", max_tokens=500)
    assert low == Outlook(14, 1, Decimal("0.000045"))
    assert likely == Outlook(14, LIKELY_OUTPUT, Decimal("0.004035"))
    assert high == Outlook(14, 500, Decimal("0.005035"))
    assert high.tokens == 514


def test_an_uncertain_count_widens_the_range():
    low, likely, high = costspan.estimate("a long text " * 500, "claude-sonnet-4-5", 100)
    assert low.input_tokens < likely.input_tokens < high.input_tokens
    assert likely.output_tokens == high.output_tokens == 100
    assert low.usd < likely.usd < high.usd


def test_without_a_limit_the_longest_answer_is_the_models_own():
    assert costspan.estimate(QUESTION, "gpt-4o").high.output_tokens == 16_384


def test_a_model_without_a_price_has_tokens_and_no_dollars():
    assert costspan.estimate(QUESTION, "my-own-model").high == Outlook(12, HIGHEST_OUTPUT, None)


@pytest.mark.parametrize(
    ("provider", "model"), [("openrouter", "openai/gpt-4o"), ("aws.bedrock", "amazon.nova-lite-v1:0")]
)
def test_a_provider_can_be_named(provider, model):
    assert costspan.estimate(QUESTION, model, provider=provider).likely.usd > 0


def test_tools_are_a_part_of_the_input():
    tools = [{"type": "function", "function": {"name": "now", "description": "The time of day"}}]
    assert costspan.estimate(QUESTION, "gpt-4o", tools=tools).low.input_tokens > 14

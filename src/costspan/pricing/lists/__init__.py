"""Builds a price list from others: genai-prices (curated), LiteLLM's (broad), and this project's own additions."""

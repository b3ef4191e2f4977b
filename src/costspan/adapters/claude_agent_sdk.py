"""Claude's Agent SDK: each turn of an agent is a call. Source: claude-agent-sdk 0.1.52 and 0.2.187, run 2026-11-24."""

from __future__ import annotations

from costspan.adapters import _claude_agent_hooks as hooks
from costspan.adapters._adapter import Adapter, Seat

ADAPTER = Adapter(
    provider="anthropic",
    package="claude-agent-sdk >= 0.1.52",
    by_host=True,
    seats=(
        Seat(
            "claude_agent_sdk._internal.client",
            "InternalClient.process_query",
            hooks.open_turns,
            hooks.QUERY,
            streams=True,
        ),
        Seat("claude_agent_sdk.client", "ClaudeSDKClient.connect", hooks.open_prompt, hooks.PROMPT, waits=True),
        Seat("claude_agent_sdk.client", "ClaudeSDKClient.query", hooks.open_prompt, hooks.PROMPT, waits=True),
        Seat(
            "claude_agent_sdk.client", "ClaudeSDKClient.receive_messages", hooks.open_turns, hooks.CLIENT, streams=True
        ),
    ),
)

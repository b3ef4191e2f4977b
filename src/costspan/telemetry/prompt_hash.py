"""A keyed hash of what a call asks: the same for the same prompt, and without the key no way to try out texts."""

from __future__ import annotations

import json
from hashlib import blake2b
from typing import TYPE_CHECKING, Any

from costspan.guard import Guard

if TYPE_CHECKING:
    from costspan.call import Request

_HASH = Guard("hash a prompt")
_BYTES = 8
# arguments that say how to send it, or for whom, and not what is asked
_APART = frozenset(
    {"stream", "stream_options", "user", "metadata", "store", "safety_identifier", "prompt_cache_key"}
    | {"extra_headers", "extra_query", "timeout", "service_tier"}
)


class PromptHasher:
    """Marks requests with their hash."""

    def __init__(self, key: str) -> None:
        self._key = blake2b(key.encode()).digest()

    def mark(self, request: Request) -> None:
        """Hash what is asked as it is now: a program may go on to change its lists."""
        with _HASH:
            asked = {name: value for name, value in (request.body or {}).items() if name not in _APART}
            said = [request.operation, request.provider, request.model, asked]
            text = json.dumps(said, sort_keys=True, default=_plain)
            request.prompt_hash = blake2b(text.encode(), digest_size=_BYTES, key=self._key).hexdigest()


def _plain(value: Any) -> Any:
    """Messages as objects are their fields; of anything else its text, which for most objects no other shares."""
    dump = getattr(value, "model_dump", None)
    return dump() if callable(dump) else repr(value)

"""What of Cohere's API needs logic: pictures, which are told by number and by tokens."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from costspan.usage import Usage

if TYPE_CHECKING:
    from costspan.call import Reply, Request


def count_pictures_once(_request: Request, _last: Any, reply: Reply) -> None:
    """Where a picture's tokens are told, they are what is billed (embed-v4.0, in litellm 1.109.1)."""
    if reply.usage is not None and reply.usage.input_image:
        reply.usage = Usage.of({bucket: count for bucket, count in reply.usage if bucket != "images"})

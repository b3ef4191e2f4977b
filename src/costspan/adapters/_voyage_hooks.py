"""How Voyage bills what is not text: by the pixel.

Source: docs.voyageai.com/docs/pricing and mongodb.com/docs/voyageai/management/billing, looked up 2026-11-24.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from costspan.adapters._usage import UsageMap

if TYPE_CHECKING:
    from costspan.call import Reply, Request

_VIDEOS = UsageMap(roots=("",), input_pixels="video_pixels")


def add_videos(_request: Request, last: Any, reply: Reply) -> None:
    """A pixel of a video costs what one of a picture does."""
    videos = _VIDEOS.read((last,)).usage
    if reply.usage is not None and videos is not None:
        reply.usage += videos

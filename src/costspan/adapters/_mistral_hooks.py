"""What of Mistral's API needs logic: pages that are not only read.

Source: mistralai 3.7.0 as installed (`OCRUsageInfo` drops fields that it does not declare), and what answers tell:
github.com/BerriAI/litellm/issues/38546; both read 2026-11-23.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from costspan.adapters._paths import member

if TYPE_CHECKING:
    from costspan.call import Reply, Request

_FORMATS = ("document_annotation_format", "bbox_annotation_format")


def read_ocr(request: Request, _last: Any, reply: Reply) -> None:
    """Annotated pages are billed apart from those that are only read, and the SDK drops how many there were."""
    if any(member(request.body, each) for each in _FORMATS):
        reply.unpriced = "annotated pages have a price of their own, and the SDK does not tell how many there were"

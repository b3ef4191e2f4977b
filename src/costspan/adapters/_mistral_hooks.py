"""What of Mistral's API needs logic: pages that are not only read.

Source: mistralai 3.7.0 as installed (`OCRUsageInfo` drops fields that it does not declare), and what answers tell:
github.com/BerriAI/litellm/issues/38546; both read 2026-11-23.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from costspan.adapters._paths import member
from costspan.adapters._usage import UsageMap

if TYPE_CHECKING:
    from costspan.call import Reply, Request

# Events of a stream carry the chunk in `data`. Cached tokens are a field that the SDK does not declare.
USAGE = UsageMap(
    roots=("usage", "data.usage"),
    total_input="prompt_tokens",
    total_output="completion_tokens",
    extra_input="connector_tokens",
    cache_read="prompt_tokens_details.cached_tokens|num_cached_tokens",
    input_audio_s="prompt_audio_seconds",
    web_searches="connectors.web_search",
    code_sessions="connectors.code_interpreter",
    images="connectors.image_generation",
)
_FORMATS = ("document_annotation_format", "bbox_annotation_format")


def read_ocr(request: Request, _last: Any, reply: Reply) -> None:
    """Annotated pages are billed apart from those that are only read, and the SDK drops how many there were."""
    if any(member(request.body, each) for each in _FORMATS):
        reply.unpriced = "annotated pages have a price of their own, and the SDK does not tell how many there were"

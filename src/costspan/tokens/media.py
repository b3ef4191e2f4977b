"""What images, sound and documents count as, by each provider's published rule. Nothing is ever fetched."""

from __future__ import annotations

import base64
import binascii
import re
from math import ceil, sqrt
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from costspan.tokens.families import Family


class Media(NamedTuple):
    """Tokens of one image, sound or document; `guessed` if its size is not known here (a URL is not fetched)."""

    tokens: int
    guessed: bool


class Size(NamedTuple):
    """Pixels."""

    width: int
    height: int


TYPICAL = Size(1024, 1024)  # of an image behind a URL
MEDIA_ERROR = 0.02  # relative, of a prompt with an image whose size is known: the rules leave out how they round
MOST_PIXELS = 65_535  # of a side: what a JPEG or GIF can have; a header that says more is no image's
SAMPLE = 65_536  # base64 characters that are decoded to find an image's size
BYTES_PER_PDF_PAGE = 50_000  # of a document whose pages cannot be counted here

# (base, per tile of 512 pixels) at high detail; low detail is the base.
# Source: https://developers.openai.com/api/docs/guides/images-vision, "Calculating costs", looked up 2026-11-22
TILES = (
    (r"^gpt-4o-mini", 2833, 5667),
    (r"^(o1|o3)", 75, 150),
    (r"^gpt-5(-\d{4}|-chat|$)", 70, 140),
    (r"^computer-use", 65, 129),
    (r"", 85, 170),
)
# Tokens per patch of 32 pixels, in thousandths, and the most patches: at high detail, original, and auto.
# Source: as above; 1,200 as measured in https://huggingface.co/datasets/JOHNISKING/image-token-cost (2026-10)
PATCHES = (
    (r"^(gpt-4\.1|gpt-5(\.4)?)-mini", 1620, (1536, 1536, 1536)),
    (r"^(gpt-4\.1|gpt-5(\.4)?)-nano", 2460, (1536, 1536, 1536)),
    (r"^o4-mini", 1720, (1536, 1536, 1536)),
    (r"^gpt-5\.4", 1200, (2500, 10_000, 2500)),
    (r"^gpt-5\.5", 1200, (2500, 10_000, 10_000)),
    (r"^gpt-(5\.[6-9]|[6-9]|\d\d)", 1200, (2500, 30_000, 30_000)),
)
UNSURE = r"^gpt-5\.[1-4](-\d|-pro|-codex|$)"  # the page does not say how many tokens a patch is for these

# Longest edge in pixels, and most patches of 28 pixels, each a token: of Claude 4.7 and later, of all before.
# Source: https://platform.claude.com/docs/en/build-with-claude/vision (resolution and token cost), looked up 2026-11-22
FINE, COARSE = (2576, 4784), (1568, 1568)

# Tokens of an image and of a page, by the resolution asked for; Gemini 3 and later.
# Source: https://ai.google.dev/gemini-api/docs/media-resolution, looked up 2026-11-22
GEMINI_3 = r"gemini-([3-9]|flash-lite-latest|flash-latest|pro-latest|nano)"
RESOLUTIONS = {
    "low": (280, 280),
    "medium": (560, 560),
    "high": (1120, 1120),
    "ultra_high": (2240, 1120),
    "": (1120, 560),
}

IMAGE_TYPES = frozenset(("image", "image_url", "input_image"))
AUDIO_TYPES = frozenset(("audio", "input_audio", "audio_url"))
FILE_TYPES = frozenset(("document", "file", "input_file", "document_url"))


def read_media(block: dict[Any, Any], family: Family, model: str) -> Media | None:
    """The tokens of a content block that is an image, sound or document; None if it is none of these."""
    kind = block.get("type")
    inline = block.get("inlineData") or block.get("inline_data") or block.get("fileData") or block.get("file_data")
    if isinstance(inline, dict):
        mime = str(inline.get("mimeType") or inline.get("mime_type") or "")
        kind = "image" if mime.startswith("image") else "audio" if mime.startswith("audio") else "document"
    elif kind is None:
        kind = next((each for each in ("image", "audio", "document") if isinstance(block.get(each), dict)), None)
    if not isinstance(kind, str):
        return None
    if kind in IMAGE_TYPES:
        return _image(block, family, model)
    if kind in AUDIO_TYPES:
        return _audio(block, family)
    return _document(block, family, model) if kind in FILE_TYPES else None


def _image(block: dict[Any, Any], family: Family, model: str) -> Media:
    size = image_size(_payload(block))
    detail = str(block.get("detail") or _nested(block, "image_url", "detail") or "auto")
    if family.images == "openai":
        tokens = openai_image(model, size or TYPICAL, detail)
    elif family.images == "gemini":
        tokens = gemini_image(model, size or TYPICAL, block)
    else:
        tokens = anthropic_image(size or TYPICAL, *(FINE if family.images == "anthropic_fine" else COARSE))
    unsure = not family.images or re.search(UNSURE, model) is not None
    return Media(tokens, guessed=size is None or unsure)


def openai_image(model: str, size: Size, detail: str) -> int:
    """Tokens of an image by OpenAI's rule for `model`: patches of 32 pixels, or tiles of 512 after two resizings."""
    for pattern, permille, (high, original, auto) in PATCHES:
        if re.search(pattern, model):
            most = {"high": high, "original": original}.get(detail, auto)
            return ceil(_patches(_fit(size, longest=512) if detail == "low" else size, most) * permille / 1000)
    base, per_tile = next((base, tile) for pattern, base, tile in TILES if re.search(pattern, model))
    if detail == "low":
        return base
    fitted = _fit(size, longest=2048)
    shrink = min(1.0, 768 / min(fitted))
    tiles = ceil(fitted.width * shrink / 512) * ceil(fitted.height * shrink / 512)
    return base + per_tile * tiles


def _patches(size: Size, most: int) -> int:
    width, height = size
    patches = ceil(width / 32) * ceil(height / 32)
    if patches <= most:
        return patches
    shrink = sqrt(most * 32 * 32 / (width * height))
    across, down = width * shrink / 32, height * shrink / 32
    shrink *= min(max(1, int(across)) / across, max(1, int(down)) / down)
    return min(most, ceil(width * shrink / 32 - 1e-9) * ceil(height * shrink / 32 - 1e-9))


def anthropic_image(size: Size, longest: int, most: int) -> int:
    """Patches of 28 pixels, after shrinking to the longest edge at which their number is allowed."""
    too_long, fits = min(max(size), longest) + 1, 1
    while too_long - fits > 1:
        edge = (too_long + fits) // 2
        if _visual_tokens(_fit(size, longest=edge)) <= most:
            fits = edge
        else:
            too_long = edge
    return _visual_tokens(_fit(size, longest=fits))


def _visual_tokens(size: Size) -> int:
    return ceil(size.width / 28) * ceil(size.height / 28)


def gemini_image(model: str, size: Size, block: dict[Any, Any]) -> int:
    """By the resolution asked for; before Gemini 3 258 up to 384 pixels both ways, else for each tile of 256 to 768.

    Source: https://ai.google.dev/gemini-api/docs/tokens, looked up 2026-11-22; RESOLUTIONS
    """
    if re.search(GEMINI_3, model):
        return _resolution(block)[0]
    if max(size) <= 384:  # noqa: PLR2004 the rule's own number
        return 258
    unit = max(256, min(768, int(min(size) / 1.5)))
    return 258 * ceil(size.width / unit) * ceil(size.height / unit)


def _resolution(block: dict[Any, Any]) -> tuple[int, int]:
    asked = block.get("media_resolution") or block.get("mediaResolution") or block.get("resolution") or ""
    level = asked.get("level") if isinstance(asked, dict) else asked
    return RESOLUTIONS.get(str(level).lower().removeprefix("media_resolution_"), RESOLUTIONS[""])


def _fit(size: Size, *, longest: int) -> Size:
    shrink = min(1.0, longest / max(size))
    return Size(max(1, round(size.width * shrink)), max(1, round(size.height * shrink)))


def _audio(block: dict[Any, Any], family: Family) -> Media:
    """32 tokens a second for Gemini, 10 for OpenAI; the seconds from the size of the data, at 16 kB a second.

    Source: https://ai.google.dev/gemini-api/docs/tokens and https://developers.openai.com/api/docs/guides/realtime-costs
    (a token for 100 ms of what the user says), looked up 2026-11-22
    """
    seconds = max(1, len(_payload(block)) * 3 // 4 // 16_000)
    return Media(seconds * (32 if family.images == "gemini" else 10), guessed=True)


def _document(block: dict[Any, Any], family: Family, model: str) -> Media | None:
    """Per page 258 tokens for Gemini before 3, 560 since, else about 2,000; plain text is no document.

    Source: https://ai.google.dev/gemini-api/docs/document-processing; RESOLUTIONS; 1,592 to 2,481 were measured for
    Claude in https://huggingface.co/datasets/JOHNISKING/pdf-token-cost (2026-10); looked up 2026-11-22
    """
    payload = _payload(block)
    if isinstance(block.get("source"), dict) and block["source"].get("type") in ("text", "content"):
        return None
    pages = pdf_pages(payload) or max(1, len(payload) * 3 // 4 // BYTES_PER_PDF_PAGE)
    per_page = 2000
    if family.images == "gemini":
        per_page = _resolution(block)[1] if re.search(GEMINI_3, model) else 258
    return Media(pages * per_page, guessed=True)


def pdf_pages(payload: str | bytes) -> int:
    """Pages of a PDF, 0 if it does not show them openly (they may be in a compressed part)."""
    data = _decoded(payload, len(payload))
    return len(re.findall(rb"/Type\s*/Page(?![a-zA-Z])", data)) if data.startswith(b"%PDF") else 0


def _nested(block: dict[Any, Any], *path: str) -> Any:
    value: Any = block
    for key in path:
        value = value.get(key) if isinstance(value, dict) else None
    return value


PLACES = (
    ("image_url", "url"), ("image_url",), ("source", "data"), ("source", "bytes"), ("image", "source", "bytes"),
    ("document", "source", "bytes"), ("inlineData", "data"), ("inline_data", "data"), ("input_audio", "data"),
    ("file", "file_data"), ("file_data",), ("data",),
)  # fmt: skip


def _payload(block: dict[Any, Any]) -> str | bytes:
    """The data itself (base64 text or bytes); empty if the block only names a URL or an uploaded file."""
    for path in PLACES:
        value = _nested(block, *path)
        if isinstance(value, bytes):
            return value
        if isinstance(value, str) and not value.startswith(("http://", "https://", "gs://", "s3://")):
            return value.partition("base64,")[2] if value.startswith("data:") else value
    return ""


def _decoded(payload: str | bytes, most: int) -> bytes:
    if isinstance(payload, bytes):
        return payload[:most]
    try:
        return base64.b64decode(payload[: most - most % 4] + "==")
    except (binascii.Error, ValueError):
        return b""


def image_size(payload: str | bytes) -> Size | None:
    """Pixels of a PNG, GIF, WebP or JPEG, from its first bytes; None if it is none of these."""
    data = _decoded(payload, SAMPLE)
    if data.startswith(b"\x89PNG") and len(data) >= 24:  # noqa: PLR2004 where the header ends
        return _size(data[16:20], data[20:24], "big")
    if data.startswith(b"GIF8") and len(data) >= 10:  # noqa: PLR2004 as above
        return _size(data[6:8], data[8:10], "little")
    if data[:4] == b"RIFF" and data[8:12] == b"WEBP":
        return _webp(data)
    return _jpeg(data) if data.startswith(b"\xff\xd8") else None


def _size(width: bytes, height: bytes, order: Any, mask: int = 0xFFFFFFFF) -> Size | None:
    found = Size(int.from_bytes(width, order) & mask, int.from_bytes(height, order) & mask)
    return found if min(found) > 0 and max(found) <= MOST_PIXELS else None


def _webp(data: bytes) -> Size | None:
    if data[12:16] == b"VP8X":
        return Size(int.from_bytes(data[24:27], "little") + 1, int.from_bytes(data[27:30], "little") + 1)
    if data[12:16] == b"VP8L":
        bits = int.from_bytes(data[21:25], "little")
        return Size((bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1)
    return _size(data[26:28], data[28:30], "little", 0x3FFF)


def _jpeg(data: bytes) -> Size | None:
    place = 2
    while place + 9 < len(data) and data[place] == 0xFF:  # noqa: PLR2004 the marker byte
        if data[place + 1] in (0xC0, 0xC1, 0xC2):
            return _size(data[place + 7 : place + 9], data[place + 5 : place + 7], "big")
        place += 2 + int.from_bytes(data[place + 2 : place + 4], "big")
    return None

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
SAMPLE = 65_536  # base64 characters that are decoded to find an image's size
BYTES_PER_PDF_PAGE = 50_000  # of a document whose pages cannot be counted here

# (base, per tile of 512 pixels) at high detail; low detail is the base.
# Source: https://platform.openai.com/docs/guides/images-vision, 2025-11
TILES = (
    (r"^gpt-4o-mini", 2833, 5667),
    (r"^(o1|o3)", 75, 150),
    (r"^gpt-5(-\d{4}|-chat|$)", 70, 140),
    (r"^computer-use", 65, 129),
    (r"", 85, 170),
)
# Tokens per patch of 32 pixels, in thousandths; at most 1,536 patches. Source: as above
PATCHES = ((r"^(gpt-4\.1|gpt-5)-mini", 1620), (r"^(gpt-4\.1|gpt-5)-nano", 2460), (r"^o4-mini", 1720))
MOST_PATCHES = 1536

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
    return _document(block, family) if kind in FILE_TYPES else None


def _image(block: dict[Any, Any], family: Family, model: str) -> Media:
    size = image_size(_payload(block))
    detail = str(block.get("detail") or _nested(block, "image_url", "detail") or "auto")
    if family.images == "openai":
        tokens = openai_image(model, size or TYPICAL, detail)
    elif family.images == "gemini":
        tokens = gemini_image(size or TYPICAL)
    else:
        tokens = anthropic_image(size or TYPICAL)
    return Media(tokens, guessed=size is None or not family.images)


def openai_image(model: str, size: Size, detail: str) -> int:
    """Tokens of an image by OpenAI's rule for `model`: patches of 32 pixels, or tiles of 512 after two resizings."""
    for pattern, permille in PATCHES:
        if re.search(pattern, model):
            return ceil(_patches(size) * permille / 1000)
    base, per_tile = next((base, tile) for pattern, base, tile in TILES if re.search(pattern, model))
    if detail == "low":
        return base
    fitted = _fit(size, longest=2048)
    shrink = min(1.0, 768 / min(fitted))
    tiles = ceil(fitted.width * shrink / 512) * ceil(fitted.height * shrink / 512)
    return base + per_tile * tiles


def _patches(size: Size) -> int:
    width, height = size
    patches = ceil(width / 32) * ceil(height / 32)
    if patches <= MOST_PATCHES:
        return patches
    shrink = sqrt(MOST_PATCHES * 32 * 32 / (width * height))
    across, down = width * shrink / 32, height * shrink / 32
    shrink *= min(max(1, int(across)) / across, max(1, int(down)) / down)
    return min(MOST_PATCHES, ceil(width * shrink / 32 - 1e-9) * ceil(height * shrink / 32 - 1e-9))


def anthropic_image(size: Size) -> int:
    """Width times height over 750, after fitting into 1,568 pixels and about 1,600 tokens.

    Source: https://docs.claude.com/en/docs/build-with-claude/vision, 2025-11
    """
    fitted = _fit(size, longest=1568)
    return min(1600, ceil(fitted.width * fitted.height / 750))


def gemini_image(size: Size) -> int:
    """258 tokens up to 384 pixels both ways, else 258 for each tile of a size between 256 and 768 pixels.

    Source: https://ai.google.dev/gemini-api/docs/tokens, 2025-11
    """
    if max(size) <= 384:  # noqa: PLR2004 the rule's own number
        return 258
    unit = max(256, min(768, int(min(size) / 1.5)))
    return 258 * ceil(size.width / unit) * ceil(size.height / unit)


def _fit(size: Size, *, longest: int) -> Size:
    shrink = min(1.0, longest / max(size))
    return Size(max(1, round(size.width * shrink)), max(1, round(size.height * shrink)))


def _audio(block: dict[Any, Any], family: Family) -> Media:
    """32 tokens a second for Gemini, 10 for OpenAI; the seconds from the size of the data, at 16 kB a second.

    Source: https://ai.google.dev/gemini-api/docs/audio and OpenAI's realtime cost guide (1 token per 100 ms), 2025-11
    """
    seconds = max(1, len(_payload(block)) * 3 // 4 // 16_000)
    return Media(seconds * (32 if family.images == "gemini" else 10), guessed=True)


def _document(block: dict[Any, Any], family: Family) -> Media | None:
    """Per page 258 tokens for Gemini, else about 2,000 (1,500 to 3,000 with its picture); plain text is no document.

    Source: https://ai.google.dev/gemini-api/docs/document-processing,
    https://docs.claude.com/en/docs/build-with-claude/pdf-support, 2025-11
    """
    payload = _payload(block)
    if isinstance(block.get("source"), dict) and block["source"].get("type") in ("text", "content"):
        return None
    pages = pdf_pages(payload) or max(1, len(payload) * 3 // 4 // BYTES_PER_PDF_PAGE)
    return Media(pages * (258 if family.images == "gemini" else 2000), guessed=True)


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
    return found if min(found) > 0 else None


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

"""Images, sound and documents count by each provider's published rule, from their first bytes, never fetched."""

import base64
import struct

import pytest

from costspan import token_counter
from costspan.tokens.counting import ask
from costspan.tokens.families import family_of
from costspan.tokens.media import (
    COARSE,
    FINE,
    MEDIA_ERROR,
    Size,
    anthropic_image,
    gemini_image,
    image_size,
    openai_image,
    pdf_pages,
)

PNG = b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR" + struct.pack(">II", 800, 600)
GIF = b"GIF89a" + struct.pack("<HH", 320, 200)
JPEG = (
    b"\xff\xd8\xff\xe0\x00\x10" + b"\x00" * 14 + b"\xff\xc0\x00\x11\x08" + struct.pack(">HH", 480, 640) + b"\x00" * 12
)
WEBP_LOSSY = b"RIFF\x00\x00\x00\x00WEBPVP8 " + b"\x00" * 10 + struct.pack("<HH", 400, 300)
WEBP_LOSSLESS = b"RIFF\x00\x00\x00\x00WEBPVP8L" + b"\x00" * 5 + struct.pack("<I", 399 | 299 << 14)
WEBP_EXTENDED = b"RIFF\x00\x00\x00\x00WEBPVP8X" + b"\x00" * 8 + b"\x8f\x01\x00\x2b\x01\x00"


@pytest.mark.parametrize(
    ("data", "size"),
    [
        (PNG, (800, 600)),
        (GIF, (320, 200)),
        (JPEG, (640, 480)),
        (WEBP_LOSSY, (400, 300)),
        (WEBP_LOSSLESS, (400, 300)),
        (WEBP_EXTENDED, (400, 300)),
    ],
    ids=["png", "gif", "jpeg", "webp lossy", "webp lossless", "webp extended"],
)
def test_an_images_size_is_in_its_first_bytes(data, size):
    assert image_size(data) == size
    assert image_size(base64.b64encode(data).decode()) == size


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\x89PNG",
        b"GIF8",
        JPEG[:12],
        WEBP_LOSSY[:20],
        b"BM",
        "not base64!",
        "é",
        PNG[:16] + b"\x00" * 8,
        PNG[:16] + b"\x7f\xff\xff\xff" * 2,
    ],
)
def test_what_is_no_image_has_no_size(data):
    assert image_size(data) is None


@pytest.mark.parametrize(
    ("model", "size", "detail", "tokens"),
    [
        ("gpt-4o", (1024, 1024), "high", 765),  # OpenAI's own examples
        ("gpt-4o", (2048, 4096), "high", 1105),
        ("gpt-4o", (4096, 8192), "low", 85),
        ("gpt-4o", (512, 512), "auto", 255),
        ("gpt-4o-mini", (1024, 1024), "high", 25_501),
        ("o3", (1024, 1024), "high", 675),
        ("gpt-5", (1024, 1024), "high", 630),
        ("gpt-4.1-mini", (1024, 1024), "high", 1659),  # 1024 patches x 1.62
        ("gpt-4.1-nano", (1024, 1024), "low", 630),  # 256 patches of 512 x 512 pixels
        ("o4-mini", (1800, 2400), "high", 2497),  # OpenAI's own example: 1,452 patches, x 1.72
        ("gpt-6-astra", (256, 256), "auto", 77),  # measured in a public data set: patches x 1.2
        ("gpt-6-astra", (3840, 2160), "auto", 9792),
        ("gpt-6-astra", (2560, 1440), "high", 2931),
        ("gpt-6-astra", (4000, 4000), "low", 308),
        ("gpt-5.5", (4032, 3024), "auto", 11_868),
        ("gpt-5.4", (4032, 3024), "original", 11_868),
        ("gpt-5.4", (4032, 3024), "auto", 2942),
        ("gpt-5.4-mini", (1024, 1024), "high", 1659),
    ],
)
def test_openai_bills_tiles_or_patches(model, size, detail, tokens):
    assert openai_image(model, Size(*size), detail) == pytest.approx(tokens, abs=1)


@pytest.mark.parametrize(
    ("model", "size", "tokens"),
    [
        ("claude-opus-5", (1024, 1024), 1369),
        ("claude-opus-5", (1920, 1080), 2691),  # Anthropic's own examples
        ("claude-opus-4-7", (3840, 2160), 4784),
        ("claude-sonnet-4.6", (3840, 2160), 1560),
        ("claude-haiku-4-5-20251001", (1280, 720), 1196),
        ("claude-sonnet-4-5", (1075, 1520), 1551),  # shrunk to 924 x 1307
        ("claude-sonnet-4-20250514", (9000, 30), 56),
        ("claude-3-haiku-20240307", (3000, 3000), 39 * 39),
        ("claude-3-5-sonnet@20240620", (28, 28), 1),
        ("anything", (1, 1), 1),
    ],
)
def test_anthropic_bills_patches_of_28_pixels_and_later_models_see_more_of_them(model, size, tokens):
    limits = FINE if family_of(model).images == "anthropic_fine" else COARSE
    assert anthropic_image(Size(*size), *limits) == tokens


@pytest.mark.parametrize(("size", "tokens"), [((384, 384), 258), ((960, 540), 258 * 6), ((3000, 3000), 258 * 16)])
def test_gemini_before_3_bills_tiles_of_258(size, tokens):
    assert gemini_image("gemini-2.5-flash", Size(*size), {}) == tokens


@pytest.mark.parametrize(
    ("block", "tokens"),
    [
        ({}, 1120),
        ({"media_resolution": "MEDIA_RESOLUTION_LOW"}, 280),
        ({"mediaResolution": {"level": "MEDIA_RESOLUTION_MEDIUM"}}, 560),
        ({"resolution": "ultra_high"}, 2240),
        ({"resolution": "odd"}, 1120),
    ],
)
def test_gemini_since_3_bills_the_resolution_asked_for(block, tokens):
    assert gemini_image("gemini-3-flash-preview", Size(10, 10), block) == tokens
    assert gemini_image("gemini-flash-latest", Size(3000, 3000), block) == tokens


def extra(model, block):
    """What a block adds to a message."""
    alone = token_counter(model, messages=[{"role": "user", "content": []}])
    with_it = token_counter(model, messages=[{"role": "user", "content": [block]}])
    return int(with_it) - int(alone), with_it.source.value


DATA = base64.b64encode(PNG).decode()


def test_a_prompt_with_a_picture_is_not_called_exact_as_the_rules_leave_out_how_they_round():
    picture = {"type": "input_image", "image_url": "data:image/png;base64," + DATA}
    counted = ask({"input": [{"role": "user", "content": [picture]}]}, "gpt-4o").count()
    assert (counted.exact, counted.error) == (False, MEDIA_ERROR)


@pytest.mark.parametrize(
    ("model", "block", "tokens"),
    [
        ("gpt-4o", {"type": "image_url", "image_url": {"url": "data:image/png;base64," + DATA}}, 765),
        ("gpt-4o", {"type": "image_url", "image_url": {"url": "data:image/png;base64," + DATA, "detail": "low"}}, 85),
        ("gpt-4o", {"type": "input_image", "image_url": "data:image/png;base64," + DATA, "detail": "low"}, 85),
        ("claude-opus-5", {"type": "image", "source": {"type": "base64", "data": DATA}}, 638),
        ("nova-pro", {"image": {"format": "png", "source": {"bytes": PNG}}}, 638),
        ("gemini-2.5-flash", {"inlineData": {"mimeType": "image/png", "data": DATA}}, 258 * 4),
        ("gemini-2.5-flash", {"inline_data": {"mime_type": "image/png", "data": PNG}}, 258 * 4),
    ],
)
def test_an_image_in_a_message_counts_by_its_size(model, block, tokens):
    assert extra(model, block)[0] == tokens


@pytest.mark.parametrize(
    ("model", "block", "tokens"),
    [
        ("gpt-4o-audio", {"type": "input_audio", "input_audio": {"data": "A" * 64_000, "format": "wav"}}, 30),
        ("gemini-2.5-flash", {"inlineData": {"mimeType": "audio/mp3", "data": "A" * 64_000}}, 96),
        ("gemini-2.5-flash", {"fileData": {"mimeType": "application/pdf", "fileUri": "gs://b/x.pdf"}}, 258),
        ("gemini-3.8-flash", {"fileData": {"mimeType": "application/pdf", "fileUri": "gs://b/x.pdf"}}, 560),
        ("claude-opus-5", {"type": "document", "source": {"type": "url", "url": "https://example.com/x.pdf"}}, 2000),
        ("gpt-4o", {"type": "file", "file": {"file_id": "file-1"}}, 2000),
        ("nova-pro", {"document": {"format": "pdf", "source": {"bytes": b"%PDF /Type /Page /Type/Page"}}}, 4000),
    ],
)
def test_sound_and_documents_are_guessed_and_say_so(model, block, tokens):
    assert extra(model, block) == (tokens, "heuristic")


def test_a_document_of_plain_text_is_its_text():
    block = {"type": "document", "source": {"type": "text", "media_type": "text/plain", "data": "x"}, "title": "hello"}
    assert extra("claude-opus-5", block)[0] < 10


def test_pages_are_counted_where_a_pdf_shows_them():
    pdf = b"%PDF-1.4 /Type /Pages /Type /Page /Type/Page"
    assert pdf_pages(pdf) == 2
    assert pdf_pages(base64.b64encode(pdf).decode()) == 2
    assert pdf_pages("") == 0


def test_where_the_rule_for_images_is_not_public_the_count_is_a_guess():
    told = [{"role": "user", "content": [{"type": "image", "source": {"type": "base64", "data": DATA}}]}]
    assert token_counter("claude-sonnet-4-5", messages=told).error == 0.1
    assert token_counter("palmyra-x5", messages=told).error == 0.25
    assert token_counter("gpt-5.4", messages=told).error == 0.25
    assert token_counter("gpt-5.4-mini", messages=told).error == MEDIA_ERROR

"""A reference image is believed by its bytes alone, and must fit the video to the pixel."""

import struct
import zlib
from contextlib import suppress
from io import BytesIO

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from domain.errors import InvalidRequest
from domain.reference_image import read_reference_image
from tests.unit.examples import an_image

SMALL = {name: an_image(name, width=64, height=48) for name in ("JPEG", "PNG", "WEBP")}


def a_png_header(width: int, height: int) -> bytes:
    """A PNG that claims a size and holds not a single pixel."""
    header = b"IHDR" + struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    chunks = struct.pack(">I", 13) + header + struct.pack(">I", zlib.crc32(header)) + struct.pack(">I", 9) + b"IDAT"
    return b"\x89PNG\r\n\x1a\n" + chunks


def refusal_of(content: bytes, size: str = "64x48") -> InvalidRequest:
    with pytest.raises(InvalidRequest) as refused:
        read_reference_image(content, size=size)
    assert refused.value.param == "input_reference"
    return refused.value


@pytest.mark.parametrize(
    ("image_format", "content_type", "file_name"),
    [
        ("JPEG", "image/jpeg", "input_reference.jpeg"),
        ("PNG", "image/png", "input_reference.png"),
        ("WEBP", "image/webp", "input_reference.webp"),
    ],
)
def test_is_known_by_its_bytes(image_format: str, content_type: str, file_name: str):
    image = read_reference_image(SMALL[image_format], size="64x48")
    assert (image.content, image.content_type, image.file_name) == (SMALL[image_format], content_type, file_name)


def test_a_phone_photo_with_a_second_picture_inside_is_a_jpeg():
    file, picture = BytesIO(), Image.new("RGB", (64, 48))
    picture.save(file, "MPO", save_all=True, append_images=[picture])
    assert read_reference_image(file.getvalue(), size="64x48").content_type == "image/jpeg"


@pytest.mark.parametrize("image_format", SMALL)
def test_other_pixels_are_refused_with_both_sizes(image_format: str):
    refusal = refusal_of(SMALL[image_format], size="1280x720")
    assert refusal.code == "invalid_image_size"
    assert "64x48" in refusal.message
    assert "1280x720" in refusal.message


@pytest.mark.parametrize("content", [b"", b"hello", b"<svg/>", an_image("GIF"), an_image("BMP"), SMALL["JPEG"][:20]])
def test_what_is_no_readable_image_is_refused(content: bytes):
    assert refusal_of(content).code == "invalid_image"


def test_a_header_that_claims_a_gigapixel_is_refused():
    assert read_reference_image(a_png_header(64, 48), size="64x48").content_type == "image/png"
    assert refusal_of(a_png_header(60_000, 60_000)).code == "invalid_image"


@pytest.mark.filterwarnings("ignore::PIL.Image.DecompressionBombWarning")  # Pillow only warns below its hard limit
def test_a_header_that_claims_a_hundred_megapixels_is_of_the_wrong_size():
    assert "10000x10000" in refusal_of(a_png_header(10_000, 10_000)).message


@given(st.sampled_from(sorted(SMALL)), st.data())
def test_a_damaged_file_is_taken_or_refused_but_never_breaks_anything(image_format: str, data: st.DataObject):
    content = bytearray(SMALL[image_format])
    for _ in range(data.draw(st.integers(1, 6))):
        content[data.draw(st.integers(0, min(len(content), 120) - 1))] = data.draw(st.integers(0, 255))
    cut = data.draw(st.integers(0, len(content)))
    with suppress(InvalidRequest):
        read_reference_image(bytes(content[:cut]), size="64x48")

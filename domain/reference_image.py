"""A reference image, known by its bytes: what a file says of itself is not believed."""

from io import BytesIO
from typing import NamedTuple

from PIL import Image, UnidentifiedImageError

from domain.errors import InvalidRequest

_FORMATS = ("JPEG", "PNG", "WEBP")
_CONTENT_TYPES = {
    "JPEG": "image/jpeg",
    "MPO": "image/jpeg",  # what Pillow calls a JPEG with further pictures inside, as phones take them
    "PNG": "image/png",
    "WEBP": "image/webp",
}


class ReferenceImage(NamedTuple):
    """An image that fits the video asked for."""

    content: bytes
    content_type: str

    @property
    def file_name(self) -> str:
        """A name that says what it is."""
        return f"input_reference.{self.content_type.removeprefix('image/')}"


def read_reference_image(content: bytes, *, size: str) -> ReferenceImage:
    """Look at an image's header; its pixels are not decoded.

    Args:
        content: The file.
        size: The size of the video, WIDTHxHEIGHT in pixels; an image of another is refused by every upstream.

    Raises:
        InvalidRequest: It is no JPEG, PNG or WebP, or not of that size.
    """
    try:
        with Image.open(BytesIO(content), formats=_FORMATS) as image:
            format_name, pixels = image.format or "", f"{image.width}x{image.height}"
    except (UnidentifiedImageError, OSError, ValueError, Image.DecompressionBombError):
        raise InvalidRequest(
            "The input_reference is not an image that can be read. Send a JPEG, PNG or WebP file.",
            param="input_reference",
            code="invalid_image",
        ) from None
    if pixels != size:
        raise InvalidRequest(
            f"The input_reference has {pixels} pixels and the video {size}. Resize the image, or ask for another size.",
            param="input_reference",
            code="invalid_image_size",
        )
    return ReferenceImage(content, _CONTENT_TYPES[format_name])

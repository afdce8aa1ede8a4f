"""Makes a picture such as Content Safety takes it."""

from io import BytesIO

from PIL import Image

from domain.errors import CheckImpossible

_MOST_BYTES = 4 * 1024 * 1024
_LEAST_PIXELS, _MOST_PIXELS = 50, 2_048
"""https://learn.microsoft.com/azure/ai-services/content-safety/overview#input-requirements"""


def analysable(content: bytes) -> bytes:
    """The picture, or a smaller or larger one where the service would refuse it.

    Raises:
        CheckImpossible: It cannot be read.
    """
    try:
        with Image.open(BytesIO(content)) as image:
            if len(content) <= _MOST_BYTES and all(_LEAST_PIXELS <= side <= _MOST_PIXELS for side in image.size):
                return content
            return _fitted(image)
    except (OSError, ValueError, Image.DecompressionBombError) as error:
        raise CheckImpossible(f"the picture cannot be read ({type(error).__name__})") from None


def _fitted(image: Image.Image) -> bytes:
    scale = min(1.0, _MOST_PIXELS / max(image.size))
    width, height = (max(_LEAST_PIXELS, int(side * scale)) for side in image.size)
    file = BytesIO()
    image.convert("RGB").resize((width, height)).save(file, "JPEG", quality=90)
    return file.getvalue()

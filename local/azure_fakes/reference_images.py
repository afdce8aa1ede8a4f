"""Checks the image a video may start from."""

import asyncio
import base64
import binascii
import io

import httpx
from PIL import Image, UnidentifiedImageError
from starlette.datastructures import UploadFile

from local.azure_fakes.errors import invalid_request


async def check_reference(reference: object, size: str) -> None:
    """Check that a reference image can be had and has the pixels of the video.

    Args:
        reference: A file part, or an object with `image_url` or `file_id`.
        size: Width and height of the video, such as `1280x720`.

    Raises:
        AzureError: 400.
    """
    content = await _content(reference)
    if await asyncio.to_thread(_pixels, content) != size:
        raise invalid_request("Inpaint image must match the requested width and height")


async def _content(reference: object) -> bytes:
    match reference:
        case UploadFile():
            return await reference.read()
        case {"image_url": str(url)} if url.startswith("data:"):
            return _from_data_url(url)
        case {"image_url": str(url)}:
            return await _fetched(url)
        case {"file_id": str(file_id)}:
            raise invalid_request(f"No such File object: {file_id}")
        case _:
            raise invalid_request("Invalid type for 'input_reference': expected a file, an image_url or a file_id.")


def _from_data_url(url: str) -> bytes:
    header, _, data = url.partition(",")
    if not header.endswith(";base64"):
        raise invalid_request("Invalid image_url: only base64 data URLs are supported.")
    try:
        return base64.b64decode(data, validate=True)
    except binascii.Error as error:
        raise invalid_request("Invalid image_url: the data is not valid base64.") from error


async def _fetched(url: str) -> bytes:
    try:
        async with httpx.AsyncClient(follow_redirects=True) as client:
            return (await client.get(url)).raise_for_status().content
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        raise invalid_request(f"Error while downloading {url}.") from error


def _pixels(content: bytes) -> str:
    try:
        with Image.open(io.BytesIO(content), formats=("JPEG", "PNG", "WEBP")) as image:
            return f"{image.width}x{image.height}"
    except UnidentifiedImageError as error:
        raise invalid_request("Invalid image file. Supported formats are jpeg, png and webp.") from error

"""The reference image of a request: a file, a data URL or a public https URL."""

import base64
import binascii
import re
from collections.abc import Mapping
from typing import Any

from clients.remote_files import RemoteFiles
from domain.errors import InvalidRequest
from domain.reference_image import ReferenceImage, read_reference_image
from intake.fields import SentFile

PARAM = "input_reference"
_DATA_URL = re.compile(r"data:[\w.+-]+/[\w.+-]+;base64,(?P<data>.*)", re.DOTALL)


async def read_input_reference(
    fields: Mapping[str, Any], *, size: str, remote_files: RemoteFiles
) -> ReferenceImage | None:
    """The image to start from, if there is one.

    Args:
        fields: The request's.
        size: The size of the video.
        remote_files: Fetches a URL.

    Raises:
        InvalidRequest: It cannot be had, or does not fit.
    """
    match fields.get(PARAM):
        case None | "":
            return None
        case SentFile() as sent:
            content = sent.content
        case {"image_url": str() as url}:
            content = await _from_url(url, remote_files)
        case {"image_url": {"url": str() as url}}:
            content = await _from_url(url, remote_files)
        case _:
            raise InvalidRequest("Send the input_reference as a file, or as {'image_url': URL}.", param=PARAM)
    return read_reference_image(content, size=size)


async def _from_url(url: str, remote_files: RemoteFiles) -> bytes:
    data_url = _DATA_URL.fullmatch(url)
    if data_url is None:
        return await remote_files.fetch(url, param=PARAM)
    try:
        return base64.b64decode(data_url["data"], validate=True)
    except binascii.Error as error:
        message = f"The data URL of the input_reference is not base64: {error}."
        raise InvalidRequest(message, param=PARAM, code="invalid_image_url") from error

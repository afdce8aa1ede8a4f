"""The reference image of a request: a file, a file uploaded before, a data URL or a public https URL."""

import base64
import binascii
import re
from collections.abc import Mapping
from typing import Any

from clients.remote_files import RemoteFiles
from domain.errors import InvalidRequest, PayloadTooLarge
from domain.file import IMAGES
from domain.reference_image import ReferenceImage, read_reference_image
from intake.fields import SentFile
from intake.services import Intake

PARAM = "input_reference"
_DATA_URL = re.compile(r"data:[\w.+-]+/[\w.+-]+;base64,(?P<data>.*)", re.DOTALL)


async def read_input_reference(
    fields: Mapping[str, Any], *, size: str, tenant: str, intake: Intake
) -> ReferenceImage | None:
    """The image to start from, if there is one.

    Args:
        fields: The request's.
        size: The size of the video.
        tenant: Who asks.
        intake: Finds a file, and fetches a URL.

    Raises:
        InvalidRequest: It cannot be had, or does not fit.
        NotFound: The tenant has no such file.
    """
    match fields.get(PARAM):
        case None | "":
            return None
        case SentFile() as sent:
            content = sent.content
        case {"image_url": str() as url}:
            content = await _from_url(url, intake.remote_files)
        case {"image_url": {"url": str() as url}}:
            content = await _from_url(url, intake.remote_files)
        case {"file_id": str() as file_id}:
            content = await _from_file(file_id, tenant, intake)
        case _:
            message = "Send the input_reference as a file, as {'image_url': URL} or as {'file_id': ID}."
            raise InvalidRequest(message, param=PARAM)
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


async def _from_file(file_id: str, tenant: str, intake: Intake) -> bytes:
    file = await intake.files.records.get(tenant, file_id)
    if file.purpose not in IMAGES:
        allowed = " or ".join(IMAGES)
        message = f"The file was uploaded for the purpose '{file.purpose}'. Upload images for {allowed}."
        raise InvalidRequest(message, param=PARAM)
    if file.size_bytes > intake.remote_files.max_bytes:
        raise PayloadTooLarge(f"The file is larger than {intake.remote_files.max_bytes} bytes.", param=PARAM)
    return await intake.files.blobs.read(file.blob)

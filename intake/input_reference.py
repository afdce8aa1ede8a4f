"""The reference image of a request: a file, a file uploaded before, a data URL or a public https URL."""

from collections.abc import Mapping
from typing import Any

from domain.input_reference import PARAM, Link, Uploaded, check_upload, read_pointer
from domain.reference_image import ReferenceImage, read_reference_image
from intake.fields import SentFile
from intake.services import Intake


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
    value = fields.get(PARAM)
    match value.content if isinstance(value, SentFile) else read_pointer(value):
        case None:
            return None
        case Link(url):
            content = await intake.remote_files.fetch(url, param=PARAM)
        case Uploaded(file_id):
            content = await _from_file(file_id, tenant, intake)
        case content:
            pass
    return read_reference_image(content, size=size)


async def _from_file(file_id: str, tenant: str, intake: Intake) -> bytes:
    file = await intake.files.records.get(tenant, file_id)
    check_upload(file, intake.remote_files.limits)
    return await intake.files.blobs.read(file.blob)

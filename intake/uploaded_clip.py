"""A video that was uploaded before: looked at where it is, so that however large it is, little of it is in memory."""

from typing import Final

from domain.clip import BOX_HEADER_BYTES, MOVIE, Clip, read_box, read_clip
from domain.derivation import PARAM
from domain.errors import InvalidRequest
from domain.file import SOURCES, File
from intake.services import Intake

_MOST_BOXES: Final = 50
_LONGEST_MOVIE_BYTES: Final = 16 * 1024 * 1024
"""An hour has some hundred kilobytes of it."""


async def read_uploaded_clip(file_id: str, *, tenant: str, intake: Intake) -> Clip:
    """Look at a file of a tenant; its bytes stay where they are.

    Args:
        file_id: As the caller sent it.
        tenant: Who asks.
        intake: Finds the file.

    Raises:
        InvalidRequest: It is no video that can be read, or for something else.
        NotFound: The tenant has no such file.
    """
    file = await intake.files.records.get(tenant, file_id)
    if file.purpose not in SOURCES:
        message = f"The file was uploaded for the purpose '{file.purpose}'. Upload videos as user_data or for vision."
        raise InvalidRequest(message, param=PARAM)
    return read_clip(await _movie(file, intake))._replace(content=file)


async def _movie(file: File, intake: Intake) -> bytes:
    """The box that tells what is in the file, which may be the last one; nothing if there is none."""
    blobs, start, left = intake.files.blobs, 0, file.size_bytes
    for _ in range(_MOST_BOXES):
        if left <= 0:
            break
        head = await blobs.read(file.blob, offset=start, length=min(BOX_HEADER_BYTES, left))
        try:
            box = read_box(memoryview(head), left)
        except ValueError:
            break
        if box.kind == MOVIE and box.size <= _LONGEST_MOVIE_BYTES:
            return await blobs.read(file.blob, offset=start, length=min(box.size, left))
        start, left = start + box.size, left - box.size
    return b""

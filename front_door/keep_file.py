"""Keeps what a caller uploads."""

from collections.abc import Mapping
from datetime import datetime, timedelta

from clients.blob_store import BLOCK_BYTES
from domain.errors import InvalidRequest
from domain.file import FILE_IDS, UPLOADABLE, File, Purpose
from domain.timed_id import ID_RANDOM_BYTES
from front_door.services import FrontDoorServices
from front_door.upload_form import Upload

_FILENAME_LIMIT = 512
_LIFETIME = range(3_600, 2_592_001)


async def keep_file(upload: Upload, *, tenant: str, services: FrontDoorServices) -> File:
    """Store a file, then its record; whatever is wrong with the fields is told before.

    Args:
        upload: The form.
        tenant: Whose.
        services: Clients and clock.

    Raises:
        InvalidRequest: A field cannot be what it is.
    """
    now = services.clock()
    purpose, expires_at = _purpose(upload.fields), _expires_at(upload.fields, now)
    if len(upload.filename) > _FILENAME_LIMIT:
        raise InvalidRequest(f"The file's name is longer than {_FILENAME_LIMIT} characters.", param="file")
    file_id = FILE_IDS.new(now, services.intake.randomness(ID_RANDOM_BYTES))
    stored = await services.files.upload(tenant, file_id, upload.chunks(BLOCK_BYTES))
    file = File(
        file_id=file_id,
        tenant=tenant,
        filename=upload.filename,
        purpose=purpose,
        size_bytes=stored.size_bytes,
        created_at=now,
        expires_at=expires_at,
        sha256=stored.sha256,
    )
    await services.files.records.insert(file)
    return file


def _purpose(fields: Mapping[str, str]) -> Purpose:
    for purpose in UPLOADABLE:
        if fields.get("purpose") == purpose:
            return purpose
    raise InvalidRequest(f"Say what the file is for. Allowed: {', '.join(UPLOADABLE)}.", param="purpose")


def _expires_at(fields: Mapping[str, str], now: datetime) -> datetime | None:
    """Both fields of `expires_after`, or none."""
    anchor, seconds = fields.get("expires_after[anchor]"), fields.get("expires_after[seconds]")
    if anchor is None and seconds is None:
        return None
    if anchor != "created_at" or not (seconds and seconds.isdecimal() and int(seconds) in _LIFETIME):
        message = f"The anchor is 'created_at' and the seconds {_LIFETIME[0]} to {_LIFETIME[-1]}."
        raise InvalidRequest(message, param="expires_after")
    return now + timedelta(seconds=int(seconds))

"""A file that a tenant uploaded, or that was made for it."""

from datetime import datetime
from enum import StrEnum

from pydantic import BaseModel, ConfigDict

from domain.timed_id import TimedIds

FILE_IDS = TimedIds("file", "file-")


class Purpose(StrEnum):
    """What a file is for, by OpenAI's names."""

    BATCH = "batch"
    VISION = "vision"
    USER_DATA = "user_data"
    BATCH_OUTPUT = "batch_output"


UPLOADABLE = (Purpose.BATCH, Purpose.VISION, Purpose.USER_DATA)
SOURCES = (Purpose.VISION, Purpose.USER_DATA)
"""The purposes of files that a video may start from, or be made of."""


class File(BaseModel):
    """What is known of a file; its bytes are the blob.

    Attributes:
        filename: What its tenant calls it.
        size_bytes: Its length; a file that is still being written grows.
        expires_at: When its tenant needs it no more, if it said so.
        sha256: Lower-case hex digest of its bytes; None while they may grow.
    """

    model_config = ConfigDict(frozen=True)

    file_id: str
    tenant: str
    filename: str
    purpose: Purpose
    size_bytes: int
    created_at: datetime
    expires_at: datetime | None = None
    sha256: str | None = None

    @property
    def blob(self) -> str:
        """Where its bytes are."""
        return file_blob(self.tenant, self.file_id)

    @property
    def version(self) -> str:
        """Another one whenever its bytes are others: they are never replaced, at most more."""
        return f"{self.file_id}-{self.size_bytes}"


def file_blob(tenant: str, file_id: str) -> str:
    """The name of the blob that holds a file, within its container."""
    return f"{tenant}/{file_id}"

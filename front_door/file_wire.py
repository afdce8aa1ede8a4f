"""What we answer of files: OpenAI's shapes."""

from collections.abc import Sequence
from typing import Literal, Self

from pydantic import BaseModel

from domain.file import File, Purpose


class FileAnswer(BaseModel):
    """OpenAI's file object. Times are seconds since 1970."""

    id: str
    object: Literal["file"] = "file"
    bytes: int
    created_at: int
    expires_at: int | None
    filename: str
    purpose: Purpose
    status: Literal["processed"] = "processed"

    @classmethod
    def of(cls, file: File) -> Self:
        """From a record."""
        return cls(
            id=file.file_id,
            bytes=file.size_bytes,
            created_at=int(file.created_at.timestamp()),
            expires_at=int(file.expires_at.timestamp()) if file.expires_at else None,
            filename=file.filename,
            purpose=file.purpose,
        )


class FileList(BaseModel):
    """One page of files; the next begins `after` the last id."""

    object: Literal["list"] = "list"
    data: Sequence[FileAnswer]
    first_id: str | None
    last_id: str | None
    has_more: bool


class DeletedFile(BaseModel):
    """What DELETE answers."""

    id: str
    object: Literal["file"] = "file"
    deleted: Literal[True] = True

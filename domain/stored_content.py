"""One file in our blob storage."""

from pydantic import BaseModel, ConfigDict


class StoredContent(BaseModel):
    """One file in our blob storage.

    Attributes:
        blob: Name within the container.
        content_type: A media type.
        size_bytes: Its length.
        sha256: Lower-case hex digest of its bytes.
    """

    model_config = ConfigDict(frozen=True)
    blob: str
    content_type: str
    size_bytes: int
    sha256: str

"""Files: their records and their bytes."""

from collections.abc import AsyncIterator
from dataclasses import dataclass

from clients.blob_store import BlobStore
from clients.file_table import FileTable
from domain.file import file_blob
from domain.video import StoredContent

_CONTENT_TYPE = "application/octet-stream"
"""Whatever a tenant says it is: no browser shall run it."""


@dataclass(frozen=True)
class Files:
    """Keeps records and bytes together: there are no bytes that no row tells of.

    Attributes:
        records: The rows.
        blobs: The container.
    """

    records: FileTable
    blobs: BlobStore

    async def upload(self, tenant: str, file_id: str, chunks: AsyncIterator[bytes]) -> StoredContent:
        """Store bytes, whole or not at all; the record is the caller's to insert.

        Args:
            tenant: Whose.
            file_id: A new one.
            chunks: Each a block of at most `BLOCK_BYTES`.

        Raises:
            Exception: Whatever `chunks` raises.
        """
        await self.records.expect(tenant, file_id)
        return await self.blobs.put_stream(file_blob(tenant, file_id), chunks, _CONTENT_TYPE)

    async def remove(self, tenant: str, file_id: str) -> None:
        """Remove a file; harmless when it is gone. The last row goes last: by it, what is left half done is found."""
        await self.records.forget(tenant, file_id)
        await self.blobs.delete(file_blob(tenant, file_id))
        await self.records.remove(tenant, file_id)

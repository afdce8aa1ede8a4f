"""Makes a batch of each version of a .jsonl file in the inbox."""

from dataclasses import dataclass

from clients.blob_store import BlobStore, BlobVersion
from domain.batch_terms import LONGEST_INPUT_BYTES
from domain.errors import NotFound, PayloadTooLarge
from domain.file import FILE_IDS, File, Purpose
from domain.inbox import InboxFile
from domain.timed_id import ID_RANDOM_BYTES, draws_of
from intake.batches import BatchIds, BatchIntake, BatchTerms, accept_batch

_METADATA_LIMIT = 512


@dataclass(frozen=True)
class InboxBatches:
    """Copies a file to where batches read, and accepts the batch.

    Every id is drawn from the file's name, ETag and time, so that doing it again copies nothing and makes the same
    batch.

    Attributes:
        inbox: The container that holds the inbox.
        intake: What accepting a batch works with.
        max_bytes: The longest file.
    """

    inbox: BlobStore
    intake: BatchIntake
    max_bytes: int

    async def accept(self, file: InboxFile) -> None:
        """Make the batch of a file as it now is, unless that is gone.

        Raises:
            InvalidRequest: It cannot be a batch.
            ResourceModifiedError: It was written anew meanwhile.
        """
        try:
            version = await self.inbox.version(file.blob)
        except NotFound:
            return
        if version.size_bytes > (longest := min(self.max_bytes, LONGEST_INPUT_BYTES)):
            raise PayloadTooLarge(f"The file is larger than {longest} bytes.")
        draw = draws_of(f"{version.blob}\n{version.etag}\n")
        file_id = FILE_IDS.new(version.written_at, draw(ID_RANDOM_BYTES))
        ids = BatchIds.drawn(version.written_at, draw)
        try:
            await self.intake.files.records.get(file.tenant, file_id)
        except NotFound:
            await self._copy(file, version, file_id)
        terms = BatchTerms(metadata={"blob": file.blob[-_METADATA_LIMIT:]}, ids=ids)
        await accept_batch(file_id, tenant=file.tenant, terms=terms, intake=self.intake)

    async def _copy(self, file: InboxFile, version: BlobVersion, file_id: str) -> None:
        stored = await self.intake.files.upload(file.tenant, file_id, self.inbox.blocks_of(version))
        kept = File(
            file_id=file_id,
            tenant=file.tenant,
            filename=file.path.name,
            purpose=Purpose.BATCH,
            size_bytes=stored.size_bytes,
            created_at=version.written_at,
            sha256=stored.sha256,
        )
        await self.intake.files.records.insert(kept)

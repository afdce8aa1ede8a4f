"""Our own Blob Storage: finished videos, and the inputs they were asked with."""

import asyncio
import hashlib
from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import suppress
from datetime import datetime, timedelta
from http import HTTPStatus
from typing import NamedTuple, Protocol

from azure.core import MatchConditions
from azure.core.exceptions import HttpResponseError, ResourceExistsError, ResourceNotFoundError
from azure.storage.blob import BlobBlock, BlobSasPermissions, ContentSettings, UserDelegationKey, generate_blob_sas
from azure.storage.blob.aio import BlobPrefix, BlobServiceClient, ContainerClient

from domain.errors import NotFound, PayloadTooLarge
from domain.file import File
from domain.video import StoredContent

BLOCK_BYTES = 4 * 1024 * 1024
_DELEGATION = timedelta(hours=12)
_CLOCK_SKEW = timedelta(minutes=5)


class LinkSigner(Protocol):
    """Signs read-only links to blobs."""

    async def sign(self, container: ContainerClient, blob: str, *, now: datetime, expires_at: datetime) -> str:
        """The query string that lets its bearer read one blob until `expires_at`."""
        ...


class AccountKeySigner:
    """Signs with the account's key, where an account has one.

    Args:
        account_key: Base64, as Azure gives it.
    """

    def __init__(self, account_key: str) -> None:
        self._key = account_key

    async def sign(self, container: ContainerClient, blob: str, *, now: datetime, expires_at: datetime) -> str:
        """See `LinkSigner`."""
        return _sas(container, blob, now, expires_at, account_key=self._key)


class UserDelegationSigner:
    """Signs with a key that the store lends to our identity for some hours; no account key exists.

    Args:
        service: Asked for the key; its identity needs Storage Blob Delegator.
    """

    def __init__(self, service: BlobServiceClient) -> None:
        self._service = service
        self._lock = asyncio.Lock()
        self._key: UserDelegationKey | None = None
        self._good_until: datetime | None = None

    async def sign(self, container: ContainerClient, blob: str, *, now: datetime, expires_at: datetime) -> str:
        """See `LinkSigner`."""
        async with self._lock:
            if self._key is None or self._good_until is None or self._good_until < expires_at:
                good_until = max(now + _DELEGATION, expires_at)
                self._key = await self._service.get_user_delegation_key(now - _CLOCK_SKEW, good_until)
                self._good_until = good_until
            key = self._key
        return _sas(container, blob, now, expires_at, user_delegation_key=key)


def _sas(container: ContainerClient, blob: str, now: datetime, expires_at: datetime, **key: object) -> str:
    return generate_blob_sas(
        account_name=container.account_name or "",
        container_name=container.container_name,
        blob_name=blob,
        permission=BlobSasPermissions(read=True),
        start=now - _CLOCK_SKEW,
        expiry=expires_at,
        **key,  # pyright: ignore[reportArgumentType] - the SDK types each key apart
    )


class WholeBlob(NamedTuple):
    """A small blob.

    Attributes:
        content: Its bytes.
        etag: What tells this version from every other.
    """

    content: bytes
    etag: str


class BlobVersion(NamedTuple):
    """A blob as it was written at some time.

    Attributes:
        blob: Its name.
        etag: What tells this version from every other.
        size_bytes: Its length.
        written_at: When it was written.
    """

    blob: str
    etag: str
    size_bytes: int
    written_at: datetime


class BlobStore:
    """One container.

    Args:
        container: Its credential needs data access.
        signer: Makes links.
    """

    def __init__(self, container: ContainerClient, signer: LinkSigner) -> None:
        self._container = container
        self._signer = signer

    async def put(self, blob: str, content: bytes, content_type: str) -> StoredContent:
        """Store a small file whole, over whatever was there."""
        sha256 = hashlib.sha256(content).hexdigest()
        settings = ContentSettings(content_type=content_type)
        await self._container.upload_blob(
            blob, content, overwrite=True, content_settings=settings, metadata={"sha256": sha256}
        )
        return StoredContent(blob=blob, content_type=content_type, size_bytes=len(content), sha256=sha256)

    async def put_stream(self, blob: str, chunks: AsyncIterator[bytes], content_type: str) -> StoredContent:
        """Store a file of any size; readers see it whole or not at all.

        Less than a block takes one request; more, one for each block. Block names are numbers, so a rerun overwrites
        what an interrupted run left.

        Args:
            blob: Its name.
            chunks: Its bytes, each chunk a block of at most `BLOCK_BYTES`.
            content_type: Its media type.

        Raises:
            Exception: Whatever `chunks` raises; nothing is stored then.
        """
        first = await anext(chunks, b"")
        if len(first) == BLOCK_BYTES:
            return await self._put_blocks(blob, _joined([first], chunks), content_type)
        second = await anext(chunks, None)
        if second is None:
            return await self.put(blob, first, content_type)
        return await self._put_blocks(blob, _joined([first, second], chunks), content_type)

    async def append(self, blob: str, content: bytes, *, at: int) -> bool:
        """Add to the end of a blob that only this writes, if it is as long as expected; at 0 it is made.

        Args:
            blob: Its name.
            content: At most `BLOCK_BYTES`.
            at: Its length.

        Returns:
            Whether it was: nothing is added otherwise.
        """
        client = self._container.get_blob_client(blob)
        try:
            if at == 0:
                with suppress(ResourceExistsError):
                    await client.create_append_blob(match_condition=MatchConditions.IfMissing)
            await client.append_block(content, length=len(content), appendpos_condition=at)
        except HttpResponseError as error:
            if error.status_code not in {HTTPStatus.PRECONDITION_FAILED, HTTPStatus.CONFLICT, HTTPStatus.NOT_FOUND}:
                raise
            return False
        return True

    async def size(self, blob: str) -> int:
        """The length of a blob in bytes; 0 if there is none."""
        try:
            return (await self._container.get_blob_client(blob).get_blob_properties()).size
        except ResourceNotFoundError:
            return 0

    async def read(self, blob: str, *, offset: int = 0, length: int | None = None) -> bytes:
        """The bytes of a blob, or a part of them.

        Raises:
            NotFound: There is no such blob.
        """
        try:
            download = await self._container.download_blob(blob, offset=offset, length=length)
            return await download.readall()
        except ResourceNotFoundError:
            raise NotFound(f"The blob '{blob}' is gone.") from None

    async def blocks(self, stored: StoredContent | File) -> AsyncIterator[bytes]:
        """The bytes of a blob, never more than a block of them in memory.

        Raises:
            NotFound: There is no such blob.
        """
        for offset in range(0, stored.size_bytes, BLOCK_BYTES):
            length = min(BLOCK_BYTES, stored.size_bytes - offset)
            yield await self.read(stored.blob, offset=offset, length=length)

    async def read_whole(self, blob: str, *, max_bytes: int) -> WholeBlob:
        """A small blob that somebody else wrote.

        Raises:
            NotFound: There is no such blob.
            PayloadTooLarge: It is larger.
        """
        try:
            download = await self._container.download_blob(blob, offset=0, length=max_bytes + 1)
            content = await download.readall()
        except ResourceNotFoundError:
            raise NotFound(f"The blob '{blob}' is gone.") from None
        if len(content) > max_bytes:
            raise PayloadTooLarge(f"The file is larger than {max_bytes} bytes.")
        return WholeBlob(content, download.properties.etag)

    async def version(self, blob: str) -> BlobVersion:
        """A blob that somebody else wrote, as it now is.

        Raises:
            NotFound: There is no such blob.
        """
        try:
            properties = await self._container.get_blob_client(blob).get_blob_properties()
        except ResourceNotFoundError:
            raise NotFound(f"The blob '{blob}' is gone.") from None
        return BlobVersion(blob, properties.etag, properties.size, properties.last_modified)

    async def blocks_of(self, version: BlobVersion) -> AsyncIterator[bytes]:
        """The bytes of one version, never more than a block of them in memory.

        Raises:
            ResourceModifiedError: The blob was written anew.
        """
        for offset in range(0, version.size_bytes, BLOCK_BYTES):
            download = await self._container.download_blob(
                version.blob,
                offset=offset,
                length=min(BLOCK_BYTES, version.size_bytes - offset),
                etag=version.etag,
                match_condition=MatchConditions.IfNotModified,
            )
            yield await download.readall()

    async def folders(self, prefix: str) -> AsyncIterator[str]:
        """The prefixes of this one's folders, each with its slash."""
        async for found in self._container.walk_blobs(prefix, delimiter="/"):
            if isinstance(found, BlobPrefix):
                yield found.name

    async def first_names(self, prefix: str, limit: int) -> Sequence[str]:
        """The names of the first blobs that begin so."""
        pages = self._container.list_blob_names(name_starts_with=prefix, results_per_page=limit).by_page()
        async for page in pages:
            return [name async for name in page]
        return []

    async def delete(self, blob: str) -> None:
        """Delete a blob; harmless when it is gone."""
        with suppress(ResourceNotFoundError):
            await self._container.delete_blob(blob)

    def url(self, blob: str) -> str:
        """Where a blob is, for those who may read it."""
        return self._container.get_blob_client(blob).url

    async def link(self, blob: str, *, now: datetime, expires_at: datetime) -> str:
        """A URL that anybody can read the blob with until `expires_at`."""
        return f"{self.url(blob)}?{await self._signer.sign(self._container, blob, now=now, expires_at=expires_at)}"

    async def close(self) -> None:
        """Close the connections."""
        await self._container.close()

    async def _put_blocks(self, blob: str, chunks: AsyncIterator[bytes], content_type: str) -> StoredContent:
        client = self._container.get_blob_client(blob)
        digest, size, blocks = hashlib.sha256(), 0, list[BlobBlock]()
        staging: asyncio.Task[None] | None = None

        async def stage(block: BlobBlock, chunk: bytes) -> None:
            await client.stage_block(block.id, chunk, length=len(chunk))

        try:
            async for chunk in chunks:  # while one block is sent, the next one is read
                digest.update(chunk)
                size += len(chunk)
                if staging:
                    await staging
                blocks.append(BlobBlock(f"{len(blocks):06d}"))
                staging = asyncio.create_task(stage(blocks[-1], chunk))
            if staging:
                await staging
        finally:
            if staging:
                staging.cancel()
        sha256 = digest.hexdigest()
        settings = ContentSettings(content_type=content_type)
        await client.commit_block_list(blocks, content_settings=settings, metadata={"sha256": sha256})
        return StoredContent(blob=blob, content_type=content_type, size_bytes=size, sha256=sha256)


async def _joined(first: Iterable[bytes], rest: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    for chunk in first:
        yield chunk
    async for chunk in rest:
        yield chunk

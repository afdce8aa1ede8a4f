"""Removes a video with all it has."""

from dataclasses import dataclass

from clients.blob_store import BlobStore
from clients.orchestrations import Orchestrations
from clients.video_table import VideoTable
from domain.media import content_blob
from domain.video import Variant, Video


@dataclass(frozen=True)
class Removal:
    """Takes away the parts of a video that has ended; each is harmless when it is gone.

    Attributes:
        videos: The records.
        contents: Finished videos.
        inputs: What videos were asked with.
        orchestrations: The durable client.
    """

    videos: VideoTable
    contents: BlobStore
    inputs: BlobStore
    orchestrations: Orchestrations

    async def remove_content(self, video: Video) -> None:
        """Remove the files it consists of, also those that were copied in vain."""
        for variant in Variant:
            await self.contents.delete(content_blob(video.ref, variant))

    async def remove_request(self, video: Video) -> None:
        """Remove the files it was asked with."""
        for stored in video.own_inputs:
            await self.inputs.delete(stored.blob)

    async def remove_files(self, video: Video) -> None:
        """Remove what it consists of and what it was asked with."""
        if not video.content_removed_at:
            await self.remove_content(video)
        await self.remove_request(video)

    async def remove(self, video: Video) -> None:
        """Remove all of it; the record last, for it tells of the rest. What it cost stays in the ledger."""
        await self.remove_files(video)
        await self.remove_record(video)

    async def remove_record(self, video: Video) -> None:
        """Remove what is left once its files are gone."""
        await self.orchestrations.purge(video.ref)
        await self.videos.remove(video.ref)

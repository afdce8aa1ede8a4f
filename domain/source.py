"""What a remix, an edit or an extension is made from."""

from typing import Self

from pydantic import BaseModel, ConfigDict

from domain.stored_content import StoredContent


class Source(BaseModel):
    """The video that another one is made from: a video of the same tenant, or a file that came with the request.

    Attributes:
        seconds: Its length.
        video_id: Ours; None for a file.
        deployment: Who rendered it.
        upstream_id: The job there that still holds it; None if the file itself has to be sent along.
        content: Our copy, or the claim check of the file.
    """

    model_config = ConfigDict(frozen=True)
    seconds: int
    video_id: str | None = None
    deployment: str | None = None
    upstream_id: str | None = None
    content: StoredContent | None = None

    @property
    def pinned_to(self) -> str | None:
        """The only deployment that can work from it, unless the file is sent along."""
        return self.deployment if self.upstream_id else None

    @property
    def upload(self) -> StoredContent | None:
        """The file to send along, if one has to be."""
        return None if self.upstream_id else self.content

    @property
    def own_upload(self) -> StoredContent | None:
        """The file that is there for this video alone."""
        return None if self.video_id else self.content

    def lost_upstream(self) -> Self:
        """The deployment has dropped it."""
        return self.model_copy(update={"upstream_id": None})

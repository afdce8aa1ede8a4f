"""Looks through a tenant's videos for those that somebody wants to see, a bounded number at a time."""

import re
from collections.abc import Mapping
from typing import Annotated, Literal, NamedTuple

from pydantic import BaseModel, Field
from starlette.datastructures import QueryParams

from clients.video_table import VideoTable
from domain.video import Video
from front_door.wire import PUBLIC_STATUS, PublicStatus

SLICE = 100
SLICES_AT_MOST, SLICES_FOR_ONE = 20, 100
"""So many slices are looked through for one page, and for the first that belongs on it: OpenAI's client takes an empty
page for the last one."""
_METADATA = re.compile(r"metadata\[([^\]]*)\]")


class ListQuery(BaseModel):
    """Which of a tenant's videos somebody wants to see; `metadata[KEY]=VALUE` picks those that have it."""

    after: Annotated[str | None, Field(description="The `last_id` of the page before.")] = None
    limit: Annotated[int, Field(ge=1, le=100)] = 20
    order: Literal["asc", "desc"] = "desc"
    status: PublicStatus | None = None


class Listing(NamedTuple):
    """One page of them.

    Attributes:
        last_id: What the next page begins after; the last that was looked at when too few were found in time.
    """

    videos: list[Video]
    has_more: bool
    last_id: str | None


def metadata_asked_for(query: QueryParams) -> Mapping[str, str]:
    """The pairs of `metadata[KEY]=VALUE`."""
    pairs = ((_METADATA.fullmatch(name), value) for name, value in query.items())
    return {match[1]: value for match, value in pairs if match}


async def list_page(videos: VideoTable, tenant: str, query: ListQuery, metadata: Mapping[str, str]) -> Listing:
    """The next page of a tenant's videos, in order of creation.

    Raises:
        NotFound: `after` is no id of a video.
    """
    found, seen = list[Video](), query.after
    is_picky = query.status is not None or bool(metadata)
    slice_size, newest_first = SLICE if is_picky else query.limit + 1, query.order == "desc"
    for number in range(1, SLICES_FOR_ONE + 1):
        page = await videos.page(tenant, after=seen, limit=slice_size, newest_first=newest_first)
        found += [video for video in page.videos if _is_wanted(video, query.status, metadata)]
        if len(found) > query.limit:
            return Listing(found[: query.limit], has_more=True, last_id=found[query.limit - 1].video_id)
        if not page.has_more:
            return Listing(found, has_more=False, last_id=found[-1].video_id if found else None)
        seen = page.videos[-1].video_id
        if found and number >= SLICES_AT_MOST:
            break
    return Listing(found, has_more=True, last_id=seen)


def _is_wanted(video: Video, status: PublicStatus | None, metadata: Mapping[str, str]) -> bool:
    return status in {None, PUBLIC_STATUS[video.state]} and metadata.items() <= (video.metadata or {}).items()

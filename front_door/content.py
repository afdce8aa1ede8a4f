"""Hands out finished content: by a link to the store, or through the app."""

from http import HTTPStatus
from typing import NamedTuple

from fastapi import Request, Response
from fastapi.responses import RedirectResponse

from clients.blob_store import BlobStore
from domain.errors import ContentNotReady, ContentRemoved, PayloadTooLarge
from domain.video import StoredContent, Variant, Video, VideoState
from front_door.byte_range import parse_range
from front_door.services import FrontDoorServices


class Download(NamedTuple):
    """A blob that somebody wants to read.

    Attributes:
        store: Where it is.
        blob: Its name.
        version: Another one whenever the bytes are others.
    """

    store: BlobStore
    blob: str
    content_type: str
    size_bytes: int
    version: str


async def content_response(video: Video, variant: Variant, request: Request, services: FrontDoorServices) -> Response:
    """Answer GET /videos/{id}/content.

    Args:
        video: The caller's.
        variant: Which file of it.
        request: For its method and Range.
        services: Clients and clock.

    Raises:
        ContentNotReady: There is none, yet or at all.
        ContentRemoved: Retention removed it.
        RangeNotSatisfiable: It does not reach that far.
        PayloadTooLarge: It is too large to be served whole through the app.
        Busy: Too much content is in memory just now.
    """
    content = _content(video, variant)
    download = Download(
        services.contents, content.blob, content.content_type, content.size_bytes, version=content.sha256
    )
    return await download_response(download, request, services)


async def download_response(download: Download, request: Request, services: FrontDoorServices) -> Response:
    """Hand out a blob as the settings ask for.

    Args:
        download: What.
        request: For its method and Range.
        services: Settings and clock.

    Raises:
        RangeNotSatisfiable: It does not reach that far.
        PayloadTooLarge: It is too large to be served whole through the app.
        Busy: Too much content is in memory just now.
    """
    if services.content_delivery == "redirect":
        now = services.clock()
        link = await download.store.link(download.blob, now=now, expires_at=now + services.link_lifetime)
        return RedirectResponse(link, HTTPStatus.FOUND, {"cache-control": "no-store"})
    return await _through_the_app(download, request, services)


def _content(video: Video, variant: Variant) -> StoredContent:
    if video.state is VideoState.FAILED:
        why = video.failure.code if video.failure else "unknown"
        raise ContentNotReady(f"The video failed ({why}) and has no content.", code="video_failed")
    if video.content_removed_at:
        raise ContentRemoved(f"The content was removed on {video.content_removed_at:%Y-%m-%d}, as retention asks for.")
    content = (video.contents or {}).get(variant)
    if video.state is not VideoState.COMPLETED:
        raise ContentNotReady(f"The video is at {video.progress} % and not completed. Ask again when it is.")
    if content is None:
        raise ContentNotReady(f"The deployment made no {variant} for this video.", param="variant")
    return content


async def _through_the_app(content: Download, request: Request, services: FrontDoorServices) -> Response:
    """Serve bytes: the worker holds an answer in memory until it is sent, so memory is borrowed for it."""
    etag = f'"{content.version}"'
    whole = request.headers.get("if-range", etag) != etag
    part = None if whole else parse_range(request.headers.get("range"), total_bytes=content.size_bytes)
    headers = {"accept-ranges": "bytes", "etag": etag, "cache-control": "private"}
    if request.method == "HEAD":
        headers["content-length"] = str(content.size_bytes)
        return Response(None, HTTPStatus.OK, headers, content.content_type)
    length = part.length if part else content.size_bytes
    limit = services.content_memory.total_bytes
    if length > limit:
        raise PayloadTooLarge(
            f"This is {length} bytes; through the app at most {limit} are served at once. "
            f"Ask for parts of it with a Range header, such as 'Range: bytes=0-{limit // 8 - 1}'.",
            code="range_required",
        )
    if part:
        headers["content-range"] = part.content_range(content.size_bytes)
    async with services.content_memory.borrow(length):
        body = await content.store.read(content.blob, offset=part.first if part else 0, length=length)
    status = HTTPStatus.PARTIAL_CONTENT if part else HTTPStatus.OK
    return Response(body, status, headers, content.content_type)

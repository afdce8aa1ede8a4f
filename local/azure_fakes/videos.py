"""The operations of the videos API on jobs that exist, and the routes of all of them."""

from collections.abc import AsyncIterator, Iterator
from functools import cache, partial
from itertools import islice
from typing import Final

from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import Route

from local.azure_fakes.access import Access
from local.azure_fakes.characters import Characters
from local.azure_fakes.errors import content_expired, content_not_ready, invalid_request, invalid_value, unknown_video
from local.azure_fakes.faults import Operation
from local.azure_fakes.job_faults import befall
from local.azure_fakes.jobs import Job, Status
from local.azure_fakes.lookup import deployment_of, find_job, named_deployment
from local.azure_fakes.mp4 import JobMp4
from local.azure_fakes.service import Call, Endpoint, Handler
from local.azure_fakes.submissions import Submissions
from local.azure_fakes.world import World

VARIANTS: Final = ("video", "thumbnail", "spritesheet")
ORDERS: Final = ("desc", "asc")
DEFAULT_PAGE: Final = 20
MAX_PAGE: Final = 100


class Videos:
    """Retrieves, lists and deletes jobs, and hands out what they rendered."""

    def __init__(self, world: World) -> None:
        self._world = world

    async def retrieve(self, call: Call) -> Response:
        """GET /videos/{video_id}."""
        job = self._find(call)
        job.polls += 1
        return JSONResponse(job.to_wire(self._world.clock.now()))

    async def list(self, call: Call) -> Response:
        """GET /videos."""
        order = call.request.query_params.get("order", "desc")
        if order not in ORDERS:
            raise invalid_value("order", order, ORDERS)
        jobs = self._world.jobs
        visible = self._visible(call.request, jobs.newest_first() if order == "desc" else iter(jobs))
        limit = _page_size(call.request)
        page = list(islice(visible, limit + 1))
        now = self._world.clock.now()
        data = [job.to_wire(now) for job in page[:limit]]
        ends = {"first_id": data[0]["id"] if data else None, "last_id": data[-1]["id"] if data else None}
        return JSONResponse({"object": "list", "data": data, **ends, "has_more": len(page) > limit})

    async def delete(self, call: Call) -> Response:
        """DELETE /videos/{video_id}."""
        job = self._find(call)
        self._world.jobs.delete(job)
        return JSONResponse({"id": job.id, "object": "video.deleted", "deleted": True})

    async def content(self, call: Call) -> Response:
        """GET /videos/{video_id}/content."""
        variant = call.request.query_params.get("variant", "video")
        if variant not in VARIANTS:
            raise invalid_value("variant", variant, VARIANTS)
        job = self._find(call)
        self._check_content(job)
        media = await self._world.media_of(job)
        if variant == "thumbnail":
            return self._still(media.thumbnail, "image/webp")
        if variant == "spritesheet":
            return self._still(media.spritesheet, "image/jpeg")
        mp4 = media.mp4.file(job.id, job.content_bytes)
        headers = {"content-length": str(mp4.size)}
        return StreamingResponse(self._sent(job, mp4), media_type="video/mp4", headers=headers)

    def _find(self, call: Call) -> Job:
        job = find_job(self._world, call.request, call.request.path_params["video_id"])
        befall(self._world, job, call.fault)
        return job

    def _check_content(self, job: Job) -> None:
        now = self._world.clock.now()
        if job.status(now) is not Status.COMPLETED:
            raise content_not_ready()
        if now >= job.expires_at:
            raise content_expired(job.id)

    def _still(self, image: bytes, media_type: str) -> Response:
        self._world.counters["content_bytes"] += len(image)
        return Response(image, media_type=media_type)

    async def _sent(self, job: Job, mp4: JobMp4) -> AsyncIterator[bytes]:
        for chunk in mp4.chunks():
            yield chunk
            job.bytes_sent += len(chunk)
            self._world.counters["content_bytes"] += len(chunk)

    def _visible(self, request: Request, jobs: Iterator[Job]) -> Iterator[Job]:
        """Return the jobs that the caller may see, those after the cursor only."""
        access = Access(self._world, request)
        named = named_deployment(request)
        if named is None:
            access.require_any()
        else:
            access.require(named)
        opens = cache(access.opens)
        if cursor := request.query_params.get("after"):
            _skip_past(cursor, jobs)
        return (job for job in jobs if not job.deleted and named in (None, job.deployment) and opens(job.deployment))


def _skip_past(cursor: str, jobs: Iterator[Job]) -> None:
    if not any(job.id == cursor for job in jobs):
        raise unknown_video(cursor)


def _page_size(request: Request) -> int:
    text = request.query_params.get("limit", str(DEFAULT_PAGE))
    if not text.isdecimal() or int(text) > MAX_PAGE:
        raise invalid_request(f"Invalid 'limit': '{text}'. Expected an integer from 0 to {MAX_PAGE}.")
    return int(text)


def routes(world: World) -> list[Route]:
    """Return the routes of the videos API, below `/openai/v1`."""
    videos, submissions, characters = Videos(world), Submissions(world), Characters(world)
    locate = partial(deployment_of, world)

    def route(method: str, path: str, operation: Operation, handle: Handler) -> Route:
        return Route(path, Endpoint(world, operation, handle, locate), methods=[method])

    return [
        route("POST", "/videos", Operation.CREATE, submissions.create),
        route("GET", "/videos", Operation.LIST, videos.list),
        route("POST", "/videos/edits", Operation.EDIT, submissions.edit),
        route("POST", "/videos/extensions", Operation.EXTEND, submissions.extend),
        route("POST", "/videos/characters", Operation.CREATE_CHARACTER, characters.create),
        route("GET", "/videos/characters/{character_id}", Operation.RETRIEVE_CHARACTER, characters.retrieve),
        route("GET", "/videos/{video_id}", Operation.RETRIEVE, videos.retrieve),
        route("DELETE", "/videos/{video_id}", Operation.DELETE, videos.delete),
        route("GET", "/videos/{video_id}/content", Operation.CONTENT, videos.content),
        route("POST", "/videos/{video_id}/remix", Operation.REMIX, submissions.remix),
    ]

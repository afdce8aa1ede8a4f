"""The `/_control` API: what a test sees and turns. Not part of Azure."""

import asyncio
from typing import Any

from pydantic import TypeAdapter, ValidationError
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from local.azure_fakes.faults import Fault
from local.azure_fakes.jobs import Job, Status
from local.azure_fakes.world import World

_FAULTS = TypeAdapter(list[Fault])
_PATCH = TypeAdapter(dict[str, Any])


class Control:
    """Reads the state of a world and changes its settings and faults."""

    def __init__(self, world: World) -> None:
        self._world = world

    async def state(self, _request: Request) -> Response:
        """GET /_control/state."""
        world = self._world
        return JSONResponse(
            {
                "counters": world.counters,
                "requests": world.requests,
                "max_running": world.jobs.most_running(),
                "jobs": [await self._report(job) for job in tuple(world.jobs)],  # more may come while one is digested
                "events": world.events,
                "webhooks": world.webhooks,
            }
        )

    async def settings(self, _request: Request) -> Response:
        """GET /_control/settings."""
        return JSONResponse(self._world.settings.model_dump())

    async def change_settings(self, request: Request) -> Response:
        """POST /_control/settings."""
        try:
            self._world.change_settings(_PATCH.validate_json(await request.body()))
        except ValidationError as error:
            return _unprocessable(error)
        return await self.settings(request)

    async def add_faults(self, request: Request) -> Response:
        """POST /_control/faults."""
        try:
            self._world.faults.add(_FAULTS.validate_json(await request.body()))
        except ValidationError as error:
            return _unprocessable(error)
        return await self.faults(request)

    async def faults(self, _request: Request) -> Response:
        """GET /_control/faults."""
        return JSONResponse([fault.model_dump() for fault in self._world.faults])

    async def clear_faults(self, _request: Request) -> Response:
        """DELETE /_control/faults."""
        self._world.faults.clear()
        return Response(status_code=204)

    async def reset(self, _request: Request) -> Response:
        """POST /_control/reset."""
        self._world.reset()
        return Response(status_code=204)

    async def _report(self, job: Job) -> dict[str, Any]:
        status = job.status(self._world.clock.now())
        report: dict[str, Any] = {
            "id": job.id,
            "deployment": job.deployment,
            "model": job.model,
            "prompt": job.prompt,
            "seconds": str(job.seconds),
            "size": job.size,
            "status": status,
            "error": job.error if status is Status.FAILED else None,
            "deleted": job.deleted,
            "polls": job.polls,
            "created_at": job.created_at,
            "completed_at": job.finished_at if status is Status.COMPLETED else None,
            "expires_at": job.expires_at,
            "bytes_sent": job.bytes_sent,
            "sha256": None,
            "bytes": None,
        }
        return report | (await self._content(job) if status is Status.COMPLETED else {})

    async def _content(self, job: Job) -> dict[str, Any]:
        media = await self._world.media_of(job)
        mp4 = media.mp4.file(job.id, job.content_bytes)
        if job.sha256 is None:
            job.sha256 = await asyncio.to_thread(mp4.sha256)
        return {"sha256": job.sha256, "bytes": mp4.size}


def _unprocessable(error: ValidationError) -> Response:
    problems = error.errors(include_url=False, include_context=False)
    return JSONResponse({"error": {"message": str(error), "problems": problems}}, 422)


def routes(world: World) -> list[Route]:
    """Return the routes of the control API."""
    control = Control(world)
    return [
        Route("/_control/state", control.state, methods=["GET"]),
        Route("/_control/settings", control.settings, methods=["GET"]),
        Route("/_control/settings", control.change_settings, methods=["POST"]),
        Route("/_control/faults", control.add_faults, methods=["POST"]),
        Route("/_control/faults", control.faults, methods=["GET"]),
        Route("/_control/faults", control.clear_faults, methods=["DELETE"]),
        Route("/_control/reset", control.reset, methods=["POST"]),
    ]

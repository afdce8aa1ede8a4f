"""Finds the deployment and the job that a request of the videos API is about."""

from collections.abc import Mapping
from typing import Any, cast

from starlette.requests import Request

from local.azure_fakes.access import Access
from local.azure_fakes.errors import unknown_video
from local.azure_fakes.fields import read_fields
from local.azure_fakes.jobs import Job
from local.azure_fakes.world import World


async def deployment_of(world: World, request: Request) -> str | None:
    """Return the deployment in the path, else that of the job in the path or the body, else the `model` field."""
    named = named_deployment(request)
    if named is not None:
        return named
    if job_id := request.path_params.get("video_id"):
        return _deployment_of_job(world, job_id)
    if request.method != "POST":
        return None
    fields = await read_fields(request)
    if video_id := referenced_video(fields):
        return _deployment_of_job(world, video_id)
    model = fields.get("model")
    return model if isinstance(model, str) else None


def named_deployment(request: Request) -> str | None:
    """Return the deployment in the path."""
    return request.path_params.get("deployment")


def referenced_video(fields: Mapping[str, Any]) -> str | None:
    """Return the id in `video: {id}`."""
    video = fields.get("video")
    return cast("dict[str, Any]", video).get("id") if isinstance(video, dict) else None


def find_job(world: World, request: Request, job_id: str) -> Job:
    """Return a job that the caller may see.

    Raises:
        AzureError: 401 or 404.
    """
    access = Access(world, request)
    named = named_deployment(request)
    job = world.jobs.find(job_id)
    if job is not None and named in (None, job.deployment):
        access.require(job.deployment)
        return job
    if named is None:
        access.require_any()
    else:
        access.require(named)
    raise unknown_video(job_id)


def _deployment_of_job(world: World, job_id: str) -> str | None:
    job = world.jobs.find(job_id)
    return job and job.deployment

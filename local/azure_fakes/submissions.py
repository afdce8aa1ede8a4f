"""The operations of the videos API that start a render job: create, remix, edit, extend."""

from dataclasses import dataclass
from typing import Final

from starlette.responses import JSONResponse, Response

from local.azure_fakes.access import Access
from local.azure_fakes.characters import check_characters
from local.azure_fakes.errors import (
    invalid_request,
    invalid_value,
    missing_parameter,
    too_many_requests,
    too_many_running,
)
from local.azure_fakes.fields import Fields, read_fields
from local.azure_fakes.job_faults import expires, injected_error
from local.azure_fakes.jobs import Job, Status
from local.azure_fakes.lookup import find_job, named_deployment, referenced_video
from local.azure_fakes.reference_images import check_reference
from local.azure_fakes.service import Call
from local.azure_fakes.uploaded_videos import probe_upload
from local.azure_fakes.video_parameters import (
    DEFAULT_SECONDS,
    DEFAULT_SIZE,
    EXTENSION_SECONDS,
    SECONDS,
    moderated,
    read_choice,
    read_prompt,
)
from local.azure_fakes.world import World

UNKNOWN_WAIT_S: Final = 1.0
"""What to answer when nobody knows when a running job will finish."""


@dataclass(frozen=True)
class Source:
    """What a job renders on: a deployment, and the length and size of the video it starts from."""

    deployment: str
    model: str
    seconds: int
    size: str
    video_id: str | None = None


class Submissions:
    """Starts render jobs, within the limits of their deployments."""

    def __init__(self, world: World) -> None:
        self._world = world

    async def create(self, call: Call) -> Response:
        """POST /videos."""
        fields = await read_fields(call.request)
        deployment, model = self._addressee(call, fields)
        self._count_request(deployment)
        prompt = read_prompt(fields)
        size = read_choice(fields, "size", self._world.deployment(deployment).sizes, DEFAULT_SIZE)
        seconds = read_choice(fields, "seconds", SECONDS, DEFAULT_SECONDS)
        check_characters(fields, self._world)
        if "input_reference" in fields:
            await check_reference(fields["input_reference"], size)
        return self._start(call, prompt, Source(deployment, model, int(seconds), size))

    async def remix(self, call: Call) -> Response:
        """POST /videos/{video_id}/remix."""
        source = self._from_job(call, call.request.path_params["video_id"])
        self._count_request(source.deployment)
        return self._start(call, read_prompt(await read_fields(call.request)), source)

    async def edit(self, call: Call) -> Response:
        """POST /videos/edits."""
        fields = await read_fields(call.request)
        source = await self._source(call, fields)
        self._count_request(source.deployment)
        return self._start(call, read_prompt(fields), source)

    async def extend(self, call: Call) -> Response:
        """POST /videos/extensions; `seconds` of the new video is the stitched total."""
        fields = await read_fields(call.request)
        source = await self._source(call, fields)
        self._count_request(source.deployment)
        prompt = read_prompt(fields)
        if "seconds" not in fields:
            raise missing_parameter("seconds")
        seconds = source.seconds + int(read_choice(fields, "seconds", EXTENSION_SECONDS, ""))
        return self._start(call, prompt, Source(source.deployment, source.model, seconds, source.size, source.video_id))

    def _addressee(self, call: Call, fields: Fields) -> tuple[str, str]:
        """Return the deployment and the model of a request that names them, when the caller may use them."""
        access = Access(self._world, call.request)
        model = fields.get("model")
        deployment = named_deployment(call.request) or model
        if isinstance(deployment, str) and deployment:
            access.require(deployment)
        else:
            access.require_any()
        if not isinstance(model, str) or not isinstance(deployment, str) or not model:
            raise missing_parameter("model")
        return deployment, model

    async def _source(self, call: Call, fields: Fields) -> Source:
        """Return what `video` names: a job by its id, or an uploaded file."""
        if video_id := referenced_video(fields):
            return self._from_job(call, video_id)
        deployment, model = self._addressee(call, fields)
        if "video" not in fields:
            raise missing_parameter("video")
        size, seconds = await probe_upload(fields["video"])
        if size not in (sizes := self._world.deployment(deployment).sizes):
            raise invalid_value("video", size, sizes)
        return Source(deployment, model, seconds, size)

    def _from_job(self, call: Call, video_id: str) -> Source:
        job = find_job(self._world, call.request, video_id)
        if job.status(self._world.clock.now()) is not Status.COMPLETED:
            raise invalid_request(f"Video '{video_id}' is not completed.")
        return Source(job.deployment, job.model, job.seconds, job.size, job.id)

    def _count_request(self, deployment: str) -> None:
        limit = self._world.deployment(deployment).requests_per_minute
        if limit is None:
            return
        rate, now = self._world.rate_limits[deployment], self._world.clock.now()
        if (wait_s := rate.take(limit, now)) is not None:
            raise too_many_requests(wait_s, rate.headers(limit, now))

    def _start(self, call: Call, prompt: str, source: Source) -> Response:
        self._check_cap(source.deployment)
        job = self._draft(call, prompt, source)
        answer = JSONResponse(job.to_wire(job.created_at), headers=self._rate_headers(source.deployment))
        self._world.start(job)  # only now, for the answer to a submission is always "queued"
        return answer

    def _check_cap(self, deployment: str) -> None:
        cap = self._world.deployment(deployment).max_running
        running, now = self._world.jobs.running(deployment), self._world.clock.now()
        if cap is not None and running.count(now) >= cap:
            finish = running.next_finish_at()
            raise too_many_running(UNKNOWN_WAIT_S if finish is None else finish - now)

    def _draft(self, call: Call, prompt: str, source: Source) -> Job:
        settings, now = self._world.deployment(source.deployment), self._world.clock.now()
        spread = self._world.random.uniform(-settings.render_time_spread, settings.render_time_spread)
        return Job(
            deployment=source.deployment,
            model=source.model,
            prompt=prompt,
            seconds=source.seconds,
            size=source.size,
            created_at=now,
            render_time_s=settings.render_time_s * (1 + spread),
            expires_at=now if expires(call.fault) else now + settings.expires_after_s,
            content_bytes=settings.content_bytes,
            remixed_from_video_id=source.video_id,
            error=injected_error(call.fault) or moderated(prompt),
        )

    def _rate_headers(self, deployment: str) -> dict[str, str]:
        limit = self._world.deployment(deployment).requests_per_minute
        if limit is None:
            return {}
        return self._world.rate_limits[deployment].headers(limit, self._world.clock.now())

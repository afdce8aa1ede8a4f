"""What we answer: OpenAI's shapes, with what is ours under `reelay`."""

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from decimal import Decimal
from typing import Literal, Self

from pydantic import BaseModel

from domain.access import AccessFault
from domain.failures import Failure
from domain.video import Variant, Video, VideoState

type PublicStatus = Literal["queued", "in_progress", "completed", "failed"]

PUBLIC_STATUS: Mapping[VideoState, PublicStatus] = {
    VideoState.QUEUED: "queued",
    VideoState.SUBMITTING: "queued",
    VideoState.IN_PROGRESS: "in_progress",
    VideoState.COPYING: "in_progress",
    VideoState.COMPLETED: "completed",
    VideoState.FAILED: "failed",
}


class Timings(BaseModel):
    """How long each stage took, in seconds; a stage that is not over has none."""

    queued_s: float | None
    rendering_s: float | None
    copying_s: float | None

    @classmethod
    def of(cls, video: Video) -> Self:
        """From the record's times."""
        return cls(
            queued_s=_seconds(video.created_at, video.in_progress_since),
            rendering_s=_seconds(video.in_progress_since, video.rendered_at),
            copying_s=_seconds(video.rendered_at, video.ended_at),
        )


class ReelayFields(BaseModel):
    """What OpenAI's video object has no field for.

    Attributes:
        deployment: Who renders or rendered it.
        blob_url: Where the video is stored; reading it takes a role, or the content endpoint's link.
        bytes: The video's length.
        sha256: The video's digest, lower-case hex.
        cost_usd: What the render cost.
    """

    deployment: str | None
    blob_url: str | None
    bytes: int | None
    sha256: str | None
    cost_usd: Decimal | None
    timings: Timings


class Usage(BaseModel):
    """What a video that has ended used; money is text, exact, in USD."""

    duration_seconds: int
    cost_usd: Decimal

    @classmethod
    def of(cls, video: Video) -> Self | None:
        """From a record; None while it is not known."""
        if not video.has_ended:
            return None
        return cls(duration_seconds=video.seconds if video.rendered_at else 0, cost_usd=video.cost_usd or Decimal(0))


class VideoAnswer(BaseModel):
    """OpenAI's video object. Times are seconds since 1970."""

    id: str
    object: Literal["video"] = "video"
    model: str
    status: PublicStatus
    progress: int
    created_at: int
    completed_at: int | None
    expires_at: int | None = None
    prompt: str
    seconds: str
    size: str
    remixed_from_video_id: str | None = None
    error: Failure | None
    user: str | None
    metadata: Mapping[str, str] | None
    usage: Usage | None
    reelay: ReelayFields

    @classmethod
    def of(cls, video: Video, *, blob_url: str | None) -> Self:
        """From a record."""
        content = (video.contents or {}).get(Variant.VIDEO)
        completed = video.state is VideoState.COMPLETED
        return cls(
            id=video.video_id,
            model=video.model,
            status=PUBLIC_STATUS[video.state],
            progress=100 if completed else min(video.progress, 99),
            created_at=int(video.created_at.timestamp()),
            completed_at=int(video.ended_at.timestamp()) if completed and video.ended_at else None,
            prompt=video.prompt,
            seconds=str(video.length_s),
            size=video.size,
            remixed_from_video_id=video.source and video.source.video_id,
            error=video.failure,
            user=video.user,
            metadata=video.metadata,
            usage=Usage.of(video),
            reelay=ReelayFields(
                deployment=video.deployment,
                blob_url=blob_url,
                bytes=content.size_bytes if content else None,
                sha256=content.sha256 if content else None,
                cost_usd=video.cost_usd,
                timings=Timings.of(video),
            ),
        )


class VideoList(BaseModel):
    """One page of videos; the next begins `after` the last id."""

    object: Literal["list"] = "list"
    data: Sequence[VideoAnswer]
    first_id: str | None
    last_id: str | None
    has_more: bool


class DeletedVideo(BaseModel):
    """What DELETE answers."""

    id: str
    object: Literal["video.deleted"] = "video.deleted"
    deleted: Literal[True] = True


class ModelAnswer(BaseModel):
    """OpenAI's model object, and what the model's own deployments can render.

    Attributes:
        retires_on: The last day of the last of them, if that is known.
        retired: Whether it is over; only the fallback models, if there are any, render then.
    """

    id: str
    object: Literal["model"] = "model"
    created: int = 0
    owned_by: Literal["reelay"] = "reelay"
    sizes: Sequence[str]
    seconds: Sequence[int]
    retires_on: date | None
    retired: bool


class ModelList(BaseModel):
    """Every model that can be asked for."""

    object: Literal["list"] = "list"
    data: Sequence[ModelAnswer]


class DeploymentReadiness(BaseModel):
    """Whether a deployment can be told who we are; never how."""

    credential: Literal["ok", "unavailable"]
    reason: str | None = None


class CheckedReadiness(DeploymentReadiness):
    """The same, with what the deployment itself answered.

    Attributes:
        access: Whether it lets us in, or what is wrong; `reason` then says what to do.
    """

    access: Literal["ok"] | AccessFault


class Readiness(BaseModel):
    """Whether work can be done.

    Attributes:
        warnings: What will need the operator soon.
    """

    status: Literal["ready", "not_ready"]
    storage: Literal["ok", "unavailable"]
    deployments: Mapping[str, CheckedReadiness | DeploymentReadiness]
    warnings: Sequence[str]


class ErrorDetail(BaseModel):
    """OpenAI's error object."""

    message: str
    type: str
    param: str | None
    code: str | None


class ErrorAnswer(BaseModel):
    """The envelope of every error."""

    error: ErrorDetail


def _seconds(start: datetime | None, end: datetime | None) -> float | None:
    return round((end - start).total_seconds(), 3) if start and end else None

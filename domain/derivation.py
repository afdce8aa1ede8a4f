"""What a caller may ask to be made from a video: a remix, an edit or an extension of it."""

from collections.abc import Mapping
from datetime import date, datetime, timedelta
from typing import Any, Final, NamedTuple

from domain.catalog import Catalog, Deployment, Operation
from domain.clip import Clip
from domain.errors import InvalidRequest
from domain.offer import offer_of
from domain.source import Source
from domain.video import Variant, Video, VideoState
from domain.video_request import VideoRequest, read_metadata, read_prompt, read_text, read_user, shown

EXTENSION_SECONDS: Final = (4, 8, 12, 16, 20)
PARAM: Final = "video"


class Wish(NamedTuple):
    """What shall be made, of whichever video.

    Attributes:
        model: Who shall do it, when a file comes along.
        seconds: How much longer an extension makes it.
    """

    operation: Operation
    prompt: str
    model: str | None
    seconds: int | None
    user: str | None
    metadata: Mapping[str, str] | None
    may_fall_back: bool

    def of(self, source: Source, size: str, model: str) -> VideoRequest:
        """The request that this is, of a video."""
        seconds = self.seconds or source.seconds
        return VideoRequest(
            model, self.prompt, seconds, size, self.user, self.metadata, self.may_fall_back, self.operation, source
        )

    def is_in_reach_of(self, deployment: Deployment, size: str, today: date) -> bool:
        """Whether a deployment can do it."""
        able = deployment.renders(size=size, seconds=self.seconds or 0, operation=self.operation)
        return able and not deployment.is_retired(today)

    def able_models(self, catalog: Catalog, size: str, today: date) -> list[str]:
        """The models that can do it."""
        return [
            name
            for name, model in catalog.models.items()
            if any(self.is_in_reach_of(deployment, size, today) for deployment in model.deployments)
        ]


def read_wish(fields: Mapping[str, Any], operation: Operation, *, may_fall_back: bool) -> Wish:
    """Read the fields that say what to make.

    Args:
        fields: As sent.
        operation: What is asked for.
        may_fall_back: Whether the caller lets fallback models render.

    Raises:
        InvalidRequest: One of them cannot be used.
    """
    seconds = _seconds(fields) if operation == "extension" else None
    prompt, model = read_prompt(fields), read_text(fields, "model")
    return Wish(operation, prompt, model, seconds, read_user(fields), read_metadata(fields), may_fall_back)


def remake_of(parent: Video, wish: Wish, catalog: Catalog, now: datetime) -> VideoRequest:
    """Make something of one of the tenant's videos.

    The parent's own deployment works from what it still holds. Where it cannot, our copy is sent to any that can; but
    nobody remixes what somebody else rendered.

    Raises:
        InvalidRequest: It cannot be done.
        ModelRetired: It could have been, once.
    """
    if parent.state is not VideoState.COMPLETED:
        message = f"Nothing can be made of '{parent.video_id}': it is {parent.state}, not completed."
        raise InvalidRequest(message, param=PARAM, code="video_not_completed")
    source = Source(
        video_id=parent.video_id,
        seconds=parent.length_s,
        deployment=parent.deployment,
        upstream_id=parent.upstream_id,
        content=None if parent.content_removed_at else (parent.contents or {}).get(Variant.VIDEO),
    )
    home = catalog.deployment(parent.deployment or "")
    if home and wish.is_in_reach_of(home, parent.size, now.date()) and not _has_dropped(home, parent, now):
        return wish.of(source, parent.size, catalog.model_of(home.name) or parent.model)
    if wish.operation == "remix" and not (home and "remix" in home.operations):
        raise _cannot(wish, parent.model, parent.size, catalog, now.date())
    if wish.operation == "remix" or source.content is None:
        message = f"The deployment that rendered '{parent.video_id}' no longer holds it."
        hint = "An edit or an extension can be made of our copy, where a deployment offers that."
        raise InvalidRequest(f"{message} {hint if source.content else ''}".strip(), param=PARAM, code="source_expired")
    return _by_whoever_can(wish, wish.of(source.lost_upstream(), parent.size, parent.model), catalog, now.date())


def remake_of_file(clip: Clip, wish: Wish, catalog: Catalog, today: date) -> VideoRequest:
    """Make something of a file that came along; any deployment may do it that can.

    Raises:
        InvalidRequest: It cannot be done.
        ModelRetired: It could have been, once.
    """
    able = wish.able_models(catalog, clip.size, today)
    model = wish.model or next(iter((*able, *catalog.models)))
    return _by_whoever_can(wish, wish.of(Source(seconds=clip.seconds), clip.size, model), catalog, today)


def _seconds(fields: Mapping[str, Any]) -> int:
    sent = fields.get("seconds")
    seconds = {str(number): number for number in EXTENSION_SECONDS}.get(str(sent).strip())
    if seconds is None:
        offered = ", ".join(str(number) for number in EXTENSION_SECONDS)
        given = "No seconds were sent" if sent is None else f"{shown(sent)} seconds are not offered"
        raise InvalidRequest(f"{given}. Allowed: {offered}.", param="seconds")
    return seconds


def _by_whoever_can(wish: Wish, asked: VideoRequest, catalog: Catalog, today: date) -> VideoRequest:
    offer = offer_of(asked.model, catalog, may_fall_back=asked.may_fall_back, today=today)
    if not any(wish.is_in_reach_of(deployment, asked.size, today) for deployment in offer.deployments):
        raise _cannot(wish, asked.model, asked.size, catalog, today)
    return asked


def _has_dropped(home: Deployment, parent: Video, now: datetime) -> bool:
    """Whether the deployment no longer holds what it rendered."""
    kept_until = (parent.rendered_at or parent.created_at) + timedelta(seconds=home.content_lifetime_s)
    return parent.upstream_id is None or home.delete_after_copy or now >= kept_until


def _cannot(wish: Wish, model: str, size: str, catalog: Catalog, today: date) -> InvalidRequest:
    able = ", ".join(wish.able_models(catalog, size, today)) or "none"
    message = f"No deployment of '{model}' does the operation '{wish.operation}' at {size}."
    return InvalidRequest(f"{message} Models that do: {able}.", param="model", code="operation_not_offered")

"""Accepts the video that an event asks for, however often the event is delivered."""

import logging
from collections.abc import Mapping
from typing import Any

from domain.caller import Caller
from domain.errors import (
    FetchFailed,
    GuardrailUnavailable,
    InvalidRequest,
    LimitReached,
    NotAllowed,
    NotFound,
    RateLimited,
    ReelayError,
    RequestConflict,
    TooManyInFlight,
)
from domain.video import VideoRef
from intake.accept import Terms, accept_video
from intake.services import Intake

REFUSALS = (InvalidRequest, NotAllowed, NotFound, LimitReached, GuardrailUnavailable)
"""Why a video is not accepted."""
_log = logging.getLogger(__name__)


class NotNow(Exception):
    """It cannot be accepted just now; later it perhaps can.

    Args:
        caller: Who asks.
        error: Why.

    Attributes:
        line: With whom it waits: each caller's have to wait for one another.
        is_for_all: Whether nothing else of this caller can be accepted, either.
    """

    def __init__(self, caller: Caller, error: ReelayError) -> None:
        super().__init__(error.message)
        self.line = f"{caller.tenant}.{caller.key_id}" if caller.key_id else caller.tenant
        self.is_for_all = isinstance(error, LimitReached)


async def accept_once(
    fields: Mapping[str, Any], *, caller: Caller, key: str, insists: bool, intake: Intake
) -> VideoRef:
    """Accept a video, unless the same key made one before, whatever its fields have become since; say which one it is.

    Args:
        fields: The fields of POST /videos.
        caller: Who asks.
        key: What the event is known by, as an Idempotency-Key.
        insists: Whether it does not wait any longer.
        intake: Clients and clock.

    Raises:
        ReelayError: One of `REFUSALS`.
        NotNow: Somebody else's server is in trouble, or the caller has to wait.
    """
    if made := await intake.videos.made_by(caller.tenant, key):
        return made
    try:
        video = await accept_video(fields, caller=caller, terms=Terms(key), intake=intake)
    except RequestConflict:
        if made := await intake.videos.made_by(caller.tenant, key):  # meanwhile
            return made
        raise
    except (FetchFailed, GuardrailUnavailable, RateLimited, TooManyInFlight) as error:
        if insists:
            raise
        raise NotNow(caller, error) from error
    _log.info("an event of %s made %s", caller.tenant, video.video_id)
    return video.ref

"""Accepts the video that an event asks for, however often the event is delivered."""

import logging
from collections.abc import Mapping
from contextlib import suppress
from typing import Any

from domain.caller import Caller
from domain.errors import (
    BudgetExceeded,
    FetchFailed,
    GuardrailUnavailable,
    InvalidRequest,
    NotAllowed,
    NotFound,
    RateLimited,
    RequestConflict,
    TooManyInFlight,
)
from intake.accept import Terms, accept_video
from intake.services import Intake

REFUSALS = (InvalidRequest, NotAllowed, NotFound, BudgetExceeded)
"""What is wrong with the request itself, or too dear: with another delivery it would be no better."""
_log = logging.getLogger(__name__)


class NotNow(Exception):
    """It cannot be accepted just now: with another delivery of the event it perhaps can."""


async def accept_once(fields: Mapping[str, Any], *, caller: Caller, key: str, intake: Intake) -> None:
    """Accept a video, unless the same key made one before, whatever its fields have become since.

    Args:
        fields: The fields of POST /videos.
        caller: Who asks.
        key: What the event is known by, as an Idempotency-Key.
        intake: Clients and clock.

    Raises:
        InvalidRequest: It can never work.
        NotAllowed: The caller may not ask for it.
        NotFound: It refers to what the tenant does not have.
        NotNow: Somebody else's server is in trouble, or the caller has to wait.
        BudgetExceeded: No money is left for it.
    """
    if await intake.videos.made_by(caller.tenant, key):
        return
    try:
        with suppress(RequestConflict):  # meanwhile it made one
            video = await accept_video(fields, caller=caller, terms=Terms(key), intake=intake)
            _log.info("an event of %s made %s", caller.tenant, video.video_id)
    except (FetchFailed, GuardrailUnavailable, RateLimited, TooManyInFlight) as error:
        raise NotNow(error.message) from error

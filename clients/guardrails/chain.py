"""Makes the checks, one after the other; the first that finds something ends it."""

import asyncio
import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal, Protocol

from clients.blob_store import BlobStore
from clients.guardrails.subject import Asked, Rendered, Subject
from clients.telemetry.spans import span
from domain.caller import Caller
from domain.clip import Clip
from domain.errors import CheckImpossible, GuardrailUnavailable
from domain.finding import Finding
from domain.guardrails import Stage
from domain.reference_image import ReferenceImage
from domain.video import Video
from domain.video_request import VideoRequest

_log = logging.getLogger(__name__)
_RETRY_AFTER_S = 10


class Examine(Protocol):
    """One check, ready to be made."""

    async def __call__(self, subject: Subject) -> Finding | None:
        """What is not allowed of it.

        Raises:
            CheckImpossible: Nobody knows.
        """
        ...


@dataclass(frozen=True)
class Guard:
    """A check and its terms; see `domain.guardrails`.

    Attributes:
        name: What the log calls it.
    """

    name: str
    examine: Examine
    at: frozenset[Stage] = frozenset({Stage.REQUEST})
    on_error: Literal["fail_closed", "fail_open"] = "fail_closed"
    timeout_s: float = 5.0


class Guardrails:
    """The chain.

    Args:
        guards: In their order.
        contents: Where finished videos are.
        clock: The present time, UTC.
    """

    def __init__(self, guards: Sequence[Guard], contents: BlobStore, clock: Callable[[], datetime]) -> None:
        self._guards = guards
        self._contents = contents
        self._clock = clock

    async def check_request(self, caller: Caller, asked: VideoRequest, file: ReferenceImage | Clip | None) -> None:
        """Refuse what must not be asked for.

        Args:
            caller: Who asks.
            asked: What for.
            file: What came along.

        Raises:
            ContentPolicyViolation: It is not allowed.
            GuardrailUnavailable: Nobody knows just now.
        """
        await self._check(Asked(caller, asked, file))

    async def check_video(self, video: Video) -> None:
        """Refuse what must not be shown.

        Args:
            video: One whose files are stored.

        Raises:
            ContentPolicyViolation: It is not allowed.
            GuardrailUnavailable: Nobody knows just now.
        """
        await self._check(Rendered(video, self._contents, self._clock))

    def looks_at(self, stage: Stage) -> bool:
        """Whether any check is made then."""
        return any(stage in guard.at for guard in self._guards)

    async def _check(self, subject: Subject) -> None:
        for guard in self._guards:
            if subject.stage in guard.at and (finding := await _made(guard, subject)):
                refused = (guard.name, subject.stage, subject.tenant, finding.category, finding.severity)
                _log.info("guardrail %s refuses a %s of %s: %s, severity %s", *refused)
                raise finding.refusal()


async def _made(guard: Guard, subject: Subject) -> Finding | None:
    try:
        with span("guardrail", {"reelay.guardrail": guard.name, "reelay.tenant": subject.tenant}):
            async with asyncio.timeout(guard.timeout_s):
                return await guard.examine(subject)
    except Exception as error:  # noqa: BLE001 - whoever can provoke what nobody foresaw must not get past it
        why = _told(error, guard)
        _log.warning("guardrail %s could not look at a %s of %s: %s", guard.name, subject.stage, subject.tenant, why)
        if guard.on_error == "fail_open":
            return None
        message = "The content policy cannot be checked just now. Try again."
        raise GuardrailUnavailable(message, retry_after_s=_RETRY_AFTER_S) from None


def _told(error: Exception, guard: Guard) -> str:
    """What may be said of an error: words that are not ours may quote the prompt."""
    match error:
        case CheckImpossible():
            return str(error)
        case TimeoutError():
            return f"no answer within {guard.timeout_s:g} s"
        case _:
            return type(error).__name__

"""Asks for the videos of a batch's next lines: for each line the same one, however often."""

import asyncio
import logging
from collections.abc import Iterable, Mapping, Sequence
from contextlib import nullcontext
from dataclasses import replace
from hashlib import sha256
from typing import Final, NamedTuple

from activities.batch_results import REPORT_BYTES, Results
from activities.batch_services import BatchServices
from clients.line_reader import SMALL_SLICE_BYTES, lines_after
from clients.telemetry.spans import span
from domain.batch import BEGIN_LIMIT, Batch, LineError
from domain.batch_line import Line, read_line
from domain.batch_report import Report
from domain.caller import Caller
from domain.errors import (
    BudgetExceeded,
    GuardrailUnavailable,
    NotAllowed,
    NotFound,
    RateLimited,
    ReelayError,
    TooManyInFlight,
    Unauthorized,
)
from domain.file import file_blob
from domain.timed_id import ID_RANDOM_BYTES
from domain.video import BatchLine
from domain.video_id import new_video_id
from intake.accept import Terms, accept_video, start_video
from intake.services import Intake

_log = logging.getLogger(__name__)

STARTS_PER_STEP: Final = 32
BEGUN_AT_ONCE: Final = 8
IMAGES_AT_ONCE: Final = 4
"""So many lines that bring an image along are begun at the same time: images are held in memory."""
LINES_PER_STEP: Final = 1_000
"""Of those that are only reported as not begun."""
_OF_ONE_LINE: Final = (NotAllowed, Unauthorized, BudgetExceeded, ValueError, LookupError)
"""What must not hold up the other lines."""


class Fed(NamedTuple):
    """What became of the next lines.

    Attributes:
        line: The last of them.
        offset: Where the next one begins.
        reach: The last line whose video may have been begun unnoticed.
        started: Videos of these and of lines beyond, by line.
        reports: Those that will have none.
        lost: Why no more can be read.
        is_held: Whether no more can begin just now.
    """

    line: int
    offset: int
    reach: int
    started: Mapping[int, str] = {}
    reports: Sequence[Report] = ()
    lost: LineError | None = None
    is_held: bool = False


async def feed(batch: Batch, room: int, results: Results, services: BatchServices, *, again: bool) -> Fed:
    """See to the next lines, in their order.

    Args:
        batch: Whose.
        room: How many more may be in flight.
        results: Which lines were reported already.
        services: Clients and clock.
        again: Whether somebody may have asked for some of them before.
    """
    if batch.is_read:
        return Fed(batch.line, batch.offset, batch.reach)
    if batch.is_out_of_date(services.intake.clock()) and not results.lines:
        beyond = [number for number in range(batch.line + 1, batch.reach + 1) if number not in batch.in_flight]
        return Fed(batch.line, batch.offset, reach=batch.line, started=await _kept(beyond, batch, services))
    most = min(room, STARTS_PER_STEP, batch.reach - batch.line) if batch.starts_videos else LINES_PER_STEP
    try:
        lines = await _next_lines(batch, most, max(results.lines, default=0), services)
    except NotFound as error:
        lost = LineError(code="input_file_gone", message=error.message)
        return Fed(batch.line, batch.size_bytes, batch.reach, lost=lost)
    return await _ask(lines, batch, results, services, again=again)


async def _ask(lines: Sequence[Line], batch: Batch, results: Results, services: BatchServices, *, again: bool) -> Fed:
    """Ask for what these lines want; those from the first that has to wait on come again."""
    seen_to = results.lines.union(batch.in_flight)
    asked = [line for line in lines if not line.is_blank and line.number not in seen_to]
    kept = await _kept((line.number for line in asked), batch, services) if again else {}
    new = [line for line in asked if line.number not in kept]
    outcomes = await _begin_all(new, batch, services)
    held = next((line.number for line, outcome in zip(new, outcomes, strict=True) if outcome is None), None)
    lines = [line for line in lines if held is None or line.number < held]
    begun = {line.number: outcome for line, outcome in zip(new, outcomes, strict=True) if isinstance(outcome, str)}
    reports = [outcome for outcome in outcomes if isinstance(outcome, Report)]
    return Fed(
        line=lines[-1].number if lines else batch.line,
        offset=lines[-1].end if lines else batch.offset,
        reach=batch.reach,
        started=kept | begun,
        reports=[report for report in reports if held is None or report.line < held],
        is_held=held is not None,
    )


async def _next_lines(batch: Batch, most: int, until: int, services: BatchServices) -> list[Line]:
    """The next lines: so many, and all that somebody has reported already, whose others he asked for as well."""
    lines, size_bytes = list[Line](), 0
    before = Line(batch.line, batch.offset, b"")
    blob = file_blob(batch.tenant, batch.input_file_id)
    following = lines_after(
        before, services.files.blobs, blob, size_bytes=batch.size_bytes, slice_bytes=SMALL_SLICE_BYTES
    )
    async for line in following:
        if line.number > until and (len(lines) >= most or size_bytes >= REPORT_BYTES):
            break
        lines.append(line)
        size_bytes += len(line.text)
    return lines


async def _kept(lines: Iterable[int], batch: Batch, services: BatchServices) -> dict[int, str]:
    """The videos that are there already; whoever kept them may have died before he started them."""
    numbers = [number for number in lines if number <= batch.reach]
    records = await asyncio.gather(*(services.record(batch, _video_of(batch, number)) for number in numbers))
    videos = {number: video for number, video in zip(numbers, records, strict=True) if video}
    await asyncio.gather(*(start_video(video, services.intake) for video in videos.values() if not video.has_ended))
    return {number: video.video_id for number, video in videos.items()}


async def _begin_all(lines: Sequence[Line], batch: Batch, services: BatchServices) -> Sequence[str | Report | None]:
    """Ask for them, until one is held up; None stands for each that has to wait.

    It ends when nobody goes on, even if it fails: what comes next may begin the same lines as of another time.
    """
    places, images = asyncio.Semaphore(BEGUN_AT_ONCE), asyncio.Semaphore(IMAGES_AT_ONCE)
    is_held = False

    async def begin(line: Line) -> str | Report | None:
        nonlocal is_held
        async with places:
            is_late = batch.starts_videos and not batch.may_begin(services.intake.clock())
            if is_held or is_late:
                return None
            try:
                async with asyncio.timeout(BEGIN_LIMIT.total_seconds()):
                    return await _begin(line, batch, images, services)
            except (RateLimited, TooManyInFlight, GuardrailUnavailable, TimeoutError):
                is_held = True
                return None

    outcomes = await asyncio.gather(*(begin(line) for line in lines), return_exceptions=True)
    return [_unless_failed(outcome) for outcome in outcomes]


def _unless_failed[T](outcome: T | BaseException) -> T:
    if isinstance(outcome, BaseException):
        raise outcome
    return outcome


async def _begin(line: Line, batch: Batch, images: asyncio.Semaphore, services: BatchServices) -> str | Report:
    """Ask for a video, and say which one it is; or say why there is none."""
    custom_id = None
    try:
        custom_id, body = read_line(line)
        if not batch.starts_videos:
            return Report.of_unbegun(batch, line.number, custom_id)
        terms = Terms(batch=BatchLine(batch_id=batch.batch_id, line=line.number, custom_id=custom_id))
        intake = _repeatable(services.intake, batch, line.number)
        asked_by = {"reelay.batch": batch.batch_id, "reelay.tenant": batch.tenant}
        async with images if body.get("input_reference") else nullcontext():
            with span("batch_line", asked_by):
                caller = _known(await services.callers.by_id(batch.tenant, batch.key_id))
                video = await accept_video(body, caller=caller, terms=terms, intake=intake)
    except _OF_ONE_LINE as error:
        return Report.of_refusal(batch, line.number, custom_id, _as_refusal(error, batch, line))
    return video.video_id


def _known(caller: Caller | None) -> Caller:
    if caller is None:
        raise Unauthorized("The key that asked for the batch is no longer accepted.")
    return caller


def _as_refusal(error: Exception, batch: Batch, line: Line) -> ReelayError:
    if isinstance(error, ReelayError):
        return error
    _log.error("%s: line %d cannot be asked for", batch.batch_id, line.number, exc_info=error)
    return ReelayError("Something went wrong here; it was logged.", code="internal_error")


def _repeatable(intake: Intake, batch: Batch, line: int) -> Intake:
    """Accepts the same video each time: `_video_of` the line."""

    def digits(_: int) -> bytes:
        return _digits(batch, line)

    return replace(intake, clock=lambda: batch.as_of, randomness=digits)


def _video_of(batch: Batch, line: int) -> str:
    return new_video_id(batch.as_of, _digits(batch, line))


def _digits(batch: Batch, line: int) -> bytes:
    return sha256(f"{batch.batch_id}/{line}".encode()).digest()[:ID_RANDOM_BYTES]

"""Takes a batch one step further: reports the videos that ended, and asks for as many of the next lines."""

import asyncio
import logging
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from hashlib import sha256
from typing import Final, NamedTuple

from activities.batch_results import Overtaken, Results, show_files
from activities.batch_services import BatchServices
from clients.line_reader import SMALL_SLICE_BYTES, lines_after
from domain.batch import Batch, LineError, Progress
from domain.batch_line import Line, read_line
from domain.batch_report import Report
from domain.batch_window import window
from domain.batch_workflow import BatchRequest, BatchResult, BatchStep
from domain.errors import NotFound, ReelayError
from domain.file import file_blob
from domain.timed_id import ID_RANDOM_BYTES
from domain.video import BatchLine, Video, VideoRef
from domain.video_id import new_video_id
from intake.accept import Terms, accept_video
from intake.services import Intake

_log = logging.getLogger(__name__)

STARTS_PER_STEP: Final = 32
LINES_PER_STEP: Final = 1_000
"""Of those that are only reported as not begun."""
REPORT_BYTES: Final = 3 * 1024 * 1024
"""So much is reported of ended videos at once; a blob takes no more than 4 MiB."""


class Fed(NamedTuple):
    """What became of the next lines.

    Attributes:
        line: The last of them.
        offset: Where the next one begins.
        started: Their videos, by line.
        reports: Those that will have none.
        lost: Why no more can be read.
    """

    line: int
    offset: int
    started: Mapping[int, str] = {}
    reports: Sequence[Report] = ()
    lost: LineError | None = None


class Ended(NamedTuple):
    """What was in flight and has ended.

    Attributes:
        reports: What became of it.
        left: Further videos that ended, which are too many for one step.
    """

    reports: Sequence[Report]
    left: Sequence[str]


async def advance_batch(request: BatchRequest, services: BatchServices) -> BatchResult:
    """Take a step, and write down that it was taken; whoever takes it again makes the same videos and reports.

    Args:
        request: Whose step, and what has ended.
        services: Clients and clock.
    """
    now, catalog = services.intake.clock(), services.intake.catalog

    def begin(kept: Batch) -> Batch:
        return kept.at(now).reaching(window(kept.models, catalog, now.date()), now)

    batch = await services.batches.amend(request.batch, begin)
    if batch.has_ended:
        return BatchResult()
    try:
        return await _advance(batch, request, Results.recorded(batch), services)
    except Overtaken:
        return await _advance(batch, request, await Results.found(batch, services.files), services)


async def _advance(batch: Batch, request: BatchRequest, results: Results, services: BatchServices) -> BatchResult:
    now = services.intake.clock()
    ended = await _ended(batch, request.ended, results, services)
    over = {report.line for report in ended.reports} | results.lines
    in_flight = {line: video_id for line, video_id in batch.in_flight.items() if line not in over}
    width = window(batch.models, services.intake.catalog, now.date())
    fed = await _feed(batch, width - len(in_flight), results, services)
    results = await results.write(batch, (*ended.reports, *fed.reports), services.files)
    progress = Progress(
        line=fed.line,
        offset=fed.offset,
        in_flight={**in_flight, **fed.started},
        completed=batch.completed + len(results.completed),
        failed=batch.failed + len(results.failed),
        output_bytes=results.output_bytes,
        error_bytes=results.error_bytes,
    )
    await show_files(batch, _stepped(batch, batch, progress, fed.lost, now), services.files)
    after = await services.batches.amend(batch.ref, lambda kept: _stepped(kept, batch, progress, fed.lost, now))
    return _result(after, width, ended.left)


def _stepped(kept: Batch, batch: Batch, progress: Progress, lost: LineError | None, now: datetime) -> Batch:
    """A step counts only if no other was taken meanwhile; a cancellation may have come."""
    if kept.steps != batch.steps or kept.has_ended:
        return kept
    readable = kept.at(now).lost_input(lost) if lost else kept.at(now)
    return readable.advanced(progress, now)


def _result(after: Batch, width: int, left: Sequence[str]) -> BatchResult:
    if after.has_ended:
        return BatchResult()
    more = not after.is_read and (not after.starts_videos or len(after.in_flight) < width)
    return BatchResult(following=BatchStep.ADVANCE, waits=not (more or left), left=left)


async def _ended(batch: Batch, told: Sequence[str] | None, results: Results, services: BatchServices) -> Ended:
    asked = {
        line: video_id
        for line, video_id in batch.in_flight.items()
        if line not in results.lines and (told is None or video_id in told)
    }
    videos = await asyncio.gather(*(_record(batch, video_id, services) for video_id in asked.values()))
    reports, left, size_bytes = list[Report](), list[str](), 0
    for (line, video_id), video in zip(asked.items(), videos, strict=True):
        if video and not video.has_ended:
            continue
        if size_bytes >= REPORT_BYTES:
            left.append(video_id)
            continue
        reports.append(_report(batch, line, video, services))
        size_bytes += len(reports[-1].text)
    return Ended(reports, left)


async def _record(batch: Batch, video_id: str, services: BatchServices) -> Video | None:
    try:
        return await services.intake.videos.get(VideoRef(tenant=batch.tenant, video_id=video_id))
    except NotFound:
        return None


def _report(batch: Batch, line: int, video: Video | None, services: BatchServices) -> Report:
    if video is None or video.batch is None:
        return Report.of_deleted(batch, line)
    return Report.of_video(batch, line, video.batch.custom_id, video, services.show(video))


async def _feed(batch: Batch, room: int, results: Results, services: BatchServices) -> Fed:
    if batch.is_read:
        return Fed(batch.line, batch.offset)
    most = min(room, STARTS_PER_STEP, batch.reach - batch.line) if batch.starts_videos else LINES_PER_STEP
    try:
        lines = await _next_lines(batch, most, max(results.lines, default=0), services)
    except NotFound as error:
        return Fed(batch.line, batch.size_bytes, lost=LineError(code="input_file_gone", message=error.message))
    asked = [line for line in lines if not line.is_blank and line.number not in results.lines]
    outcomes = await asyncio.gather(*(_begin(line, batch, services) for line in asked))
    return Fed(
        line=lines[-1].number if lines else batch.line,
        offset=lines[-1].end if lines else batch.offset,
        started={
            line.number: outcome for line, outcome in zip(asked, outcomes, strict=True) if isinstance(outcome, str)
        },
        reports=[outcome for outcome in outcomes if isinstance(outcome, Report)],
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


async def _begin(line: Line, batch: Batch, services: BatchServices) -> str | Report:
    """Ask for a video, and say which one it is; or say why there is none."""
    custom_id, body = read_line(line)
    if not batch.starts_videos:
        ref = _video_of(batch, line.number)
        has_begun = line.number <= batch.reach and await _record(batch, ref, services)
        return ref if has_begun else Report.of_unbegun(batch, line.number, custom_id)
    terms = Terms(batch=BatchLine(batch_id=batch.batch_id, line=line.number, custom_id=custom_id))
    try:
        intake = _repeatable(services.intake, batch, line.number)
        video = await accept_video(body, tenant=batch.tenant, terms=terms, intake=intake)
    except (ValueError, LookupError) as error:  # of one line, it must not hold up the others
        return Report.of_refusal(batch, line.number, custom_id, _as_refusal(error, batch, line))
    return video.video_id


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

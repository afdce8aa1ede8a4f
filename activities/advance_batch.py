"""Takes a batch one step further: reports the videos that ended, and asks for as many of the next lines."""

import asyncio
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import NamedTuple

from activities.batch_feed import feed
from activities.batch_results import REPORT_BYTES, Overtaken, Results, show_files
from activities.batch_services import BatchServices
from domain.batch import Batch, LineError, Progress
from domain.batch_report import Report
from domain.batch_window import window
from domain.batch_workflow import BatchRequest, BatchResult, BatchStep
from domain.video import Video


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
    again = True

    def begin(kept: Batch) -> Batch:
        nonlocal again
        batch = kept.at(now).reaching(window(kept.models, catalog, now.date()), now)
        again = batch.steps == kept.steps
        return batch

    batch = await services.batches.amend(request.batch, begin)
    if batch.has_ended:
        return BatchResult()
    try:
        return await _advance(batch, request, Results.recorded(batch), services, again=again)
    except Overtaken:
        return await _advance(batch, request, await Results.found(batch, services.files), services, again=True)


async def _advance(
    batch: Batch, request: BatchRequest, results: Results, services: BatchServices, *, again: bool
) -> BatchResult:
    now = services.intake.clock()
    ended = await _ended(batch, request.ended, results, services)
    over = {report.line for report in ended.reports} | results.lines
    in_flight = {line: video_id for line, video_id in batch.in_flight.items() if line not in over}
    width = window(batch.models, services.intake.catalog, now.date())
    room = width - _count_up_to(batch.line, in_flight)
    fed = await feed(batch, room, results, services, again=again)
    results = await results.write(batch, (*ended.reports, *fed.reports), services.files)
    progress = Progress(
        line=fed.line,
        offset=fed.offset,
        reach=fed.reach,
        in_flight={**in_flight, **fed.started},
        completed=batch.completed + len(results.completed),
        failed=batch.failed + len(results.failed),
        output_bytes=results.output_bytes,
        error_bytes=results.error_bytes,
    )
    await show_files(batch, _stepped(batch, batch, progress, fed.lost, now), services.files)
    after = await services.batches.amend(batch.ref, lambda kept: _stepped(kept, batch, progress, fed.lost, now))
    return _result(after, width, ended.left, is_held=fed.is_held)


def _stepped(kept: Batch, batch: Batch, progress: Progress, lost: LineError | None, now: datetime) -> Batch:
    """A step counts only if no other was taken meanwhile; a cancellation may have come."""
    if kept.steps != batch.steps or kept.has_ended:
        return kept
    readable = kept.at(now).lost_input(lost) if lost else kept.at(now)
    return readable.advanced(progress, now)


def _result(after: Batch, width: int, left: Sequence[str], *, is_held: bool) -> BatchResult:
    if after.has_ended:
        return BatchResult()
    has_room = _count_up_to(after.line, after.in_flight) < width
    more = not is_held and not after.is_read and (not after.starts_videos or has_room)
    return BatchResult(following=BatchStep.ADVANCE, waits=not (more or left), left=left)


def _count_up_to(line: int, in_flight: Mapping[int, str]) -> int:
    """How many are in flight of the lines up to this one: those beyond have their room among the next ones."""
    return sum(number <= line for number in in_flight)


async def _ended(batch: Batch, told: Sequence[str] | None, results: Results, services: BatchServices) -> Ended:
    seen_to = {line: video_id for line, video_id in batch.in_flight.items() if batch.is_read or line <= batch.line}
    asked = {
        line: video_id
        for line, video_id in seen_to.items()
        if line not in results.lines and (told is None or video_id in told)
    }
    videos = await asyncio.gather(*(services.record(batch, video_id) for video_id in asked.values()))
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


def _report(batch: Batch, line: int, video: Video | None, services: BatchServices) -> Report:
    if video is None or video.batch is None:
        return Report.of_deleted(batch, line)
    return Report.of_video(batch, line, video.batch.custom_id, video, services.show(video))

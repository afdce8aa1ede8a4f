"""The life of a video, as it is counted and logged."""

import logging
from datetime import timedelta

import pytest

from clients.telemetry.journal import VideoJournal
from domain.failures import Failure
from domain.video import Variant, Video
from tests.unit.examples import NOW, PRICE, a_stored_content, a_video
from tests.unit.fakes import FakeClock
from tests.unit.telemetry.conftest import Told

WHERE = {"model": "sora-2", "deployment": "east"}
WHOSE = {**WHERE, "tenant": "acme"}
QUEUED = a_video()


def after(seconds: float):
    return NOW + timedelta(seconds=seconds)


SUBMITTING = QUEUED.submitting("east", after(2), usd_per_second=PRICE)
RENDERING = SUBMITTING.in_progress("job-1", after(3))
POLLED = RENDERING.progressed(10, after(8)).progressed(50, after(13))
COPYING = POLLED.copying(after(18), rendered_s=4)
COMPLETED = COPYING.copied({Variant.VIDEO: a_stored_content()}).completed(after(20))
TOLD = COMPLETED.announced_up_to(3)
TIMED_OUT = RENDERING.failed(Failure(code="render_timeout", message="No."), after(9), bills=frozenset())
FAILED = SUBMITTING.failed(Failure(code="moderation_blocked", message="No."), after(5))


def journal(**choices: bool) -> VideoJournal:
    return VideoJournal(FakeClock(after(21)), **choices)


@pytest.mark.parametrize(
    ("before", "video", "counted"),
    [
        (None, QUEUED, {"reelay.videos.accepted": [({"model": "sora-2", "tenant": "acme"}, 1)]}),
        (QUEUED, SUBMITTING, {}),
        (SUBMITTING, RENDERING, {"reelay.slot.wait": [(WHERE, 2)]}),
        (RENDERING, POLLED, {}),
        (
            POLLED,
            COPYING,
            {
                "reelay.polls": [(WHERE, 3)],
                "reelay.render.time": [(WHERE, 15)],
            },
        ),
        (
            COPYING,
            COMPLETED,
            {
                "reelay.videos.completed": [(WHOSE, 1)],
                "reelay.copy.time": [(WHERE, 2)],
                "reelay.spend.usd": [(WHOSE, 0.4)],
            },
        ),
        (TIMED_OUT, TIMED_OUT.rendered_after_all(8), {"reelay.spend.usd": [(WHOSE, pytest.approx(0.8))]}),
        (COMPLETED, TOLD, {"reelay.publish.time": [(WHERE, 1)]}),
        (SUBMITTING, FAILED, {"reelay.videos.failed": [({**WHOSE, "code": "moderation_blocked"}, 1)]}),
        (SUBMITTING, SUBMITTING.refused(), {}),
        (TOLD, TOLD.deleted(after(22)).announced_up_to(4), {}),
        (FAILED, FAILED.announced_up_to(3), {}),
    ],
)
def test_each_change_is_counted_as_what_it_is(told: Told, before: Video | None, video: Video, counted: dict):
    journal().wrote(before, video)

    seen = told.metrics()
    assert {name: points for name, points in seen.items() if name not in GAUGES} == counted


GAUGES = {"reelay.queue.age", "reelay.deployment.cooldown", "reelay.budget.used_ratio"}


def test_a_video_that_failed_before_it_was_anywhere_says_so(told: Told):
    journal().wrote(QUEUED, QUEUED.failed(Failure(code="no_capacity", message="No."), after(5)))

    ((attributes, _),) = told.metrics()["reelay.videos.failed"]
    assert attributes["deployment"] == "none"


def test_each_state_is_a_line_of_the_log(caplog: pytest.LogCaptureFixture):
    caplog.set_level(logging.INFO)
    for before, video in [(None, QUEUED), (QUEUED, SUBMITTING), (RENDERING, POLLED), (SUBMITTING, FAILED)]:
        journal().wrote(before, video)

    assert [record.message for record in caplog.records] == [
        "the video is queued",
        "the video is submitting",
        "the video is failed",
    ]
    assert [record.__dict__["fields"]["code"] for record in caplog.records] == [None, None, "moderation_blocked"]


@pytest.mark.parametrize("log_prompts", [True, False])
def test_the_log_tells_the_prompt_once_and_only_if_it_may(caplog: pytest.LogCaptureFixture, log_prompts: bool):
    caplog.set_level(logging.INFO)
    journal(log_prompts=log_prompts).wrote(None, QUEUED)
    journal(log_prompts=log_prompts).wrote(SUBMITTING, SUBMITTING.refused())

    prompts = [record.__dict__["fields"].get("prompt") for record in caplog.records]
    assert prompts == [QUEUED.prompt if log_prompts else None, None]

"""Which render job may be the one that was asked for."""

from datetime import timedelta
from typing import Any

import pytest

from domain.render_job import RenderJob
from tests.unit.examples import NOW, a_video

VIDEO = a_video().submitting("east", NOW)


def a_job(**changes: Any) -> RenderJob:
    fields = {"prompt": VIDEO.prompt, "seconds": VIDEO.seconds, "size": VIDEO.size, "created_at": NOW}
    return RenderJob.model_validate({"upstream_id": "job-1", "status": "running", **fields, **changes})


@pytest.mark.parametrize("created_at", [NOW, NOW.replace(microsecond=0), NOW + timedelta(hours=1), None])
def test_the_same_wish_created_after_the_intent_may_be_it(created_at: object):
    assert a_job(created_at=created_at).could_be_of(VIDEO)


@pytest.mark.parametrize(
    "other",
    [
        {"prompt": "Another."},
        {"prompt": None},
        {"seconds": 8},
        {"size": "720x1280"},
        {"created_at": NOW - timedelta(seconds=1)},
    ],
)
def test_another_wish_or_an_older_one_is_not(other: dict[str, Any]):
    assert not a_job(**other).could_be_of(VIDEO)


def test_the_model_may_have_another_name_over_there():
    assert a_job(model="sora-2-2025-12-08").could_be_of(VIDEO)

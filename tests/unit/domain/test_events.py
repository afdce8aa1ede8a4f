"""What happened follows from the record, in its order, once; and it says nothing that others must not know."""

import json
from datetime import timedelta

import pytest

from domain.events import pending_events
from domain.failures import Failure
from domain.video import Variant, Video
from tests.unit.examples import NOW, PRICE, a_stored_content, a_video

MINUTE = timedelta(minutes=1)
FAILURE = Failure(code="render_failed", message="No.")


def rendering(**changes: object) -> Video:
    return a_video(**changes).submitting("east", NOW, usd_per_second=PRICE).in_progress("job-1", NOW + MINUTE)


def completed(**changes: object) -> Video:
    copying = rendering(**changes).copying(NOW + 2 * MINUTE, rendered_s=4)
    return copying.copied({Variant.VIDEO: a_stored_content()}).completed(NOW + 3 * MINUTE)


def told(video: Video) -> list[tuple[int, str]]:
    return [(event.sequence, event.type.removeprefix("Reelay.Video.")) for event in pending_events(video)]


@pytest.mark.parametrize(
    ("video", "expected"),
    [
        (a_video(), [(1, "Queued")]),
        (a_video().submitting("east", NOW, usd_per_second=PRICE), [(1, "Queued")]),
        (rendering(), [(1, "Queued"), (2, "InProgress")]),
        (completed(), [(1, "Queued"), (2, "InProgress"), (3, "Completed")]),
        (a_video().failed(FAILURE, NOW), [(1, "Queued"), (3, "Failed")]),
        (completed().deleted(NOW), [(1, "Queued"), (2, "InProgress"), (3, "Completed"), (4, "Deleted")]),
    ],
)
def test_what_happened_is_told_in_its_order(video: Video, expected: list[tuple[int, str]]):
    assert told(video) == expected


def test_what_was_told_is_not_told_again():
    video = completed()
    for sequence, left in ((1, 2), (2, 1), (3, 0)):
        video = video.announced_up_to(sequence)
        assert len(pending_events(video)) == left
    assert video.announced_up_to(1).announced == 3


def test_a_video_deleted_while_it_renders_is_deleted_once_it_has_ended():
    """Else its end would have a lower sequence than what was told already."""
    deleted = rendering().deleted(NOW + MINUTE)
    assert told(deleted) == [(1, "Queued"), (2, "InProgress")]
    events = pending_events(deleted.failed(FAILURE, NOW + 2 * MINUTE))
    assert [event.sequence for event in events] == [1, 2, 3, 4]
    assert [event.at for event in events] == sorted(event.at for event in events)


def test_ids_tell_events_apart_and_hold_no_full_stop():
    events = [*pending_events(completed().deleted(NOW)), *pending_events(a_video().failed(FAILURE, NOW))[1:]]
    ids = [event.id for event in events]
    assert len(set(ids)) == len(ids) == 5
    assert not any("." in one for one in ids)


def test_an_event_says_the_same_however_late_it_is_told():
    early, late = pending_events(rendering())[1], pending_events(completed())[1]
    assert (early.id, early.at, early.data(None)) == (late.id, late.at, late.data("https://blob"))


def test_a_completed_video_says_where_it_is_and_what_it_cost():
    data = pending_events(completed(metadata={"shot": "7"}))[-1].data("https://blob")
    assert data == {
        "id": a_video().video_id,
        "status": "completed",
        "sequence": 3,
        "tenant": "acme",
        "model": "sora-2",
        "deployment": "east",
        "cost_usd": "0.40",
        "blob_url": "https://blob",
        "error": None,
        "metadata": {"shot": "7"},
    }


def test_a_failed_video_says_why():
    data = pending_events(rendering().failed(FAILURE, NOW))[-1].data(None)
    assert (data["error"], data["cost_usd"]) == ({"code": "render_failed", "message": "No."}, None)


def test_no_event_tells_the_prompt():
    for event in pending_events(completed(prompt="a secret film").deleted(NOW)):
        assert "secret film" not in json.dumps(event.data("https://blob"))


def test_only_the_end_is_worth_a_webhook():
    events = [*pending_events(completed().deleted(NOW)), *pending_events(a_video().failed(FAILURE, NOW))]
    hooks = [hook for event in events if (hook := event.webhook())]
    assert [hook.type for hook in hooks] == ["video.completed", "video.failed"]
    assert json.loads(hooks[0].body()) == {
        "id": f"evt_{a_video().video_id}_completed",
        "object": "event",
        "created_at": int((NOW + 3 * MINUTE).timestamp()),
        "type": "video.completed",
        "data": {"id": a_video().video_id},
    }

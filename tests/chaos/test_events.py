"""Every event arrives at least once, whoever is down or dies while it is told."""

from collections import Counter
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from tests.chaos.world import World
from tests.e2e.running_stack import wait_until

LIMIT_S = 60


@pytest.fixture
def endpoint(world: World) -> Iterator[dict[str, Any]]:
    """Hears of the end of every video; its receiver is among the fakes."""
    hooks = f"{world.stack.base_url}/admin/webhooks"
    admin = {"api-key": world.stack.admin_key}
    fields = {"tenant": "local", "url": f"{world.stack.upstream}/webhooks/shop"}
    registered = httpx.post(hooks, json=fields, headers=admin).raise_for_status().json()
    yield registered
    httpx.delete(f"{hooks}/{registered['id']}", headers=admin).raise_for_status()


def told(world: World, video_id: str) -> list[int]:
    """The sequences that Event Grid heard of a video, without repeats."""
    events = [event["data"] for event in world.upstream()["events"]]
    return list(dict.fromkeys(event["sequence"] for event in events if event["id"] == video_id))


def hooked(world: World) -> Counter[str]:
    """How often each event arrived at the receiver."""
    return Counter(hook["headers"]["webhook-id"] for hook in world.upstream()["webhooks"])


def test_topic_that_was_down_hears_of_everything_in_its_order(world: World) -> None:
    world.fault(operation="event", effect="status", status=503, times=10_000)
    kept, deleted = world.create("nobody hears of it"), world.create("nor of its end")
    for video_id in (kept, deleted):
        assert world.ended(video_id)["status"] == "completed"
    world.api.delete(f"/videos/{deleted}").raise_for_status()
    assert world.upstream()["events"] == []
    world.mend()
    wait_until(lambda: 4 in told(world, deleted) and 3 in told(world, kept), "all is told", limit_s=LIMIT_S)
    assert (told(world, kept), told(world, deleted)) == ([1, 2, 3], [1, 2, 3, 4])


def test_host_killed_between_the_end_and_its_publication(world: World, endpoint: dict[str, Any]) -> None:
    """Neither the topic nor the endpoint could be told: the next host tells them."""
    world.reset(render_time_s=1.0)
    video_id = world.create("its end is told by another host")
    wait_until(lambda: told(world, video_id) == [1, 2], "its start is told")
    for operation in ("event", "webhook"):
        world.fault(operation=operation, effect="drop_before", times=1)
    wait_until(lambda: world.video(video_id)["status"] == "completed", "it has ended")
    world.kill("host")
    wait_until(lambda: 3 in told(world, video_id), "its end is told", limit_s=LIMIT_S)
    wait_until(lambda: hooked(world)[f"evt_{video_id}_completed"], "the endpoint knows", limit_s=LIMIT_S)


def test_host_killed_again_and_again_loses_no_event_of_ten_videos(world: World, endpoint: dict[str, Any]) -> None:
    for operation in ("event", "webhook"):
        world.fault(operation=operation, effect="drop_after", probability=0.3, times=10_000)
        world.fault(operation=operation, effect="status", status=500, probability=0.3, times=10_000)
    videos = [world.create(f"one of ten, number {number}") for number in range(10)]
    for _ in range(3):
        running = world.stack.pids["host"]
        world.kill("host")
        wait_until(lambda before=running: world.stack.pids["host"] != before, "the host is replaced")
    world.mend()
    assert {world.ended(video_id)["status"] for video_id in videos} == {"completed"}
    wait_until(lambda: all({1, 2, 3} <= {*told(world, video)} for video in videos), "all is told", limit_s=LIMIT_S)
    wait_until(lambda: len(hooked(world)) == len(videos), "the endpoint knows", limit_s=LIMIT_S)

"""Events that the host dies over are delivered again, and each has made one video in the end."""

import secrets
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx
import pytest

from tests.chaos.world import World
from tests.e2e.running_stack import wait_until
from tests.integration.app.grid_kit import (
    ON_BLOB_CREATED,
    ON_VIDEO_REQUESTED,
    EventGrid,
    open_event_grid,
    video_requested,
)

EVENTS = 30


def a_request(mark: str, number: int) -> dict[str, Any]:
    return {"prompt": f"{mark} number {number}", "seconds": "4", "size": "1280x720"}


def asked_by_event(_: EventGrid, mark: str) -> list[dict[str, Any]]:
    return [video_requested(tenant="local", **a_request(mark, number)) for number in range(EVENTS)]


def asked_by_file(grid: EventGrid, mark: str) -> list[dict[str, Any]]:
    return [grid.put(f"inbox/local/{mark}/{number}.json", a_request(mark, number)) for number in range(EVENTS)]


@pytest.mark.parametrize(
    ("function", "events_of"), [(ON_VIDEO_REQUESTED, asked_by_event), (ON_BLOB_CREATED, asked_by_file)]
)
def test_host_killed_amid_events_makes_one_video_of_each(world: World, function: str, events_of: Any) -> None:
    mark = secrets.token_hex(8)

    def videos() -> list[dict[str, Any]]:
        page = world.api.get("/videos", params={"limit": 100}).raise_for_status().json()["data"]
        return [video for video in page if video["prompt"].startswith(mark)]

    with open_event_grid(world.stack) as grid, ThreadPoolExecutor(1) as event_grid:
        events = events_of(grid, mark)
        first_delivery = event_grid.submit(grid.deliver, function, *events)
        wait_until(videos, "the first events have made videos")
        world.kill("host")
        with pytest.raises(httpx.TransportError):
            first_delivery.result()
        wait_until(lambda: grid.deliver(function, *events) == 202, "the events are delivered")
    ids = [video["id"] for video in videos()]
    assert len(ids) == EVENTS
    ended = [world.ended(video_id) for video_id in ids]
    assert {video["status"] for video in ended} == {"completed"}
    assert sorted(video["prompt"] for video in ended) == sorted(a_request(mark, n)["prompt"] for n in range(EVENTS))
    assert world.upstream()["counters"]["create"] == EVENTS

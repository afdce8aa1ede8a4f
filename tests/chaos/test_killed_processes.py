"""An accepted video reaches its end and is paid for once, whichever process dies when."""

from collections.abc import Callable

import pytest

from tests.chaos.world import World
from tests.e2e.running_stack import wait_until

CONTENT_BYTES = 24_000_000


def until_rendering(world: World, _: str) -> bool:
    return world.upstream()["counters"].get("create", 0) == 1


def until_copying(world: World, video_id: str) -> bool:
    return world.upstream()["counters"].get("content", 0) >= 1 and world.video(video_id)["status"] != "completed"


@pytest.mark.parametrize("service", ["host", "engine"])
@pytest.mark.parametrize("moment", [until_rendering, until_copying])
def test_killed_process_costs_no_video(world: World, service: str, moment: Callable[[World, str], bool]) -> None:
    world.reset(render_time_s=1.0, content_bytes=CONTENT_BYTES)
    if moment is until_copying:
        world.fault(operation="content", effect="trickle", seconds=3, times=1)
    video_id = world.create(f"{service} dies {moment.__name__}")
    wait_until(lambda: moment(world, video_id), moment.__name__)
    world.kill(service)
    world.assert_whole(world.ended(video_id))
    assert world.upstream()["counters"]["create"] == 1


def test_host_killed_before_the_creation_is_answered(world: World) -> None:
    """The job exists and nobody here knows its id: it is found and adopted, not paid for again."""
    world.fault(operation="create", effect="delay", seconds=5, times=1)
    video_id = world.create("killed between POST and checkpoint")
    wait_until(lambda: len(world.upstream()["jobs"]) == 1, "the job was created")
    world.kill("host")
    world.assert_whole(world.ended(video_id))
    assert world.upstream()["counters"]["create"] == 1


def test_dropped_answer_to_the_creation_is_adopted(world: World) -> None:
    world.fault(operation="create", effect="drop_after", times=1)
    world.assert_whole(world.ended(world.create("the answer was lost")))
    assert world.upstream()["counters"]["create"] == 1


def test_video_accepted_while_the_engine_is_down_is_started_by_the_sweeper(world: World) -> None:
    world.kill("engine")
    world.assert_whole(world.ended(world.create("nobody was there to start it")))


def test_every_process_dies_in_turn_and_ten_videos_come_out(world: World) -> None:
    world.reset(render_time_s=1.5)
    videos = [world.create(f"one of ten, number {number}") for number in range(10)]
    for service in ("host", "engine", "host"):
        running = world.stack.pids[service]
        world.kill(service)
        wait_until(lambda before=running, name=service: world.stack.pids[name] != before, f"{service} is replaced")
    assert [world.ended(video_id)["status"] for video_id in videos] == ["completed"] * 10
    assert world.upstream()["counters"]["create"] == 10

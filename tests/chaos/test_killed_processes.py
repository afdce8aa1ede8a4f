"""An accepted video reaches its end and is paid for once, whichever process dies when."""

import hashlib
import os
import signal
from collections.abc import Callable, Iterator
from typing import Any

import httpx
import pytest

from tests.e2e.running_stack import RunningStack, running_stack, wait_until

CONTENT_BYTES = 24_000_000


class World:
    """A stack of one's own, its front door and its upstream."""

    def __init__(self, stack: RunningStack) -> None:
        self.stack = stack
        self.api = httpx.Client(base_url=stack.base_url, headers={"api-key": stack.api_key}, timeout=30)
        self.control = httpx.Client(base_url=stack.upstream, timeout=30)

    def reset(self, **settings: Any) -> None:
        self.control.delete("/_control/faults")
        self.control.post("/_control/reset").raise_for_status()
        self.control.post("/_control/settings", json=settings).raise_for_status()

    def fault(self, **fault: Any) -> None:
        self.control.post("/_control/faults", json=[fault]).raise_for_status()

    def create(self, prompt: str) -> str:
        return self.api.post("/videos", json={"prompt": prompt, "seconds": "4"}).raise_for_status().json()["id"]

    def video(self, video_id: str) -> dict[str, Any]:
        return self.api.get(f"/videos/{video_id}").raise_for_status().json()

    def upstream(self) -> dict[str, Any]:
        return self.control.get("/_control/state").json()

    def kill(self, service: str) -> None:
        pids = self.stack.pids[service]
        os.kill(pids[0] if isinstance(pids, list) else pids, signal.SIGKILL)

    def ended(self, video_id: str) -> dict[str, Any]:
        def has_ended() -> dict[str, Any] | None:
            response = self.api.get(f"/videos/{video_id}")
            return video if response.is_success and (video := response.json())["status"] in ENDS else None

        return wait_until(has_ended, f"{video_id} has ended", limit_s=60)

    def assert_whole(self, video: dict[str, Any]) -> None:
        """The caller gets what the upstream rendered, and the upstream rendered once."""
        assert video["status"] == "completed", video["error"]
        content = self.api.get(f"/videos/{video['id']}/content", follow_redirects=True).content
        jobs = self.upstream()["jobs"]
        assert [job["sha256"] for job in jobs] == [video["reelay"]["sha256"]] == [hashlib.sha256(content).hexdigest()]


ENDS = {"completed", "failed"}


@pytest.fixture(scope="module")
def own_world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    settings = {"REELAY_SWEEP_SCHEDULE": "* * * * * *", "REELAY_SWEEP_GRACE_S": "1"}
    with running_stack(tmp_path_factory.mktemp("chaos") / "state", **settings) as stack:
        world = World(stack)
        with world.api, world.control:
            yield world


@pytest.fixture
def world(own_world: World) -> World:
    own_world.reset(render_time_s=0.3, content_bytes=None)
    return own_world


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

"""A slot is never lost: whoever ends an orchestration, the next video gets its turn."""

from collections.abc import Iterator
from typing import Any

import pytest

from tests.chaos.world import World
from tests.e2e.running_stack import running_stack, wait_until


@pytest.fixture(scope="module")
def own_world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """A stack that nobody else uses: its pool learns that the deployment bears one job, and remembers."""
    with running_stack(tmp_path_factory.mktemp("slots") / "state") as stack:
        world = World(stack)
        with world.api, world.control:
            yield world


@pytest.fixture
def first_and_second(world: World) -> tuple[str, str]:
    """A video that renders, and one that waits for its slot: the deployment bears one job."""
    world.reset(render_time_s=3.0, max_running=1)
    first = world.create("has the slot")
    wait_until(lambda: world.video(first)["status"] == "in_progress", "the first renders")
    second = world.create("waits for it")
    wait_until(lambda: world.waiting() == 1, "the second waits")
    return first, second


def jobs(world: World) -> list[dict[str, Any]]:
    return sorted(world.upstream()["jobs"], key=lambda job: job["created_at"])


def test_terminated_orchestration_starts_over_and_hands_its_slot_on(
    world: World, first_and_second: tuple[str, str]
) -> None:
    first, second = first_and_second
    world.terminate(first)
    assert [world.ended(video)["status"] for video in (first, second)] == ["completed", "completed"]
    assert [job["prompt"] for job in jobs(world)] == ["has the slot", "waits for it"]
    assert max(world.upstream()["max_running"].values()) == 1


def test_deleted_video_whose_orchestration_was_terminated_hands_its_slot_on(
    world: World, first_and_second: tuple[str, str]
) -> None:
    first, second = first_and_second
    world.terminate(first)
    world.api.delete(f"/videos/{first}").raise_for_status()
    assert world.ended(second)["status"] == "completed"


def test_video_cancelled_in_the_line_leaves_it_at_once(world: World, first_and_second: tuple[str, str]) -> None:
    first, second = first_and_second
    world.api.post(f"/videos/{second}/cancel").raise_for_status()
    assert world.ended(second)["error"]["code"] == "cancelled"
    assert world.video(first)["status"] == "in_progress"
    assert world.ended(first)["status"] == "completed"


def test_waiting_video_whose_orchestration_was_terminated_gets_its_turn(
    world: World, first_and_second: tuple[str, str]
) -> None:
    first, second = first_and_second
    world.terminate(second)
    assert [world.ended(video)["status"] for video in (first, second)] == ["completed", "completed"]

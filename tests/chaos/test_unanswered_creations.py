"""Nobody knows whether the creation worked: each video still has one job, and each job one video."""

from tests.chaos.world import World
from tests.e2e.running_stack import wait_until

ALIKE = 10


def assert_each_has_its_own(world: World, videos: list[str]) -> None:
    ended = [world.ended(video_id) for video_id in videos]
    assert [video["error"] for video in ended] == [None] * len(videos)
    jobs = world.upstream()["jobs"]
    assert len(jobs) == len(videos)
    assert {video["reelay"]["sha256"] for video in ended} == {job["sha256"] for job in jobs}


def test_equal_prompts_whose_creations_go_wrong_in_every_way(world: World) -> None:
    for fault in (
        {"effect": "drop_before"},
        {"effect": "drop_after"},
        {"effect": "drop_late", "seconds": 3},
        {"effect": "status_after", "status": 500},
        {"effect": "truncate"},
        {"effect": "garbage"},
        {"effect": "status", "status": 503},
    ):
        world.fault(operation="create", **fault)
    assert_each_has_its_own(world, [world.create("all alike") for _ in range(ALIKE)])


def test_equal_prompts_whose_host_is_killed_before_any_creation_is_answered(world: World) -> None:
    world.fault(operation="create", effect="delay", seconds=20, times=ALIKE)
    videos = [world.create("all alike, and all alone") for _ in range(ALIKE)]
    wait_until(lambda: len(world.upstream()["jobs"]) == ALIKE, "every job was created")
    world.kill("host")
    assert_each_has_its_own(world, videos)

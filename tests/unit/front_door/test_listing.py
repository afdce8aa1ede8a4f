"""A list shows what is asked for, page by page, without ever looking through everything."""

from typing import Any

import pytest

from domain.failures import Failure
from front_door.listing import SLICE, SLICES_AT_MOST
from tests.unit.examples import NOW, a_video, an_id
from tests.unit.front_door.world import World, error_of

FAILURE = Failure(code="moderation_blocked", message="Blocked.")


def fill(world: World, count: int) -> None:
    """Every third video failed, every second belongs to team a."""
    for number in range(count):
        video = a_video(video_id=an_id(number), metadata={"team": "ba"[number % 2 == 0], "n": str(number)})
        world.videos.add(video.failed(FAILURE, NOW) if number % 3 == 0 else video)


async def page(world: World, **query: Any) -> dict[str, Any]:
    return (await world.ask("GET", "/v1/videos", params=query)).json()


async def numbers_of_all(world: World, **query: Any) -> list[int]:
    """Follow the pages, as a client does."""
    numbers, after = list[int](), {}
    while True:
        listed = await page(world, **query, **after)
        numbers += [int(video["metadata"]["n"]) for video in listed["data"]]
        if not listed["has_more"]:
            return numbers
        after = {"after": listed["last_id"]}


@pytest.mark.parametrize("order", ["asc", "desc"])
@pytest.mark.parametrize(
    ("query", "wanted"),
    [
        ({}, range(25)),
        ({"status": "failed"}, range(0, 25, 3)),
        ({"metadata[team]": "a"}, range(0, 25, 2)),
        ({"metadata[team]": "a", "status": "failed"}, range(0, 25, 6)),
        ({"metadata[team]": "a", "metadata[n]": "4"}, [4]),
        ({"metadata[team]": "c"}, []),
        ({"metadata[x]": "a"}, []),
        ({"status": "completed"}, []),
    ],
)
@pytest.mark.parametrize("limit", [1, 4, 100])
async def test_pages_together_are_all_that_was_asked_for(
    world: World, order: str, query: dict[str, str], wanted: Any, limit: int
):
    fill(world, 25)
    assert await numbers_of_all(world, order=order, limit=limit, **query) == sorted(wanted, reverse=order == "desc")


async def test_a_page_ends_when_enough_was_looked_through(world: World):
    fill(world, 1)
    for number in range(1, SLICE * SLICES_AT_MOST + 5):
        world.videos.add(a_video(video_id=an_id(number), metadata={"team": "b", "n": str(number)}))
    first = await page(world, **{"metadata[n]": "0"})
    assert (first["data"], first["has_more"], first["last_id"]) == ([], True, an_id(5))
    second = await page(world, **{"metadata[n]": "0", "after": first["last_id"]})
    assert ([video["id"] for video in second["data"]], second["has_more"]) == ([an_id(0)], False)


async def test_an_unknown_status_is_refused_with_those_there_are(world: World):
    refused = await world.ask("GET", "/v1/videos?status=done")
    assert (refused.status_code, error_of(refused)["param"]) == (400, "status")
    assert "completed" in error_of(refused)["message"]

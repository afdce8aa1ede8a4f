"""A list shows what is asked for, page by page, without ever looking through everything."""

from typing import Any

import pytest

from domain.failures import Failure
from front_door import listing
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


@pytest.fixture
def few(monkeypatch: pytest.MonkeyPatch) -> None:
    """Slices of five: 100 videos are looked through, and 500 for the first."""
    monkeypatch.setattr(listing, "SLICE", 5)


@pytest.mark.usefixtures("few")
async def test_a_page_ends_when_enough_was_looked_through(world: World):
    fill(world, 300)
    first = await page(world, **{"metadata[n]": "299"})
    assert ([video["id"] for video in first["data"]], first["has_more"]) == ([an_id(299)], True)
    assert first["last_id"] == an_id(200)


@pytest.mark.usefixtures("few")
async def test_no_page_is_empty_before_very_many_were_looked_through(world: World):
    fill(world, 501)
    found = await page(world, **{"metadata[n]": "2"})
    assert ([video["id"] for video in found["data"]], found["has_more"]) == ([an_id(2)], True)
    empty = await page(world, **{"metadata[n]": "0"})
    assert (empty["data"], empty["has_more"], empty["last_id"]) == ([], True, an_id(1))
    rest = await page(world, **{"metadata[n]": "0", "after": empty["last_id"]})
    assert ([video["id"] for video in rest["data"]], rest["has_more"]) == ([an_id(0)], False)


async def test_an_unknown_status_is_refused_with_those_there_are(world: World):
    refused = await world.ask("GET", "/v1/videos?status=done")
    assert (refused.status_code, error_of(refused)["param"]) == (400, "status")
    assert "completed" in error_of(refused)["message"]

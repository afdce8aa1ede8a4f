"""Guardrails look at what events and files ask for as well."""

import json
from dataclasses import replace

import pytest

from domain.errors import CheckImpossible
from domain.finding import Finding
from event_sources.accept_once import NotNow
from tests.unit.event_sources.events import REQUEST, World, an_event
from tests.unit.guards import Watchman, guarded_by

FILE = "inbox/acme/fox.json"
CREATED = an_event(
    type="Microsoft.Storage.BlobCreated", data={"url": f"https://acct.blob.core.windows.net/requests/{FILE}"}
)


@pytest.fixture
def watchman() -> Watchman:
    return Watchman()


@pytest.fixture
def world(watchman: Watchman) -> World:
    world = World()
    world.intake = replace(world.intake, guardrails=guarded_by(watchman))
    world.inputs.blobs[FILE] = json.dumps(REQUEST).encode()
    return world


async def test_what_an_event_asks_for_is_refused(world: World, watchman: Watchman) -> None:
    watchman.finds = Finding("hate", 4)
    await world.video_requests().receive(an_event())
    (letter,) = world.dead_letters()
    assert letter["error"]["code"] == "content_policy_violation"
    assert world.asked() == []


async def test_a_file_in_the_inbox_is_answered_beside_it(world: World, watchman: Watchman) -> None:
    watchman.finds = Finding("hate", 4)
    await world.inbox().receive(CREATED)
    assert world.error("inbox/acme/fox.error.json")["code"] == "content_policy_violation"
    assert world.asked() == []


async def test_an_event_has_to_wait_that_nobody_could_look_at(world: World, watchman: Watchman) -> None:
    watchman.finds = CheckImpossible("it is down")
    with pytest.raises(NotNow):
        await world.video_requests().receive(an_event())
    with pytest.raises(NotNow):
        await world.inbox().receive(CREATED)
    assert (world.asked(), world.dead_letters()) == ([], [])
    watchman.finds = None
    await world.video_requests().receive(an_event())
    assert len(world.asked()) == 1

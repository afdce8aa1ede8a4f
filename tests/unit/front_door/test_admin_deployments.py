"""The operator sees what every deployment does, and what troubles it."""

from datetime import date, timedelta
from typing import Any

import pytest
from grpc import StatusCode
from grpc.aio import AioRpcError, Metadata

from domain.capacity import Fleet, Pool
from domain.catalog import Deployment
from domain.condition import Condition
from domain.render_times import RenderKind
from domain.slot import Demand, Outcome, Verdict
from tests.unit.examples import NOW, a_deployment, a_model_catalog, a_video, an_id
from tests.unit.front_door.world import ADMIN_KEY, World, error_of

SLOW, FULL = (Verdict(outcome=fault, error=fault.value, retry_after_s=40) for fault in (Outcome.TOO_FAST, Outcome.FULL))
DOWN = Verdict(outcome=Outcome.REFUSED, error="No such key.")


def a_pool(deployment: Deployment, *, videos: int, verdict: Verdict | None = None) -> Pool:
    """The pool of one deployment, when so many videos have asked for a slot and the first one's job was refused."""
    pool, fleet = Pool(), Fleet([deployment], timedelta(days=1))
    asking = [a_video(video_id=an_id(number)) for number in range(videos)]
    for video in asking:
        pool.acquire(video.ref, Demand.of(video), fleet, NOW)
    if verdict:
        pool.release(asking[0].ref, fleet, NOW, verdict=verdict)
    return pool


async def seen(world: World, *deployments: Deployment, pool: Pool) -> list[dict[str, Any]]:
    """What the operator sees of a model with these deployments and this pool."""
    world.change(catalog=a_model_catalog(a=deployments))
    world.pools.pools["a"] = pool
    response = await world.ask("GET", "/v1/admin/deployments", key=ADMIN_KEY)
    assert response.status_code == 200
    assert response.json()["object"] == "list"
    return response.json()["data"]


async def test_what_is_configured_is_shown_of_a_deployment_that_nobody_used(world: World):
    deployment = a_deployment(requests_per_minute=6, priority=2, weight=3, retires_on=date(2026, 11, 20))
    assert await seen(world, deployment, pool=Pool()) == [
        {
            "name": "east",
            "model": "a",
            "max_concurrent": 10,
            "effective_concurrency": 10,
            "running": 0,
            "waiting": 0,
            "requests_per_minute": 6,
            "starts_in_last_minute": 0,
            "priority": 2,
            "weight": 3,
            "cooldown": None,
            "last_error": None,
            "render_time": None,
            "retires_on": "2026-11-20",
            "retired": True,
        }
    ]


async def test_running_and_waiting_are_counted(world: World):
    deployment = a_deployment(max_concurrent=2)
    (east,) = await seen(world, deployment, pool=a_pool(deployment, videos=5))
    assert (east["running"], east["waiting"], east["starts_in_last_minute"]) == (2, 3, None)


@pytest.mark.parametrize(("passed_s", "starts"), [(59, 2), (60, 0)])
async def test_starts_of_the_last_minute_are_counted_where_they_are_limited(world: World, passed_s: int, starts: int):
    deployment = a_deployment(requests_per_minute=3)
    world.clock.advance(passed_s)
    (east,) = await seen(world, deployment, pool=a_pool(deployment, videos=2))
    assert (east["running"], east["starts_in_last_minute"]) == (2, starts)


async def test_a_rest_and_its_reason_are_shown_until_it_is_over(world: World):
    pool = a_pool(a_deployment(), videos=1, verdict=SLOW)
    for waited_s, cooldown in ((39, {"until": "2026-11-21T12:00:40.250000Z", "reason": "overloaded"}), (1, None)):
        world.clock.advance(waited_s)
        (east,) = await seen(world, a_deployment(), pool=pool)
        assert east["cooldown"] == cooldown
    assert east["last_error"] == {"message": "too_fast", "at": "2026-11-21T12:00:00.250000Z"}


async def test_an_open_circuit_leaves_room_for_one_job(world: World):
    (east,) = await seen(world, a_deployment(), pool=a_pool(a_deployment(), videos=2, verdict=DOWN))
    assert east["cooldown"]["reason"] == "circuit_open"
    assert (east["max_concurrent"], east["effective_concurrency"]) == (10, 1)
    assert east["last_error"]["message"] == "No such key."


async def test_a_refusal_for_being_full_lowers_the_effective_concurrency(world: World):
    (east,) = await seen(world, a_deployment(), pool=a_pool(a_deployment(), videos=6, verdict=FULL))
    assert east["effective_concurrency"] == 5


async def test_learnt_render_times_are_shown(world: World):
    kind = RenderKind("east", "sora-2", 4, "1280x720")
    for _ in range(3):
        await world.render_times.record(kind, 61.0)
    (east,) = await seen(world, a_deployment(), pool=Pool())
    assert east["render_time"]["samples"] == 2.7  # older ones count for less
    assert east["render_time"]["median_s"] == east["render_time"]["p90_s"] == pytest.approx(61, rel=0.05)


async def test_each_deployment_has_its_own_condition_and_each_model_its_own_pool(world: World):
    full = Pool(conditions={"west": Condition(concurrency=3)})
    world.pools.pools["b"] = a_pool(a_deployment(name="north"), videos=1)
    catalog = a_model_catalog(a=[a_deployment(), a_deployment(name="west")], b=[a_deployment(name="north")])
    world.change(catalog=catalog)
    world.pools.pools["a"] = full
    told = (await world.ask("GET", "/admin/deployments", key=ADMIN_KEY)).json()["data"]
    assert [(one["model"], one["name"], one["effective_concurrency"], one["running"]) for one in told] == [
        ("a", "east", 10, 0),
        ("a", "west", 3, 0),
        ("b", "north", 10, 1),
    ]


@pytest.mark.parametrize("error", [TimeoutError(), AioRpcError(StatusCode.UNAVAILABLE, Metadata(), Metadata())])
async def test_an_engine_that_is_away_is_worth_coming_back_to(world: World, error: Exception):
    world.pools.broken["sora-2"] = error
    response = await world.ask("GET", "/v1/admin/deployments", key=ADMIN_KEY)
    assert (response.status_code, error_of(response)["code"]) == (503, "busy")
    assert response.headers["retry-after"] == "5"


async def test_a_caller_does_not_see_them(world: World):
    assert (await world.ask("GET", "/v1/admin/deployments")).status_code == 403

"""Who may ask for more learns how much; who may not learns why and when to come back, and nothing is kept."""

from decimal import Decimal
from typing import Any

import httpx
import pytest

from clients.video_table import VideoTable
from domain.caller import Caller, Limits
from domain.failures import Failure
from domain.video import Variant, Video, VideoRef
from tests.unit.callers import OneCaller
from tests.unit.examples import NOW, TENANT, a_stored_content, an_image, usd
from tests.unit.front_door.world import ADMIN_KEY, World, error_of
from tests.unit.ledger_store import Fault

ASKED = {"prompt": "A fox runs through snow.", "size": "1280x720", "seconds": "4"}
PRICE = "0.40"


@pytest.fixture
def world() -> World:
    """One whose records and ledger are real."""
    world, drawn = World(), iter(range(1_000))
    ledger = world.store.ledger(world.clock)
    videos = VideoTable(world.store.as_client(), ledger)
    world.change(ledger=ledger, videos=videos, randomness=lambda count: next(drawn).to_bytes(count))
    return world


def limited(world: World, **limits: Any) -> None:
    caller = Caller(tenant=TENANT, key_id="key_1", key_limits=Limits.model_validate(limits))
    world.change(callers=OneCaller(caller).as_callers())


async def create(world: World, **headers: str) -> httpx.Response:
    return await world.ask("POST", "/v1/videos", headers=headers, json=ASKED)


async def end(world: World, video_id: str, *, well: bool = True) -> Video:
    def ended(kept: Video) -> Video:
        rendering = kept.submitting("east", NOW, usd_per_second=usd("0.10")).in_progress("job", NOW)
        if not well:
            return rendering.failed(Failure(code="render_failed", message="No."), NOW)
        stored = rendering.copying(NOW, rendered_s=4).copied({Variant.VIDEO: a_stored_content()})
        return stored.completed(NOW)

    return await world.services.videos.amend(VideoRef(tenant=TENANT, video_id=video_id), ended)


async def test_the_answer_says_what_it_may_cost_and_how_often_one_may_ask(world: World):
    limited(world, requests_per_minute=3)
    answer = await create(world)
    assert {name: answer.headers[name] for name in answer.headers if "ratelimit" in name or "cost" in name} == {
        "x-reelay-cost-usd": PRICE,
        "x-ratelimit-limit-requests": "3",
        "x-ratelimit-remaining-requests": "2",
        "x-ratelimit-reset-requests": "20.000s",
    }
    assert answer.json()["usage"] is None


async def test_who_has_no_limit_on_requests_hears_of_none(world: World):
    answer = await create(world)
    assert not [name for name in answer.headers if "ratelimit" in name]


async def test_what_it_cost_is_told_at_its_end(world: World):
    well, badly = [(await create(world)).json()["id"] for _ in range(2)]
    await end(world, well)
    await end(world, badly, well=False)
    paid, free = [await world.ask("GET", f"/v1/videos/{video_id}") for video_id in (well, badly)]
    assert (paid.headers["x-reelay-cost-usd"], free.headers["x-reelay-cost-usd"]) == (PRICE, "0")
    assert paid.json()["usage"] == {"duration_seconds": 4, "cost_usd": PRICE}
    assert free.json()["usage"] == {"duration_seconds": 0, "cost_usd": "0"}


async def test_over_budget(world: World):
    limited(world, budget_usd={"month": "0.60"})
    first = await create(world)
    refused = await create(world)
    assert (first.status_code, refused.status_code) == (200, 429)
    assert refused.headers["x-should-retry"] == "false"
    assert error_of(refused) == {
        "message": "The video may cost 0.40 USD, and the key has 0.20 USD left of 0.60 USD (a month). "
        "It is renewed at 2026-12-01T00:00:00+00:00.",
        "type": "insufficient_quota",
        "param": None,
        "code": "insufficient_quota",
    }


async def test_too_soon(world: World):
    limited(world, requests_per_minute=1)
    await create(world)
    refused = await create(world)
    assert refused.status_code == 429
    assert error_of(refused)["code"] == "rate_limit_exceeded"
    assert (refused.headers["retry-after"], refused.headers["retry-after-ms"]) == ("60", "60000")
    assert refused.headers["x-ratelimit-remaining-requests"] == "0"
    world.clock.advance(60)
    assert (await create(world)).status_code == 200


@pytest.mark.parametrize("headers", [{}, {"idempotency-key": "k-1"}])
async def test_what_comes_too_soon_is_not_even_read(world: World, headers: dict[str, str]):
    limited(world, requests_per_minute=1)
    await create(world)
    assert (await world.ask("POST", "/v1/videos", headers=headers, json={"prompt": ""})).status_code == 429


async def test_too_many_in_flight(world: World):
    limited(world, max_in_flight=1)
    video_id = (await create(world)).json()["id"]
    refused = await create(world)
    assert (refused.status_code, error_of(refused)["code"]) == (429, "too_many_videos_in_flight")
    assert refused.headers["retry-after"] == "10"
    await end(world, video_id)
    assert (await create(world)).status_code == 200


async def test_a_refusal_leaves_nothing_behind(world: World):
    limited(world, budget_usd={"total": "0.39"})
    files = {"input_reference": ("f.png", an_image())}
    refused = await world.ask("POST", "/v1/videos", data=ASKED, files=files)
    assert refused.status_code == 429
    assert {partition for partition, _ in world.store.rows} <= {"tenants"}
    assert world.inputs.blobs == {}


@pytest.mark.parametrize(
    ("fault", "status", "images"),
    [
        (Fault.NOTHING_SENT, 503, 0),
        (Fault.NOTHING_WRITTEN, 503, 0),
        (Fault.REFUSED, 500, 0),
        (Fault.ANSWER_LOST, 200, 1),
        (Fault.SENT_AGAIN, 200, 1),
    ],
)
async def test_an_image_stays_if_its_video_does(world: World, fault: Fault, status: int, images: int):
    limited(world, max_in_flight=1)
    world.store.faults = [fault]
    answer = await world.ask("POST", "/v1/videos", data=ASKED, files={"input_reference": ("f.png", an_image())})
    assert (answer.status_code, len(world.inputs.blobs)) == (status, images)


async def test_nobody_is_told_to_ask_again_for_what_may_have_been_accepted(world: World):
    assert (await create(world)).status_code == 200
    world.store.faults, world.store.is_away = [Fault.ANSWER_LOST], True
    answer = await world.ask("POST", "/v1/videos", data=ASKED, files={"input_reference": ("f.png", an_image())})
    assert (answer.status_code, answer.headers["x-should-retry"], len(world.inputs.blobs)) == (502, "false", 1)


async def test_a_repeated_request_is_answered_whatever_is_left(world: World):
    limited(world, budget_usd={"total": PRICE}, requests_per_minute=1, max_in_flight=1)
    first, again = [await create(world, **{"idempotency-key": "k-1"}) for _ in range(2)]
    assert (first.status_code, again.status_code) == (200, 200)
    assert first.json()["id"] == again.json()["id"]


async def test_usage_by_key_model_and_day(world: World):
    ids = list[str]()
    limited(world)
    for _ in range(3):
        ids.append((await create(world)).json()["id"])
    await end(world, ids[0])
    await end(world, ids[1], well=False)
    report = (await world.ask("GET", "/v1/usage?group_by=key,model,day")).json()
    sums = {"requested": 3, "paid": 1, "unpaid": 1, "seconds": 4, "cost_usd": PRICE}
    group = {"key": "key_1", "model": "sora-2", "day": NOW.date().isoformat()}
    assert report == {
        "object": "usage",
        "first": NOW.date().replace(day=1).isoformat(),
        "last": NOW.date().isoformat(),
        "data": [group | sums],
        "total": sums,
    }


@pytest.mark.parametrize(("params", "headers"), [("&format=csv", {}), ("", {"accept": "text/csv"})])
async def test_usage_as_csv(world: World, params: str, headers: dict[str, str]):
    await end(world, (await create(world)).json()["id"])
    answer = await world.ask("GET", f"/v1/usage?group_by=day{params}", headers=headers)
    assert answer.headers["content-type"].startswith("text/csv")
    assert answer.text == f"day,requested,paid,unpaid,seconds,cost_usd\r\n{NOW.date()},1,1,0,4,{PRICE}\r\n"


@pytest.mark.parametrize(
    ("query", "param"),
    [
        ("group_by=tenant", "group_by"),
        ("from=2026-11-02&to=2026-11-01", "from"),
        ("from=2020-01-01", "from"),
        ("from=x", "from"),
    ],
)
async def test_what_cannot_be_reported_is_named(world: World, query: str, param: str):
    refused = await world.ask("GET", f"/v1/usage?{query}")
    assert (refused.status_code, error_of(refused)["param"]) == (400, param)


async def test_days_that_are_not_asked_for_do_not_count(world: World):
    await create(world)
    world.clock.advance(2 * 86_400)
    await create(world)
    day = NOW.date().isoformat()
    report = (await world.ask("GET", f"/v1/usage?from={day}&to={day}")).json()
    assert report["total"]["requested"] == 1


async def test_the_operator_sees_all_tenants_and_that_the_books_are_right(world: World):
    for tenant in ("acme", "globex"):
        world.change(callers=OneCaller(Caller(tenant=tenant)).as_callers())
        await create(world)
    report = (await world.ask("GET", "/v1/admin/usage?group_by=tenant", key=ADMIN_KEY)).json()
    assert [(line["tenant"], line["requested"]) for line in report["data"]] == [("acme", 1), ("globex", 1)]
    one = (await world.ask("GET", "/v1/admin/usage?tenant=acme", key=ADMIN_KEY)).json()
    assert one["total"]["requested"] == 1
    verified = (await world.ask("GET", "/v1/admin/ledger/verify", key=ADMIN_KEY)).json()
    assert verified == {
        "object": "ledger.verification",
        "agrees": True,
        "tenants": 2,
        "entries": 2,
        "in_flight": 2,
        "reserved_usd": "0.80",
        "spent_usd": "0",
        "differences": [],
    }


async def test_a_difference_is_shown(world: World):
    await create(world)
    row = world.store.rows["tenant-acme", "u"]
    row["reserved_usd"] = str(Decimal("0.10"))
    verified = (await world.ask("GET", "/v1/admin/ledger/verify?tenant=acme", key=ADMIN_KEY)).json()
    assert not verified["agrees"]
    assert verified["differences"] == [
        {"tenant": "acme", "key_id": None, "what": "reserved_usd", "account": "0.10", "ledger": PRICE}
    ]


@pytest.mark.parametrize("path", ["usage", "ledger/verify"])
async def test_a_tenant_that_nobody_knows_is_no_tenant_that_is_right(world: World, path: str):
    statuses = list[int]()
    for tenant in ("acme", "acmee"):  # the one is configured
        answer = await world.ask("GET", f"/v1/admin/{path}?tenant={tenant}", key=ADMIN_KEY)
        statuses.append(answer.status_code)
    assert statuses == [200, 404]
    assert error_of(answer)["code"] == "tenant_not_found"
    await world.ask("POST", "/v1/admin/tenants", key=ADMIN_KEY, json={"name": "acmee", "disabled": True})
    assert (await world.ask("GET", f"/v1/admin/{path}?tenant=acmee", key=ADMIN_KEY)).status_code == 200

"""An accepted video is kept with everything it needs; a refused one leaves nothing behind."""

from datetime import timedelta

import httpx
import pytest
from grpc import StatusCode
from grpc.aio import AioRpcError, Metadata

from clients.caller_keys import CallerKeys
from clients.settings import CallerKey
from domain.slot import Demand
from domain.video import Video, VideoRef
from front_door.app import PREFIXES
from tests.unit.examples import NOW, TENANT, a_catalog, a_deployment, an_image
from tests.unit.fakes import a_secret_store, keyvault_secret
from tests.unit.front_door.world import KEY, OTHER_KEY, SWEEP_GRACE, World, error_of

ASKED = {"prompt": "A fox runs through snow.", "size": "1280x720"}


async def create(
    world: World, idempotency_key: str | None = None, *, fallback: str | None = None, **fields: object
) -> httpx.Response:
    sent = {"idempotency-key": idempotency_key, "x-reelay-fallback": fallback}
    headers = {name: value for name, value in sent.items() if value is not None}
    return await world.ask("POST", "/v1/videos", headers=headers, json=ASKED | fields)


def only_video(world: World) -> Video:
    (video,) = world.videos.records.values()
    return video


async def test_the_record_is_kept_the_alarm_set_and_the_orchestration_started(world: World):
    response = await create(world, user="u-1", metadata={"scene": "7"})
    video = only_video(world)
    assert response.status_code == 200
    assert (video.tenant, video.prompt, video.created_at) == (TENANT, ASKED["prompt"], NOW)
    assert (video.user, video.metadata) == ("u-1", {"scene": "7"})
    assert world.videos.alarms[video.ref] == NOW + SWEEP_GRACE
    assert world.orchestrations.started == [video.ref]


async def test_those_who_listen_are_soon_told_of_a_new_video(world: World):
    told = list[VideoRef]()
    world.change(announce_soon=told.append)
    await create(world)
    assert told == [only_video(world).ref]


async def test_the_answer_is_openais_video_and_says_when_to_ask_again(world: World):
    response = await create(world, metadata={"scene": "7"})
    told = response.json()
    assert response.headers["openai-poll-after-ms"] == "5000"
    assert (
        told.items()
        >= {
            "id": only_video(world).video_id,
            "object": "video",
            "model": "sora-2",
            "status": "queued",
            "progress": 0,
            "created_at": int(NOW.timestamp()),
            "completed_at": None,
            "seconds": "4",
            "size": "1280x720",
            "error": None,
        }.items()
    )
    assert told["metadata"] == {"scene": "7"}


@pytest.mark.parametrize("prefix", PREFIXES)
async def test_every_base_url_leads_to_the_same_routes(world: World, prefix: str):
    assert (await world.ask("POST", f"{prefix}/videos?api-version=preview", json=ASKED)).status_code == 200


async def test_an_orchestration_that_cannot_be_started_is_left_to_the_sweeper(world: World):
    world.orchestrations.broken[None] = AioRpcError(StatusCode.UNAVAILABLE, Metadata(), Metadata())
    assert (await create(world)).status_code == 200
    assert only_video(world).ref in world.videos.alarms


async def test_the_reference_image_is_left_where_the_orchestration_finds_it(world: World):
    picture = an_image()
    response = await world.ask("POST", "/v1/videos", data=ASKED, files={"input_reference": ("f.png", picture)})
    stored = only_video(world).input_reference
    assert response.status_code == 200
    assert stored is not None
    assert stored.content_type == "image/png"
    assert world.inputs.blobs == {stored.blob: picture}


@pytest.mark.parametrize("fields", [{"seconds": "5"}, {"size": "1x1"}, {"model": "veo-9"}, {"prompt": ""}])
async def test_a_refusal_leaves_nothing_behind(world: World, fields: dict[str, str]):
    refused = await world.ask(
        "POST", "/v1/videos", data=ASKED | fields, files={"input_reference": ("f.png", an_image())}
    )
    assert refused.status_code == 400
    assert (world.videos.records, world.inputs.blobs, world.orchestrations.started) == ({}, {}, [])


async def test_an_image_of_the_wrong_pixels_leaves_nothing_behind(world: World):
    small = ("f.png", an_image(width=64, height=48))
    refused = await world.ask("POST", "/v1/videos", data=ASKED, files={"input_reference": small})
    assert error_of(refused)["param"] == "input_reference"
    assert (world.videos.records, world.inputs.blobs) == ({}, {})


async def test_the_same_key_and_body_is_the_same_video(world: World):
    first, second = [await create(world, "k-1") for _ in range(2)]
    assert first.json() == second.json()
    assert only_video(world).video_id == first.json()["id"]
    assert set(world.orchestrations.started) == {only_video(world).ref}


async def test_a_repeated_request_does_not_leave_its_image_behind(world: World):
    for _ in range(2):
        world.clock.advance(1)
        files = {"input_reference": ("f.png", an_image())}
        await world.ask("POST", "/v1/videos", headers={"idempotency-key": "k-1"}, data=ASKED, files=files)
    assert len(world.inputs.blobs) == 1


async def test_the_same_key_with_another_body_is_a_conflict(world: World):
    await create(world, "k-1")
    refused = await create(world, "k-1", prompt="A cat.")
    assert refused.status_code == 409
    assert error_of(refused)["param"] == "Idempotency-Key"
    assert only_video(world).prompt == ASKED["prompt"]


async def test_a_key_is_its_tenants_own(world: World):
    await create(world, "k-1")
    world.clock.advance(1)
    other = await world.ask("POST", "/v1/videos", key=OTHER_KEY, headers={"idempotency-key": "k-1"}, json=ASKED)
    assert other.status_code == 200
    assert {video.tenant for video in world.videos.records.values()} == {TENANT, "globex"}


async def test_a_key_has_a_limit(world: World):
    assert (await create(world, "k" * 255)).status_code == 200
    assert error_of(await create(world, "k" * 256))["param"] == "Idempotency-Key"


@pytest.mark.parametrize(("fallback", "may_fall_back"), [(None, True), ("allow", True), ("none", False)])
async def test_the_record_says_whether_another_model_may_render(
    world: World, fallback: str | None, may_fall_back: bool
):
    assert (await create(world, fallback=fallback)).status_code == 200
    assert only_video(world).may_fall_back is may_fall_back


@pytest.mark.parametrize("fallback", ["never", "NONE", ""])
async def test_any_other_word_about_fallback_is_refused_by_the_headers_name(world: World, fallback: str):
    refused = await create(world, fallback=fallback)
    assert (refused.status_code, error_of(refused)["param"]) == (400, "x-reelay-fallback")
    assert "'allow' or 'none'" in error_of(refused)["message"]
    assert world.videos.records == {}


async def test_forbidding_a_fallback_makes_another_request_of_it(world: World):
    first = await create(world, "k-1")
    assert (await create(world, "k-1", fallback="allow")).json() == first.json()
    assert (await create(world, "k-1", fallback="none")).status_code == 409


async def test_a_retired_model_is_gone_and_nothing_is_left_behind(world: World):
    world.change(catalog=a_catalog(a_deployment(retires_on=NOW.date() - timedelta(days=1))))
    refused = await create(world, input_reference={"image_url": "https://pictures.example/fox.png"})
    assert (refused.status_code, error_of(refused)["code"], error_of(refused)["param"]) == (
        410,
        "model_retired",
        "model",
    )
    assert (world.videos.records, world.inputs.blobs) == ({}, {})


async def test_a_tenant_has_its_share_of_the_slots(world: World):
    key = CallerKey(tenant=TENANT, secret=keyvault_secret("acme"), weight=2.5)
    world.change(callers=world.callers_of(CallerKeys([key], a_secret_store(acme=KEY))))
    await create(world)
    assert Demand.of(only_video(world)).weight == 2.5

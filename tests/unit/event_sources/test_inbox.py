"""A file in the inbox makes one video, whatever the order and number of the events that tell of it."""

import asyncio
import itertools
import json
from typing import Any

import pytest
from azure.core.exceptions import HttpResponseError

from event_sources.accept_once import NotNow
from event_sources.grid_event import GridEvent
from tests.unit.event_sources.events import MAX_BYTES, REQUEST, World, an_event
from tests.unit.examples import TENANT, an_image

FOX = f"inbox/{TENANT}/fox.json"
IMAGE = an_image()


def created(blob: str, **data: Any) -> GridEvent:
    url = f"https://acct.blob.core.windows.net/requests/{blob}"
    return an_event(id=f"of {blob}", type="Microsoft.Storage.BlobCreated", data={"api": "PutBlob", "url": url} | data)


@pytest.fixture
def world() -> World:
    return World()


def put(world: World, blob: str = FOX, **fields: Any) -> GridEvent:
    world.inputs.blobs[blob] = json.dumps(REQUEST | fields).encode()
    return created(blob)


async def receive(world: World, *events: GridEvent) -> None:
    for event in events:
        await world.inbox().receive(event)
        world.clock.advance(1)


async def test_a_file_is_a_request_of_the_tenant_whose_folder_it_is_in(world: World):
    await receive(world, put(world, "inbox/globex/a/fox.json", metadata={"scene": "7"}))
    (video,) = world.videos.records.values()
    assert (video.tenant, video.prompt, video.metadata) == ("globex", REQUEST["prompt"], {"scene": "7"})
    assert world.orchestrations.started == [video.ref]


async def test_a_file_that_is_told_of_again_makes_no_other_video(world: World):
    event = put(world)
    await receive(world, event, event)
    await asyncio.gather(*(world.inbox().receive(event) for _ in range(3)))
    assert len(world.asked()) == 1


async def test_a_file_that_is_written_anew_is_another_request(world: World):
    await receive(world, put(world, prompt="A fox."))
    await receive(world, put(world, prompt="A cat."))
    assert world.asked() == [(TENANT, "A fox."), (TENANT, "A cat.")]


@pytest.mark.parametrize(
    "url", ["http://127.0.0.1:10000/devstoreaccount1/requests/{}", "https://a.example/requests/{}"]
)
async def test_a_name_comes_from_the_url_wherever_the_store_is(world: World, url: str):
    put(world, f"inbox/{TENANT}/Füchse im Schnee.json")
    await receive(world, created("", url=url.format(f"inbox/{TENANT}/F%C3%BCchse%20im%20Schnee.json")))
    assert len(world.asked()) == 1


async def test_a_byte_order_mark_is_no_part_of_a_request(world: World):
    event = put(world)
    world.inputs.blobs[FOX] = b"\xef\xbb\xbf" + world.inputs.blobs[FOX]
    await receive(world, event)
    assert len(world.asked()) == 1


IMAGE_ORDERS = list(itertools.permutations(["image", "request", "image", "request"]))


@pytest.mark.parametrize("order", sorted(set(IMAGE_ORDERS)))
@pytest.mark.parametrize(
    ("name", "reference"),
    [("fox.png.json", None), ("fox.json", {"blob": "fox.png"}), ("fox.png.json", {"blob": "fox.png"})],
)
async def test_an_image_and_its_request_make_one_video_in_whatever_order(
    world: World, order: tuple[str, ...], name: str, reference: dict[str, str] | None
):
    request, image = f"inbox/{TENANT}/{name}", f"inbox/{TENANT}/fox.png"
    for what in order:
        if what == "request":
            await receive(world, put(world, request, **({"input_reference": reference} if reference else {})))
        else:
            world.inputs.blobs[image] = IMAGE
            await receive(world, created(image))
    (video,) = world.videos.records.values()
    assert video.input_reference
    assert world.inputs.blobs[video.input_reference.blob] == IMAGE
    assert not any("error" in blob for blob in world.inputs.blobs)


async def test_a_request_that_names_no_image_takes_the_one_of_its_name_that_is_there(world: World):
    world.inputs.blobs[f"inbox/{TENANT}/fox.jpg"] = an_image("JPEG")
    await receive(world, put(world))
    (video,) = world.videos.records.values()
    assert video.input_reference
    assert video.input_reference.content_type == "image/jpeg"


async def test_an_image_that_comes_too_late_is_answered_and_changes_nothing_else(
    world: World, caplog: pytest.LogCaptureFixture
):
    image, answer = f"inbox/{TENANT}/fox.png", f"inbox/{TENANT}/fox.png.error.json"
    await receive(world, put(world))
    world.inputs.blobs[image] = IMAGE
    await receive(world, created(image), created(FOX))
    (video,) = world.videos.records.values()
    assert video.input_reference is None
    assert f"inbox/{TENANT}/fox.error.json" not in world.inputs.blobs
    assert world.error(answer)["code"] == "image_too_late"
    assert "fox.png.json" in world.error(answer)["message"]
    assert image in caplog.text
    await receive(world, put(world, prompt="A fox that starts from its image."))
    assert [bool(video.input_reference) for video in world.videos.records.values()] == [False, True]
    assert answer not in world.inputs.blobs


async def test_an_image_of_a_video_that_is_gone_asks_for_nothing(world: World):
    image = f"inbox/{TENANT}/fox.png"
    await receive(world, put(world))
    world.inputs.blobs[image] = IMAGE
    world.videos.records.clear()
    await receive(world, created(image))
    assert (world.asked(), f"{image}.error.json" in world.inputs.blobs) == ([], False)


async def test_an_image_alone_asks_for_nothing(world: World):
    world.inputs.blobs[f"inbox/{TENANT}/fox.png"] = IMAGE
    await receive(world, created(f"inbox/{TENANT}/fox.png"))
    assert (world.asked(), world.inputs.writes) == ([], [])


async def test_an_image_of_another_name_must_be_there_first(world: World):
    night = put(world, f"inbox/{TENANT}/night.json", input_reference={"blob": "fox.png"})
    await receive(world, night)
    assert world.error(f"inbox/{TENANT}/night.error.json")["param"] == "input_reference"
    world.inputs.blobs[f"inbox/{TENANT}/fox.png"] = IMAGE
    await receive(world, night)
    assert len(world.asked()) == 1


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (b"a fox", "invalid_json"),
        (b"", "invalid_json"),
        (b"[]", "invalid_json"),
        (b"\xff\xfe{}", "invalid_json"),
        (b'{"prompt": ""}', "missing_required_parameter"),
        (b'{"prompt": "x", "input_reference": {"file_id": "file-1"}}', "file_not_found"),
        (b" " * (MAX_BYTES + 1), "payload_too_large"),
    ],
)
async def test_a_bad_file_is_answered_beside_it(
    world: World, content: bytes, code: str, caplog: pytest.LogCaptureFixture
):
    world.inputs.blobs[FOX] = content
    await receive(world, created(FOX), created(FOX))
    assert world.error(f"inbox/{TENANT}/fox.error.json")["code"] == code
    assert (world.asked(), world.dead_letters()) == ([], [])
    assert FOX in caplog.text
    told, again = world.topic.events
    assert (told.id, told.type, told.subject) == (again.id, "Reelay.RequestRejected", f"inbox/{TENANT}/fox.error.json")
    assert told.data["error"]["code"] == code


async def test_a_refusal_is_told_once_whatever_events_tell_of_the_file(world: World):
    image = f"inbox/{TENANT}/fox.png"
    world.inputs.blobs[image] = IMAGE
    refused = put(world, prompt="")
    await receive(world, refused, created(image), created(FOX)._replace(id="another"))
    assert len({told.id for told in world.topic.events}) == 1
    await receive(world, put(world, prompt="", metadata={"take": "2"}))
    assert len({told.id for told in world.topic.events}) == 2


async def test_an_answer_asks_for_nothing_and_goes_when_the_request_is_mended(world: World):
    answer = f"inbox/{TENANT}/fox.error.json"
    await receive(world, put(world, prompt=""))
    written = list(world.inputs.writes)
    await receive(world, created(answer))
    assert world.inputs.writes == written
    await receive(world, put(world))
    assert len(world.asked()) == 1
    assert answer not in world.inputs.blobs


async def test_a_file_of_another_kind_is_answered_and_nothing_else(world: World):
    await receive(world, created(f"inbox/{TENANT}/fox.gif"))
    assert ".json" in world.error(f"inbox/{TENANT}/fox.gif.error.json")["message"]


@pytest.mark.parametrize(
    "event",
    [
        created(f"{TENANT}/video_1/input_reference.png"),
        created("dead-letter/1.json"),
        created("", url="https://acct.blob.core.windows.net/videos/inbox/acme/fox.json"),
        created(FOX, api="CreateFile"),
        created(FOX, api="SftpCreate"),
        created(f"inbox/{TENANT}/gone.json"),
    ],
)
async def test_what_is_no_arrival_in_the_inbox_asks_for_nothing(world: World, event: GridEvent):
    await receive(world, event)
    assert (world.asked(), world.inputs.writes) == ([], [])


@pytest.mark.parametrize(
    "event",
    [
        created("inbox/nobody/fox.json"),
        created("inbox/fox.json"),
        created(f"inbox/{TENANT}/../globex/fox.json"),
        created(f"inbox/{TENANT}/{'x' * 1000}.json"),
        created(FOX)._replace(type="Microsoft.Storage.BlobDeleted"),
        created(FOX)._replace(data=None),
        created(FOX, url=None),
        created(FOX, url="https://[acct/requests/inbox"),
    ],
)
async def test_an_event_that_can_never_work_is_put_away_and_logged(
    world: World, event: GridEvent, caplog: pytest.LogCaptureFixture
):
    world.inputs.blobs["inbox/nobody/fox.json"] = json.dumps(REQUEST).encode()
    await receive(world, event, event)
    (letter,) = world.dead_letters()
    assert letter["event"]["id"] == event.id
    assert (world.asked(), len(world.inputs.blobs), world.topic.events) == ([], 2, [])
    assert f"put away as dead-letter/{event.digest}.json" in caplog.text


async def test_a_fault_of_ours_asks_for_another_delivery(world: World):
    event = put(world, prompt="")
    world.inputs.broken = HttpResponseError("storage is down")
    with pytest.raises(HttpResponseError):
        await receive(world, event)


async def test_an_image_of_the_web_that_cannot_be_fetched_just_now_has_to_wait(world: World):
    event = put(world, input_reference={"image_url": "https://pictures.example/fox.png"})
    with pytest.raises(NotNow):
        await receive(world, event)
    assert (list(world.inputs.blobs), world.topic.events) == ([FOX], [])

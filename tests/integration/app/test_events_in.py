"""Events and files become videos, through the host's own Event Grid webhook."""

import itertools
import json
import secrets
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from tests.contract.caller_kit import image
from tests.e2e.running_stack import RunningStack, wait_until
from tests.integration.app.grid_kit import (
    ON_BLOB_CREATED,
    ON_VIDEO_REQUESTED,
    EventGrid,
    blob_created,
    open_event_grid,
    video_requested,
)

ASKED: dict[str, Any] = {"prompt": "A paper boat", "seconds": "4", "size": "1280x720"}


@pytest.fixture(scope="module")
def grid(stack: RunningStack) -> Iterator[EventGrid]:
    with open_event_grid(stack) as grid:
        yield grid


@pytest.fixture(scope="module")
def api(stack: RunningStack) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=stack.base_url, headers={"api-key": stack.api_key}, timeout=30) as client:
        yield client


@pytest.fixture
def mark() -> dict[str, str]:
    """Metadata that tell the videos of one test."""
    return {"test": secrets.token_hex(8)}


def marked(api: httpx.Client, mark: dict[str, str], **headers: str) -> list[dict[str, Any]]:
    answer = api.get("/videos", params={"limit": 100}, headers=headers).raise_for_status()
    return [video for video in answer.json()["data"] if video["metadata"] == mark]


def completed(api: httpx.Client, mark: dict[str, str]) -> dict[str, Any]:
    """The only video of a test, once it is completed."""

    def ended() -> dict[str, Any] | None:
        (video,) = marked(api, mark)
        return video if video["status"] in {"completed", "failed"} else None

    video = wait_until(ended, "the video has ended")
    assert video["status"] == "completed", video["error"]
    return video


@pytest.mark.parametrize("function", [ON_VIDEO_REQUESTED, ON_BLOB_CREATED])
def test_both_handshakes(grid: EventGrid, function: str) -> None:
    validated, allowed = grid.validate(function), grid.ask_to_deliver(function)
    assert (validated.status_code, validated.json()) == (200, {"validationResponse": "512d38b6"})
    assert (allowed.status_code, allowed.headers["webhook-allowed-origin"]) == (200, "eventgrid.azure.net")


def test_an_event_makes_one_video_however_often_it_is_delivered(
    grid: EventGrid, api: httpx.Client, mark: dict[str, str], other_tenants_key: str
) -> None:
    event = video_requested(tenant="local", metadata=mark, **ASKED)
    assert grid.deliver(ON_VIDEO_REQUESTED, event, event, event) == 202
    assert grid.deliver(ON_VIDEO_REQUESTED, event) == 202
    assert completed(api, mark)["prompt"] == ASKED["prompt"]
    assert grid.deliver(ON_VIDEO_REQUESTED, event) == 202
    assert len(marked(api, mark)) == 1
    assert marked(api, mark, **{"api-key": other_tenants_key}) == []


@pytest.mark.parametrize("as_cloud_event", [False, True])
def test_a_file_makes_one_video_whichever_schema_tells_of_it(
    grid: EventGrid, api: httpx.Client, mark: dict[str, str], *, as_cloud_event: bool
) -> None:
    blob = f"inbox/local/{mark['test']}/Fuchs im Schnee ä.json"
    event = grid.put(blob, ASKED | {"metadata": mark}, as_cloud_event=as_cloud_event)
    assert grid.deliver(ON_BLOB_CREATED, event, event) == 202
    assert grid.deliver(ON_BLOB_CREATED, event) == 202
    assert completed(api, mark)["prompt"] == ASKED["prompt"]


@pytest.mark.parametrize("order", list(itertools.permutations(["boat.png", "boat.png.json"])))
def test_an_image_and_its_request_make_one_video(
    grid: EventGrid, api: httpx.Client, mark: dict[str, str], order: tuple[str, ...]
) -> None:
    files: dict[str, Any] = {"boat.png": image(), "boat.png.json": ASKED | {"metadata": mark}}
    for name in order:
        event = grid.put(f"inbox/local/{mark['test']}/{name}", files[name])
        assert grid.deliver(ON_BLOB_CREATED, event, event) == 202
    video = completed(api, mark)
    claim_check = f"local/{video['id']}/input_reference.png"
    assert grid.requests.download_blob(claim_check).readall() == image()
    event = blob_created(claim_check, {"api": "PutBlob", "url": grid.requests.get_blob_client(claim_check).url})
    assert grid.deliver(ON_BLOB_CREATED, event) == 202
    assert len(marked(api, mark)) == 1


def test_a_bad_file_is_answered_beside_it_and_may_be_mended(
    grid: EventGrid, api: httpx.Client, mark: dict[str, str], stack: RunningStack
) -> None:
    folder = f"inbox/local/{mark['test']}"
    event = grid.put(f"{folder}/boat.json", ASKED | {"seconds": "5", "metadata": mark})
    assert grid.deliver(ON_BLOB_CREATED, event) == 202
    assert grid.error(f"{folder}/boat.error.json")["param"] == "seconds"
    published = httpx.get(f"{stack.upstream}/_control/state").json()["events"]
    assert ("Reelay.RequestRejected", f"{folder}/boat.error.json") in [(it["type"], it["subject"]) for it in published]
    answer = grid.requests.get_blob_client(f"{folder}/boat.error.json")
    assert grid.deliver(ON_BLOB_CREATED, blob_created(answer.blob_name, {"api": "PutBlob", "url": answer.url})) == 202
    assert marked(api, mark) == []
    assert grid.deliver(ON_BLOB_CREATED, grid.put(f"{folder}/boat.json", ASKED | {"metadata": mark})) == 202
    assert len(marked(api, mark)) == 1
    assert list(grid.requests.list_blob_names(name_starts_with=folder)) == [f"{folder}/boat.json"]


def test_a_file_of_many_requests_makes_one_batch(grid: EventGrid, api: httpx.Client, mark: dict[str, str]) -> None:
    blob = f"inbox/local/{mark['test']}/clips.jsonl"
    bodies = [ASKED | {"prompt": f"Boat {number}", "metadata": mark} for number in range(3)]
    lines = [
        {"custom_id": str(number), "method": "POST", "url": "/v1/videos", "body": body}
        for number, body in enumerate(bodies)
    ]
    event = grid.put(blob, "\n".join(json.dumps(line) for line in lines).encode())

    def batches() -> list[dict[str, Any]]:
        data = api.get("/batches").raise_for_status().json()["data"]
        return [batch for batch in data if batch["metadata"] == {"blob": blob}]

    assert grid.deliver(ON_BLOB_CREATED, event, event) == 202
    wait_until(lambda: batches()[0]["status"] == "completed", "the batch is completed")
    assert grid.deliver(ON_BLOB_CREATED, event) == 202
    (batch,) = batches()
    assert (batch["status"], batch["request_counts"]) == ("completed", {"total": 3, "completed": 3, "failed": 0})
    assert sorted(video["prompt"] for video in marked(api, mark)) == [body["prompt"] for body in bodies]


def test_an_event_whose_image_nobody_can_have_is_put_away(
    grid: EventGrid, api: httpx.Client, mark: dict[str, str]
) -> None:
    reference = {"image_url": "https://nobody.invalid/boat.png"}
    event = video_requested(tenant="local", metadata=mark, input_reference=reference, **ASKED)
    assert grid.deliver(ON_VIDEO_REQUESTED, event) == 202
    assert marked(api, mark) == []
    assert event["id"] in {letter["event"]["id"] for letter in grid.dead_letters()}


def test_events_wait_for_the_limits_of_their_tenant(
    grid: EventGrid, api: httpx.Client, mark: dict[str, str], stack: RunningStack
) -> None:
    operator, tenant = {"api-key": stack.admin_key}, f"waits-{mark['test']}"
    limited = {"name": tenant, "limits": {"max_in_flight": 1}}
    api.post("/admin/tenants", headers=operator, json=limited).raise_for_status()
    key = api.post("/admin/keys", headers=operator, json={"tenant": tenant, "name": "a"}).raise_for_status().json()
    events = [video_requested(tenant=tenant, metadata=mark, **ASKED) for _ in range(3)]
    assert grid.deliver(ON_VIDEO_REQUESTED, *events) == 202
    folder = f"held/{tenant}/"
    assert list(grid.requests.list_blob_names(name_starts_with=folder))

    def are_accepted() -> bool:
        httpx.post(f"{stack.host}/admin/functions/try_again", json={}).raise_for_status()
        return len(marked(api, mark, **{"api-key": key["secret"]})) == len(events)

    wait_until(are_accepted, "all are accepted")
    wait_until(lambda: not list(grid.requests.list_blob_names(name_starts_with=folder)), "none is held any more")


def test_a_poison_event_is_put_away_and_stops_no_other(
    grid: EventGrid, api: httpx.Client, mark: dict[str, str]
) -> None:
    stranger, unreadable, good = (
        video_requested(**{"tenant": "nobody", "metadata": mark, **ASKED}),
        video_requested(tenant="local", metadata=mark),
        video_requested(tenant="local", metadata=mark, **ASKED),
    )
    assert grid.deliver(ON_VIDEO_REQUESTED, stranger, unreadable, good) == 202
    assert len(marked(api, mark)) == 1
    letters = {letter["event"]["id"]: letter["error"]["param"] for letter in grid.dead_letters()}
    assert letters.items() >= {(stranger["id"], "tenant"), (unreadable["id"], "prompt")}
    assert good["id"] not in letters

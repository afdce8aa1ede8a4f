"""What OpenAI's newer clients make of videos, and the paths of older gateways."""

# The clients mark every videos method as deprecated; our callers call them all the same.
# pyright: reportDeprecated=false

from typing import Any

import httpx
import pytest
from openai import BadRequestError, NotFoundError, OpenAI, omit

from tests.contract.conftest import SLOW_MODEL
from tests.e2e.running_stack import RunningStack

pytestmark = [
    pytest.mark.filterwarnings("ignore:The Sora API is scheduled:DeprecationWarning"),
    pytest.mark.skipif(not hasattr(OpenAI(api_key="x").videos, "edit"), reason="this client knows no edits"),
]


@pytest.fixture
def client(stack: RunningStack) -> Any:
    with OpenAI(base_url=stack.base_url, api_key=stack.api_key) as client:
        yield client


@pytest.fixture(scope="session")
def content(api: httpx.Client, completed: dict[str, Any]) -> bytes:
    return api.get(f"/videos/{completed['id']}/content", follow_redirects=True).raise_for_status().content


def named(video_id: str) -> dict[str, Any]:
    """The client's types let a video be named by its id, its code does so only like this."""
    return {"video": omit, "extra_body": {"video": {"id": video_id}}}


@pytest.mark.parametrize("by", ["id", "file"])
@pytest.mark.parametrize("operation", ["edit", "extension"])
def test_of_a_video_or_a_file(client: OpenAI, completed: dict[str, Any], content: bytes, by: str, operation: str):
    video = named(completed["id"]) if by == "id" else {"video": ("boat.mp4", content)}
    if operation == "edit":
        made: Any = client.videos.edit(prompt="with more wind", **video)
    else:
        made = client.videos.extend(prompt="with more wind", seconds="8", **video)

    made = client.videos.poll(made.id)

    assert (made.status, made.size) == ("completed", completed["size"])
    assert made.remixed_from_video_id == (completed["id"] if by == "id" else None)
    costs = (made.seconds, made.reelay["cost_usd"])
    assert costs == (("4", "0.40") if operation == "edit" else ("12", "0.80"))


@pytest.mark.parametrize("operation", ["edit", "extension"])
def test_of_a_file_that_was_uploaded_before(client: OpenAI, content: bytes, completed: dict[str, Any], operation: str):
    file = client.files.create(file=("boat.mp4", content), purpose="user_data")
    video: Any = {"video": omit, "extra_body": {"video": {"file_id": file.id}}}
    if operation == "edit":
        made: Any = client.videos.edit(prompt="with more wind", **video)
    else:
        made = client.videos.extend(prompt="with more wind", seconds="8", **video)
    client.files.delete(file.id)

    made = client.videos.poll(made.id)

    assert (made.status, made.size, made.remixed_from_video_id) == ("completed", completed["size"], None)


def test_what_the_deployment_has_dropped_is_edited_from_our_copy(
    stack: RunningStack, client: OpenAI, completed: dict[str, Any]
):
    def asked() -> tuple[int, int]:
        counters = httpx.get(f"{stack.upstream}/_control/state").json()["counters"]
        return counters.get("rejected_404", 0), counters.get("edit", 0)

    refused, carried_out = asked()
    fault = {"operation": "edit", "effect": "status", "status": 404, "times": 1}
    httpx.post(f"{stack.upstream}/_control/faults", json=[fault]).raise_for_status()

    made: Any = client.videos.poll(client.videos.edit(prompt="higher", **named(completed["id"])).id)

    assert (made.status, made.remixed_from_video_id) == ("completed", completed["id"])
    assert asked() == (refused + 1, carried_out + 1)  # by its id, then with the file


def test_refusals(client: OpenAI, pending: httpx.Response, completed: dict[str, Any]):
    with pytest.raises(BadRequestError) as refusal:
        client.videos.remix(pending.json()["id"], prompt="x")
    assert refusal.value.code == "video_not_completed"
    with pytest.raises(BadRequestError) as refusal:
        client.videos.edit(prompt="", **named(completed["id"]))
    assert refusal.value.param == "prompt"
    with pytest.raises(NotFoundError) as unknown:
        client.videos.remix("video_0", prompt="x")
    assert unknown.value.code == "video_not_found"


def test_a_model_that_does_no_edits_says_who_does(client: OpenAI, content: bytes):
    with pytest.raises(BadRequestError, match="Models that do: sora-2") as refusal:
        client.videos.edit(prompt="x", video=("boat.mp4", content), extra_body={"model": SLOW_MODEL})
    assert refusal.value.code == "operation_not_offered"


def test_another_tenant_cannot_work_from_it(other_tenant: httpx.Client, completed: dict[str, Any]):
    named = {"prompt": "x", "seconds": "4", "video": {"id": completed["id"]}}
    for path in (f"/videos/{completed['id']}/remix", "/videos/edits", "/videos/extensions"):
        assert other_tenant.post(path, json=named).status_code == 404


def test_characters(client: OpenAI, other_tenant: httpx.Client, content: bytes):
    made = client.videos.create_character(name="the boat", video=("boat.mp4", content))

    assert made.name == "the boat"
    assert client.videos.get_character(made.id or "").to_dict() == made.to_dict()
    assert other_tenant.get(f"/videos/characters/{made.id}").status_code == 404


def test_a_character_is_shown_in_a_video(client: OpenAI, content: bytes):
    made = client.videos.create_character(name="the boat", video=("boat.mp4", content))

    video = client.videos.create(prompt="The boat at dusk", extra_body={"characters": [{"id": made.id}]})
    assert client.videos.poll(video.id).status == "completed"
    with pytest.raises(BadRequestError) as refusal:
        client.videos.create(prompt="x", extra_body={"characters": [{"id": "char_none"}]})
    assert refusal.value.code == "character_not_found"


def test_older_gateways_paths(api: httpx.Client, completed: dict[str, Any]):
    created = api.post("/videos/generations", json={"prompt": "a paper boat", "model": "sora-2"})
    assert created.raise_for_status().json()["status"] == "queued"
    remixed = api.post("/videos/remix", json={"prompt": "at dusk", "video_id": completed["id"]})
    assert remixed.raise_for_status().json()["remixed_from_video_id"] == completed["id"]
    for path in ("status", "retrieval"):
        read = api.post(f"/videos/{path}", json={"video_id": completed["id"], "model": "sora-2"})
        assert read.raise_for_status().json() == completed


def test_lists_by_status_and_metadata(api: httpx.Client, client: OpenAI, completed: dict[str, Any]):
    wanted = {"status": "completed", "metadata[shot]": "7"}
    listed = api.get("/videos", params=wanted).raise_for_status().json()["data"]
    assert completed["id"] in [video["id"] for video in listed]
    assert all(video["status"] == "completed" and video["metadata"]["shot"] == "7" for video in listed)
    found = client.videos.list(limit=1, extra_query=wanted)
    assert [video.id for video in found][-1:] == [listed[-1]["id"]]

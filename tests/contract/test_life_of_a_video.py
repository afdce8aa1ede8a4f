"""What a video says of itself from its creation to its deletion."""

from typing import Any

import httpx
import pytest

from tests.contract.caller_kit import ended, error_of
from tests.e2e.running_stack import RunningStack, wait_until

POLL_HINT = "openai-poll-after-ms"


def test_pending_video_says_when_to_ask_again(api: httpx.Client, pending: httpx.Response):
    read = api.get(f"/videos/{pending.json()['id']}")

    for answer in (pending, read):
        assert answer.json()["status"] in {"queued", "in_progress"}
        assert 250 <= int(answer.headers[POLL_HINT]) <= 5000


def test_ended_video_needs_no_asking(api: httpx.Client, completed: dict[str, Any]):
    assert POLL_HINT not in api.get(f"/videos/{completed['id']}").headers


def test_completed_video_says_all_about_itself(stack: RunningStack, completed: dict[str, Any]):
    assert (completed["user"], completed["metadata"]) == ("ann", {"shot": "7"})
    assert (completed["progress"], completed["error"]) == (100, None)
    assert completed["completed_at"] >= completed["created_at"]
    ours = completed["reelay"]
    assert ours["deployment"] == "sora-2-eastus2"
    assert ours["cost_usd"] == "0.40"  # four seconds at ten cents
    assert ours["blob_url"].startswith(f"{stack.blob}/videos/local/{completed['id']}/")
    assert all(seconds > 0 for seconds in ours["timings"].values())


def test_content_is_the_deployments_to_the_byte(stack: RunningStack, completed: dict[str, Any]):
    jobs = httpx.get(f"{stack.upstream}/_control/state").json()["jobs"]

    assert (completed["reelay"]["sha256"], completed["reelay"]["bytes"]) in [(j["sha256"], j["bytes"]) for j in jobs]


@pytest.mark.parametrize(
    ("variant", "content_type"),
    [("video", "video/mp4"), ("thumbnail", "image/webp"), ("spritesheet", "image/jpeg")],
)
def test_content_is_handed_out_by_a_link_that_needs_no_key(
    stack: RunningStack, api: httpx.Client, completed: dict[str, Any], variant: str, content_type: str
):
    answer = api.get(f"/videos/{completed['id']}/content", params={"variant": variant})

    assert answer.status_code == 302
    assert answer.headers["location"].startswith(f"{stack.blob}/videos/local/{completed['id']}/")
    content = httpx.get(answer.headers["location"])
    assert (content.status_code, content.headers["content-type"]) == (200, content_type)
    assert httpx.get(completed["reelay"]["blob_url"]).status_code >= 400  # the link is what opens it


def test_players_may_ask_for_a_link_with_head(api: httpx.Client, completed: dict[str, Any]):
    assert api.head(f"/videos/{completed['id']}/content").status_code == 302


def test_content_of_a_pending_video_is_not_ready(api: httpx.Client, pending: httpx.Response):
    answer = api.get(f"/videos/{pending.json()['id']}/content")

    assert answer.status_code == 404
    assert error_of(answer)["code"] == "content_not_ready"


def test_cancelled_video_fails_and_its_render_ends(stack: RunningStack, api: httpx.Client, pending: httpx.Response):
    video_id = pending.json()["id"]
    wait_until(
        lambda: api.get(f"/videos/{video_id}").json()["status"] == "in_progress", "the deployment renders the video"
    )

    api.post(f"/videos/{video_id}/cancel").raise_for_status()

    video = ended(api, video_id)
    assert (video["status"], video["error"]["code"]) == ("failed", "cancelled")
    assert video["reelay"]["cost_usd"] is None
    assert error_of(api.get(f"/videos/{video_id}/content"))["code"] == "video_failed"
    wait_until(
        lambda: all(
            job["deleted"]
            for job in httpx.get(f"{stack.upstream}/_control/state").json()["jobs"]
            if job["prompt"] == "a glacier"
        ),
        "the deployment has no job that nobody needs",
    )


def test_cancelling_what_has_ended_changes_nothing(api: httpx.Client, completed: dict[str, Any]):
    assert api.post(f"/videos/{completed['id']}/cancel").raise_for_status().json() == completed


def test_deleted_video_is_gone_with_its_content(api: httpx.Client):
    video = ended(api, api.post("/videos", json={"prompt": "a boat"}).json()["id"])
    link = api.get(f"/videos/{video['id']}/content").headers["location"]

    assert api.delete(f"/videos/{video['id']}").json()["deleted"]

    for path in ("", "/content"):
        assert error_of(api.get(f"/videos/{video['id']}{path}"))["code"] == "video_not_found"
    assert api.delete(f"/videos/{video['id']}").status_code == 404
    assert httpx.get(link).status_code == 404


def test_video_may_be_deleted_while_it_renders(api: httpx.Client):
    video_id = api.post("/videos", json={"prompt": "a boat"}).json()["id"]

    assert api.delete(f"/videos/{video_id}").json()["deleted"]

    assert api.get(f"/videos/{video_id}").status_code == 404
    assert video_id not in [video["id"] for video in api.get("/videos").json()["data"]]


def test_pages_join_into_the_list_in_both_directions(api: httpx.Client):
    ids = [api.post("/videos", json={"prompt": "one of five"}).json()["id"] for _ in range(5)]

    def page(**query: Any) -> dict[str, Any]:
        return api.get("/videos", params={"limit": 2, **query}).raise_for_status().json()

    newest, older = page(), page(after=ids[3])
    assert [video["id"] for video in (*newest["data"], *older["data"])] == [ids[4], ids[3], ids[2], ids[1]]
    assert (newest["object"], newest["first_id"], newest["last_id"]) == ("list", ids[4], ids[3])
    assert older["has_more"]
    newer, last = page(order="asc", after=ids[0]), page(order="asc", after=ids[2])
    assert [video["id"] for video in (*newer["data"], *last["data"])] == ids[1:]
    assert (newer["has_more"], last["has_more"]) == (True, False)
    assert page(order="asc", after=ids[4]) == {
        "object": "list",
        "data": [],
        "first_id": None,
        "last_id": None,
        "has_more": False,
    }

"""Content that is not there says why."""

from datetime import UTC, datetime

import httpx

from clients.video_table import VideoTable
from domain.video import Video
from tests.contract.caller_kit import error_of


async def test_content_that_retention_removed_is_gone(caller: httpx.AsyncClient, videos: VideoTable, kept: Video):
    removed_at = datetime(2026, 11, 21, tzinfo=UTC)
    await videos.amend(kept.ref, lambda before: before.model_copy(update={"content_removed_at": removed_at}))

    answer = await caller.get(f"/videos/{kept.video_id}/content")

    error = error_of(answer)
    assert (answer.status_code, error["code"]) == (410, "content_removed")
    assert "2026-11-21" in error["message"]
    video = (await caller.get(f"/videos/{kept.video_id}")).json()
    assert (video["status"], video["reelay"]["blob_url"]) == ("completed", None)


async def test_stills_that_the_deployment_does_not_make(caller: httpx.AsyncClient, kept: Video):
    answer = await caller.get(f"/videos/{kept.video_id}/content", params={"variant": "thumbnail"})

    error = error_of(answer)
    assert (answer.status_code, error["param"], error["code"]) == (404, "variant", "content_not_ready")
    assert "thumbnail" in error["message"]

"""The unmodified client uploads, lists, reads and deletes files, and starts a video from one."""

from collections.abc import Iterator

import httpx
import pytest
from openai import BadRequestError, NotFoundError, OpenAI

from tests.contract.caller_kit import error_of, image
from tests.e2e.running_stack import RunningStack

# The clients mark every videos method as deprecated; our callers call them all the same.
# pyright: reportDeprecated=false
pytestmark = pytest.mark.filterwarnings("ignore:The Sora API is scheduled:DeprecationWarning")

LINES = b'{"custom_id": "1"}\n' * 100_000


@pytest.fixture
def client(stack: RunningStack) -> Iterator[OpenAI]:
    with OpenAI(base_url=stack.base_url, api_key=stack.api_key) as client:
        yield client


def test_life_of_a_file(client: OpenAI):
    file = client.files.create(file=("lines.jsonl", LINES), purpose="batch")

    assert (file.bytes, file.filename, file.purpose, file.status) == (len(LINES), "lines.jsonl", "batch", "processed")
    assert client.files.retrieve(file.id) == file
    assert file in client.files.list().data
    assert client.files.content(file.id).read() == LINES
    assert client.files.delete(file.id).deleted
    for gone in (client.files.retrieve, client.files.content, client.files.delete):
        with pytest.raises(NotFoundError) as refusal:
            gone(file.id)
        assert refusal.value.code == "file_not_found"


def test_a_file_that_expires(client: OpenAI):
    file = client.files.create(
        file=b"a", purpose="user_data", expires_after={"anchor": "created_at", "seconds": 86_400}
    )

    assert file.expires_at == file.created_at + 86_400


@pytest.mark.parametrize("order", ["asc", "desc"])
def test_pages_are_followed_to_the_end(client: OpenAI, order: str):
    mine = [client.files.create(file=b"one of three", purpose="user_data").id for _ in range(3)]

    listed = [file.id for file in client.files.list(limit=2, order=order, purpose="user_data")]

    assert len(listed) == len(set(listed))
    assert [file_id for file_id in listed if file_id in mine] == (mine if order == "asc" else mine[::-1])


def test_a_video_starts_from_an_uploaded_image(client: OpenAI):
    file = client.files.create(file=("fox.png", image(1280, 720)), purpose="vision")

    reference = {"input_reference": {"file_id": file.id}}
    video = client.videos.create(prompt="a paper boat", size="1280x720", extra_body=reference)

    assert video.status == "queued"
    client.files.delete(file.id)
    assert client.videos.poll(video.id).status == "completed"


def test_a_batch_is_no_image(client: OpenAI):
    file = client.files.create(file=b"{}", purpose="batch")

    with pytest.raises(BadRequestError, match="Upload images for vision or user_data"):
        client.videos.create(prompt="a paper boat", extra_body={"input_reference": {"file_id": file.id}})


def test_another_tenant_sees_nothing_of_it(client: OpenAI, other_tenant: httpx.Client):
    file = client.files.create(file=b"a secret", purpose="user_data")

    for answer in (
        other_tenant.get(f"/files/{file.id}"),
        other_tenant.get(f"/files/{file.id}/content"),
        other_tenant.delete(f"/files/{file.id}"),
        other_tenant.post("/videos", json={"prompt": "a", "input_reference": {"file_id": file.id}}),
    ):
        assert (answer.status_code, error_of(answer)["code"]) == (404, "file_not_found")
    assert other_tenant.get("/files").json()["data"] == []
    assert client.files.retrieve(file.id) == file

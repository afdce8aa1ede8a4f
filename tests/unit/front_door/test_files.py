"""Files are kept whole, listed, handed out and deleted, and only their tenant sees them."""

from typing import Any

import httpx
import pytest

from domain.timed_id import ID_RANDOM_BYTES
from tests.unit.front_door.world import MAX_FILE_BYTES, MEMORY_BYTES, OTHER_KEY, World, error_of

LINES = b'{"custom_id": "1"}\n' * 100
BOUNDARY = {"content-type": "multipart/form-data; boundary=b"}
PART = b"--b\r\ncontent-disposition: form-data; "


@pytest.fixture(autouse=True)
def _another_id_for_each_file(world: World) -> None:
    numbers = iter(range(1, 100))
    world.change(randomness=lambda count: next(numbers).to_bytes(count))


async def upload(world: World, content: bytes = LINES, *, name: str = "lines.jsonl", **fields: str) -> httpx.Response:
    data = {"purpose": "batch"} | fields
    return await world.ask("POST", "/v1/files", data=data, files={"file": (name, content)})


async def test_an_upload_is_answered_with_the_file(world: World):
    answer = await upload(world)
    file = answer.json()
    assert answer.status_code == 200
    assert file == {
        "id": file["id"],
        "object": "file",
        "bytes": len(LINES),
        "created_at": int(world.clock().timestamp()),
        "expires_at": None,
        "filename": "lines.jsonl",
        "purpose": "batch",
        "status": "processed",
    }
    assert (await world.ask("GET", f"/v1/files/{file['id']}")).json() == file
    assert world.file_blobs.blobs == {f"acme/{file['id']}": LINES}


async def test_the_order_of_the_fields_does_not_matter(world: World):
    parts = [("file", ("a.png", b"a")), ("purpose", (None, "vision"))]
    answer = await world.ask("POST", "/v1/files", files=parts)
    assert answer.json()["purpose"] == "vision"


async def test_a_file_larger_than_what_is_kept_in_memory_arrives_whole(world: World):
    content = bytes(range(256)) * 12_000
    world.change(max_file_bytes=len(content))
    file = (await upload(world, content)).json()
    assert world.file_blobs.blobs[f"acme/{file['id']}"] == content


async def test_a_file_says_when_it_is_needed_no_more(world: World):
    lifetime = {"expires_after[anchor]": "created_at", "expires_after[seconds]": "3600"}
    file = (await upload(world, **lifetime)).json()
    assert file["expires_at"] == file["created_at"] + 3600


@pytest.mark.parametrize(
    ("sent", "param"),
    [
        ({"purpose": "fine-tune"}, "purpose"),
        ({"purpose": "batch_output"}, "purpose"),
        ({"content": b""}, "file"),
        ({"name": "n" * 513}, "file"),
        ({"expires_after[seconds]": "3600"}, "expires_after"),
        ({"expires_after[anchor]": "created_at", "expires_after[seconds]": "3599"}, "expires_after"),
        ({"expires_after[anchor]": "created_at", "expires_after[seconds]": "soon"}, "expires_after"),
        ({"expires_after[anchor]": "deleted_at", "expires_after[seconds]": "3600"}, "expires_after"),
    ],
)
async def test_what_cannot_be_is_refused_before_anything_is_stored(world: World, sent: dict[str, Any], param: str):
    answer = await upload(world, **sent)
    assert (answer.status_code, error_of(answer)["param"]) == (400, param)
    assert not world.file_blobs.writes
    assert not world.files.places


@pytest.mark.parametrize(
    ("content", "headers", "status", "code"),
    [
        (b"{}", {"content-type": "application/json"}, 415, "unsupported_content_type"),
        (b"", {"content-type": "multipart/form-data"}, 400, "invalid_form"),
        (b"no form", BOUNDARY, 400, "invalid_form"),
        (b"--b\r\ncontent-disposition: form-data; name=purpose\r\n\r\nbatch\r\n--b--", BOUNDARY, 400, None),
        (
            b"--b\r\ncontent-disposition: form-data; name=file; filename=a\r\n\r\nbreaks off",
            BOUNDARY,
            400,
            "invalid_form",
        ),
    ],
    ids=["JSON", "no boundary", "no form", "no file", "half a file"],
)
async def test_what_is_no_upload_is_refused(
    world: World, content: bytes, headers: dict[str, str], status: int, code: str | None
):
    answer = await world.ask("POST", "/v1/files", content=content, headers=headers)
    assert answer.status_code == status
    assert error_of(answer)["code"] == (code or "missing_required_parameter")
    assert not world.files.places


@pytest.mark.parametrize("excess", [1, 100_000])
async def test_too_large_a_file_is_refused(world: World, excess: int):
    answer = await upload(world, bytes(MAX_FILE_BYTES + excess))
    assert (answer.status_code, error_of(answer)["code"]) == (413, "payload_too_large")
    assert not world.file_blobs.writes


async def test_too_large_a_body_that_does_not_say_so_is_refused(world: World):
    async def body():
        yield PART + b"name=file; filename=a\r\n\r\n"
        yield bytes(MAX_FILE_BYTES * 2)

    answer = await world.ask("POST", "/v1/files", content=body(), headers=BOUNDARY)
    assert answer.status_code == 413


async def test_an_upload_that_broke_off_can_be_found(world: World):
    world.file_blobs.broken = ConnectionError()
    await upload(world)
    assert not world.files.records
    assert len(world.files.places) == 1


async def test_a_reader_is_sent_to_a_link(world: World):
    file = (await upload(world)).json()
    answer = await world.ask("GET", f"/v1/files/{file['id']}/content")
    assert answer.status_code == 302
    assert f"/acme/{file['id']}?" in answer.headers["location"]


async def test_through_the_app_a_file_is_nothing_that_a_browser_would_run(world: World):
    world.change(content_delivery="proxy")
    file = (await upload(world, b"<script>")).json()
    answer = await world.ask("GET", f"/v1/files/{file['id']}/content")
    assert (answer.status_code, answer.content) == (200, b"<script>")
    assert answer.headers["content-type"] == "application/octet-stream"


async def test_a_file_that_grew_is_another_version(world: World):
    world.change(content_delivery="proxy")
    file = (await upload(world, bytes(MEMORY_BYTES))).json()
    path = f"/v1/files/{file['id']}/content"
    before = (await world.ask("HEAD", path)).headers
    await world.files.grown("acme", file["id"], MEMORY_BYTES + 1)
    after = (await world.ask("HEAD", path)).headers
    assert before["etag"] != after["etag"]
    assert after["content-length"] == str(MEMORY_BYTES + 1)


async def test_pages_join_into_the_list(world: World):
    ids = [(await upload(world, purpose=purpose)).json()["id"] for purpose in ("batch", "vision", "batch", "batch")]

    async def page(query: str) -> dict[str, Any]:
        return (await world.ask("GET", f"/v1/files?{query}")).json()

    first = await page("limit=3")
    assert [file["id"] for file in first["data"]] == ids[:0:-1]
    assert (first["first_id"], first["last_id"], first["has_more"]) == (ids[3], ids[1], True)
    rest = await page(f"limit=3&after={first['last_id']}")
    assert [file["id"] for file in rest["data"]] == ids[:1]
    assert not rest["has_more"]
    assert [file["id"] for file in (await page("order=asc"))["data"]] == ids
    assert [file["id"] for file in (await page("order=asc&purpose=vision"))["data"]] == [ids[1]]
    assert (await page("purpose=batch_output"))["data"] == []


@pytest.mark.parametrize("query", ["limit=0", "limit=10001", "order=up", "purpose=fun"])
async def test_a_list_that_cannot_be_is_refused(world: World, query: str):
    answer = await world.ask("GET", f"/v1/files?{query}")
    assert (answer.status_code, error_of(answer)["param"]) == (400, query.partition("=")[0])


async def test_a_deleted_file_is_gone_with_its_content(world: World):
    file = (await upload(world)).json()
    answer = await world.ask("DELETE", f"/v1/files/{file['id']}")
    assert answer.json() == {"id": file["id"], "object": "file", "deleted": True}
    for method, path in (("GET", ""), ("DELETE", ""), ("GET", "/content")):
        assert (await world.ask(method, f"/v1/files/{file['id']}{path}")).status_code == 404
    assert not world.file_blobs.blobs
    assert not world.files.places


@pytest.mark.parametrize(("method", "path"), [("GET", ""), ("DELETE", ""), ("GET", "/content")])
async def test_another_tenant_sees_nothing_of_it(world: World, method: str, path: str):
    file = (await upload(world)).json()
    answer = await world.ask(method, f"/v1/files/{file['id']}{path}", key=OTHER_KEY)
    assert (answer.status_code, error_of(answer)["code"]) == (404, "file_not_found")
    assert (await world.ask("GET", "/v1/files", key=OTHER_KEY)).json()["data"] == []
    assert len(world.files.records) == 1


async def test_ids_are_made_of_enough_randomness(world: World):
    world.change(randomness=lambda count: b"\xff" * count)
    file = (await upload(world)).json()
    assert file["id"].startswith("file-")
    assert file["id"].endswith("ff" * ID_RANDOM_BYTES)

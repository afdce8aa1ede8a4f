"""What is sent to a deployment, and what its answers mean."""

import json
from collections.abc import AsyncIterator, Callable, Sequence
from datetime import UTC, datetime
from email.message import Message
from email.parser import BytesParser
from email.policy import HTTP
from typing import Any

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from clients.creations import InputFile
from clients.credentials import Credentials
from clients.multipart import InputStream
from clients.secret_store import SecretStore
from clients.upstream_wire import to_job
from clients.videos_api import VideosApi
from domain.character import Cast
from domain.errors import (
    NoCredential,
    OutcomeUnknown,
    UpstreamError,
    UpstreamFull,
    UpstreamNotFound,
    UpstreamOverloaded,
    UpstreamRejected,
    UpstreamUnauthorized,
    UpstreamUnavailable,
)
from domain.failures import FailureCode
from domain.render_job import RenderStatus
from domain.video import Variant
from tests.unit.examples import MP4, a_deployment, a_source, a_video
from tests.unit.fakes import FakeVault, FakeVaults, keyvault_secret

type Answer = httpx.Response | Exception

EAST = a_deployment(auth={"kind": "api_key", "secret": keyvault_secret("east")})
SINCE = datetime(2025, 11, 21, 12, 0, tzinfo=UTC)
JOB = {
    "id": "video_abc",
    "object": "video",
    "model": "sora-2-east",
    "status": "queued",
    "progress": 0,
    "created_at": 1_763_726_400,
    "completed_at": 1_763_726_490,
    "expires_at": 1_763_812_800,
    "prompt": "A fox runs through snow.",
    "seconds": "4",
    "size": "1280x720",
}


class Upstream:
    """A server that gives one answer to everything, and remembers what it was asked."""

    def __init__(self, answer: Answer) -> None:
        self.answer = answer
        self.requests = list[httpx.Request]()
        self.valid_key: str | None = None
        self.vault = FakeVault(east="east-key", west="west-key")
        credentials = Credentials(SecretStore(FakeVaults(v=self.vault)))
        self.api = VideosApi(httpx.AsyncClient(transport=httpx.MockTransport(self._serve)), credentials)

    @property
    def request(self) -> httpx.Request:
        """The only request there was."""
        (request,) = self.requests
        return request

    async def _serve(self, request: httpx.Request) -> httpx.Response:
        content = await request.aread()
        # A copy: a request that is sent again is the same object with another credential.
        self.requests.append(httpx.Request(request.method, request.url, headers=request.headers, content=content))
        if isinstance(self.answer, Exception):
            raise self.answer
        if self.valid_key and request.headers["api-key"] != self.valid_key:
            return httpx.Response(401, json=error_body("Access denied"))
        return self.answer


async def read_content(upstream: Upstream, variant: Variant = Variant.VIDEO) -> bytes:
    async with upstream.api.content(EAST, "video_abc", variant, chunk_bytes=1024) as stream:
        return b"".join([chunk async for chunk in stream.chunks])


OPERATIONS: dict[str, Callable[[Upstream], Any]] = {
    "create": lambda upstream: upstream.api.create(EAST, a_video()),
    "retrieve": lambda upstream: upstream.api.retrieve(EAST, "video_abc"),
    "created_since": lambda upstream: upstream.api.created_since(EAST, SINCE),
    "delete": lambda upstream: upstream.api.delete(EAST, "video_abc"),
    "content": read_content,
}
READS = ["retrieve", "created_since", "delete", "content"]


async def error_of(operation: str, answer: Answer) -> UpstreamError:
    with pytest.raises(UpstreamError) as failed:
        await OPERATIONS[operation](Upstream(answer))
    return failed.value


def error_body(message: str, **fields: Any) -> dict[str, Any]:
    return {"error": {"message": message, "type": "video_generation_user_error", "param": None, "code": None, **fields}}


def form_of(request: httpx.Request) -> dict[str, Message]:
    """The parts of a multipart body by name."""
    head = f"content-type: {request.headers['content-type']}\r\n\r\n".encode()
    message = BytesParser(policy=HTTP).parsebytes(head + request.content)
    return {str(part.get_param("name", header="content-disposition")): part for part in message.iter_parts()}


def content_of(part: Message) -> Any:
    return part.get_payload(decode=True)


async def test_a_creation_is_multipart_even_without_a_file_as_openais_clients_send_it():
    upstream = Upstream(httpx.Response(200, json=JOB))
    await upstream.api.create(EAST, a_video(prompt="A fox, naïve & “quick”.\r\nIt runs."))
    form = form_of(upstream.request)
    assert upstream.request.headers["content-type"].startswith("multipart/form-data; boundary=")
    assert {name: content_of(part).decode() for name, part in form.items()} == {
        "model": "sora-2-east",
        "prompt": "A fox, naïve & “quick”.\r\nIt runs.",
        "seconds": "4",
        "size": "1280x720",
    }
    assert all(part.get_filename() is None for part in form.values())


@pytest.mark.parametrize(
    ("operation", "path", "body"),
    [
        ("remix", "videos/job-99/remix", {}),
        ("edit", "videos/edits", {"video": {"id": "job-99"}}),
        ("extension", "videos/extensions", {"video": {"id": "job-99"}, "seconds": "4"}),
    ],
)
async def test_what_the_deployment_holds_is_named_by_its_own_id(operation: str, path: str, body: dict[str, Any]):
    upstream = Upstream(httpx.Response(200, json=JOB))
    await upstream.api.create(EAST, a_video(operation=operation, source=a_source()))
    assert upstream.request.url.path == f"/openai/v1/{path}"
    assert json.loads(upstream.request.content) == {"prompt": a_video().prompt, **body}


@pytest.mark.parametrize(("operation", "fields"), [("edit", {}), ("extension", {"seconds": "4"})])
async def test_a_video_goes_along_as_a_stream_that_can_be_sent_again(operation: str, fields: dict[str, str]):
    upstream = Upstream(httpx.Response(200, json=JOB))
    upstream.valid_key = "renewed"

    async def chunks() -> AsyncIterator[bytes]:
        yield MP4[:1000]
        yield MP4[1000:]
        upstream.vault.secrets["east"] = "renewed"

    file = InputStream("source.mp4", chunks, len(MP4), "video/mp4")
    video = a_video(operation=operation, source=a_source(upstream_id=None), prompt="naïve")
    await upstream.api.create(EAST, video, file)
    assert len(upstream.requests) == 2
    for request in upstream.requests:
        form = form_of(request)
        texts = {name: content_of(part).decode() for name, part in form.items() if name != "video"}
        assert request.headers["content-length"] == str(len(request.content))
        assert texts == {"model": "sora-2-east", "prompt": "naïve", **fields}
        assert (form["video"].get_filename(), form["video"].get_content_type()) == ("source.mp4", "video/mp4")
        assert content_of(form["video"]) == MP4


async def test_the_characters_of_a_video_are_named_by_their_ids():
    upstream = Upstream(httpx.Response(200, json=JOB))
    cast = Cast(deployment="east", character_ids=("char_1", "char_2"))
    await upstream.api.create(EAST, a_video(cast=cast))
    form = form_of(upstream.request)
    assert [content_of(form[f"characters[{place}][id]"]) for place in (0, 1)] == [b"char_1", b"char_2"]


async def test_a_character_is_asked_for_with_its_name_and_a_video():
    upstream = Upstream(httpx.Response(200, json={"id": "char_1", "created_at": 1_763_726_400, "name": "fox"}))
    made = await upstream.api.create_character(EAST, "fox", InputFile("source.mp4", MP4, "video/mp4"))
    form = form_of(upstream.request)
    assert made == ("char_1", datetime(2025, 11, 21, 12, 0, tzinfo=UTC))
    assert upstream.request.url.path == "/openai/v1/videos/characters"
    assert (content_of(form["name"]), content_of(form["video"])) == (b"fox", MP4)


async def test_a_character_in_an_answer_that_cannot_be_read_may_exist():
    with pytest.raises(OutcomeUnknown):
        await Upstream(httpx.Response(200, text="?")).api.create_character(
            EAST, "fox", InputFile("f", MP4, "video/mp4")
        )


async def test_a_reference_image_goes_along_as_a_file():
    upstream = Upstream(httpx.Response(200, json=JOB))
    await upstream.api.create(EAST, a_video(), InputFile("input_reference.png", b"\x89PNG...", "image/png"))
    part = form_of(upstream.request)["input_reference"]
    assert (part.get_filename(), part.get_content_type()) == ("input_reference.png", "image/png")
    assert content_of(part) == b"\x89PNG..."


@pytest.mark.parametrize(
    ("operation", "method", "path"),
    [
        ("create", "POST", "/openai/v1/videos"),
        ("retrieve", "GET", "/openai/v1/videos/video_abc"),
        ("created_since", "GET", "/openai/v1/videos?limit=100&order=desc"),
        ("delete", "DELETE", "/openai/v1/videos/video_abc"),
        ("content", "GET", "/openai/v1/videos/video_abc/content?variant=video"),
    ],
)
async def test_each_operation_is_one_request_with_the_deployments_key(operation: str, method: str, path: str):
    upstream = Upstream(httpx.Response(200, json={**JOB, "data": []}))
    await OPERATIONS[operation](upstream)
    request = upstream.request
    assert (request.method, str(request.url)) == (method, f"https://east.openai.azure.com{path}")
    assert request.headers["api-key"] == "east-key"
    assert "authorization" not in request.headers


@pytest.mark.parametrize(
    ("endpoint", "api_version", "url"),
    [
        ("https://e.example/openai/v1", None, "https://e.example/openai/v1/videos/j"),
        ("https://e.example/openai/v1/", "preview", "https://e.example/openai/v1/videos/j?api-version=preview"),
        ("http://gpu:8000/v1/", None, "http://gpu:8000/v1/videos/j"),
    ],
)
async def test_a_deployment_has_its_own_url_key_and_version(endpoint: str, api_version: str | None, url: str):
    upstream = Upstream(httpx.Response(200, json=JOB))
    auth = {"kind": "api_key", "secret": keyvault_secret("west")}
    await upstream.api.retrieve(a_deployment(endpoint=endpoint, api_version=api_version, auth=auth), "j")
    assert str(upstream.request.url) == url
    assert upstream.request.headers["api-key"] == "west-key"


async def test_the_version_joins_the_other_parameters():
    upstream = Upstream(httpx.Response(200, json={"data": []}))
    await upstream.api.created_since(EAST.model_copy(update={"api_version": "v1"}), SINCE)
    assert dict(upstream.request.url.params) == {"limit": "100", "order": "desc", "api-version": "v1"}


async def test_a_full_answer_is_read():
    told = JOB | {"status": "in_progress", "progress": 40, "remixed_from_video_id": "video_xyz"}
    job = await Upstream(httpx.Response(200, json=told)).api.retrieve(EAST, "j")
    assert job.model_dump(exclude={"failure_code", "failure_message"}) == {
        "upstream_id": "video_abc",
        "status": RenderStatus.RUNNING,
        "progress": 40,
        "created_at": datetime(2025, 11, 21, 12, 0, tzinfo=UTC),
        "completed_at": datetime(2025, 11, 21, 12, 1, 30, tzinfo=UTC),
        "expires_at": datetime(2025, 11, 22, 12, 0, tzinfo=UTC),
        "model": "sora-2-east",
        "prompt": "A fox runs through snow.",
        "seconds": 4,
        "size": "1280x720",
        "remixed_from": "video_xyz",
    }


@pytest.mark.parametrize(
    "sparse",
    [
        {"id": "j", "status": "queued"},
        {"id": "j", "status": "queued", "created_at": 1_763_726_400.5, "fps": 24, "seconds": 4, "progress": None},
        {"id": "j", "status": "queued", "created_at": 1_763_726_400_000_000, "error": None},
    ],
)
async def test_the_sparse_answers_of_other_servers_are_read(sparse: dict[str, Any]):
    job = await Upstream(httpx.Response(200, json=sparse)).api.create(EAST, a_video())
    assert (job.upstream_id, job.status, job.progress) == ("j", RenderStatus.RUNNING, 0)


@pytest.mark.parametrize(
    ("word", "status"),
    [
        ("completed", RenderStatus.SUCCEEDED),
        ("succeeded", RenderStatus.SUCCEEDED),
        ("failed", RenderStatus.FAILED),
        ("cancelled", RenderStatus.FAILED),
        ("expired", RenderStatus.FAILED),
        ("queued", RenderStatus.RUNNING),
        ("in_progress", RenderStatus.RUNNING),
        ("processing", RenderStatus.RUNNING),
        ("preprocessing", RenderStatus.RUNNING),
        ("a word of next year", RenderStatus.RUNNING),
    ],
)
def test_a_status_that_nobody_knows_counts_as_running(word: str, status: RenderStatus):
    assert to_job({"id": "j", "status": word}).status is status


@pytest.mark.parametrize(
    ("fields", "code", "message"),
    [
        (
            {"error": {"code": "moderation_blocked", "message": "Your request was blocked by our moderation system."}},
            "moderation_blocked",
            "Your request was blocked by our moderation system.",
        ),
        ({"error": {"code": 500, "message": "CUDA out of memory"}}, FailureCode.RENDER_FAILED, "CUDA out of memory"),
        ({"error": None}, FailureCode.RENDER_FAILED, "The deployment gave up on the job."),
        ({"status": "expired"}, FailureCode.CONTENT_EXPIRED, "The deployment gave up on the job."),
    ],
)
def test_a_failed_job_says_why(fields: dict[str, Any], code: str, message: str):
    job = to_job({"id": "j", "status": "failed", **fields})
    assert (job.failure_code, job.failure_message) == (code, message)


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=5,
)


@given(st.dictionaries(st.sampled_from([*JOB, "error"]), json_values) | json_values)
def test_whatever_a_server_answers_is_a_job_or_a_value_error(item: Any):
    try:
        job = to_job(item)
    except ValueError:
        return
    assert job.upstream_id == item["id"]


class Pages:
    """A server with many jobs.

    Args:
        ages_s: How long before `SINCE` each was created, in the order in which they are listed.
        limit: How many make a page.
    """

    def __init__(self, ages_s: Sequence[float | None], *, limit: int = 2, knows_pages: bool = True) -> None:
        self.jobs = [_aged(number, age_s) for number, age_s in enumerate(ages_s)]
        self.limit = limit
        self.knows_pages = knows_pages
        self.requests = 0

    async def created_since(self) -> list[str]:
        credentials = Credentials(SecretStore(FakeVaults(v=FakeVault(east="east-key"))))
        api = VideosApi(httpx.AsyncClient(transport=httpx.MockTransport(self._serve)), credentials)
        return [job.upstream_id for job in await api.created_since(EAST, SINCE)]

    def _serve(self, request: httpx.Request) -> httpx.Response:
        self.requests += 1
        after = request.url.params.get("after") if self.knows_pages else None
        start = 1 + [job["id"] for job in self.jobs].index(after) if after else 0
        end = start + self.limit
        return httpx.Response(200, json={"data": self.jobs[start:end], "has_more": end < len(self.jobs)})


def _aged(number: int, age_s: float | None) -> dict[str, Any]:
    return JOB | {"id": f"j{number}", "created_at": None if age_s is None else SINCE.timestamp() - age_s}


async def test_the_oldest_job_comes_first():
    assert await Pages([-3, -2, -2, -1], limit=9).created_since() == ["j3", "j2", "j1", "j0"]


async def test_every_page_is_read_until_the_jobs_are_too_old():
    server = Pages([-3, -2, -1, 0, 1, 2, 3, 4])
    assert await server.created_since() == ["j5", "j4", "j3", "j2", "j1", "j0"]
    assert server.requests == 3


async def test_no_job_is_missed_where_the_oldest_are_listed_first():
    assert await Pages([9, 8, 1, -1, -2]).created_since() == [f"j{number}" for number in range(5)]


async def test_no_job_is_missed_where_they_are_not_dated():
    assert await Pages([None] * 5).created_since() == ["j4", "j3", "j2", "j1", "j0"]


async def test_a_server_that_knows_no_pages_is_not_asked_for_ever():
    server = Pages([-3, -2, -1], knows_pages=False)
    assert await server.created_since() == ["j1", "j0"]
    assert server.requests == 2


LIVE_ERRORS: dict[str, tuple[int, Any, type[UpstreamError], str | None]] = {
    "concurrency cap": (429, error_body("Too many running tasks"), UpstreamFull, None),
    "unknown deployment": (
        404,
        error_body("The API deployment 'sora-2' for this resource does not exist."),
        UpstreamNotFound,
        None,
    ),
    "missing parameter": (400, error_body("Missing required parameter: 'model'."), UpstreamRejected, None),
    "wrong pixels": (
        400,
        error_body("Inpaint image must match the requested width and height"),
        UpstreamRejected,
        None,
    ),
    "content filter": (
        400,
        error_body(
            "The response was filtered",
            code="content_filter",
            innererror={"code": "ResponsibleAIPolicyViolation", "content_filter_result": {}},
        ),
        UpstreamRejected,
        "moderation_blocked",
    ),
    "slow upload": (400, error_body("Upload timed out."), UpstreamUnavailable, None),
    "wrong key": (
        401,
        {"error": {"code": "401", "message": "Access denied due to invalid subscription key or wrong API endpoint."}},
        UpstreamUnauthorized,
        None,
    ),
    "network rules": (403, error_body("Public access is disabled."), UpstreamUnauthorized, None),
    "gone": (410, error_body("The video has expired."), UpstreamNotFound, None),
    "vLLM's numbers as codes": (400, error_body("size must be WxH", code=400), UpstreamRejected, None),
    "FastAPI's shape": (422, {"detail": "size must be WxH"}, UpstreamRejected, None),
    "a redirect is not followed: it would carry the key elsewhere": (302, error_body("Moved."), UpstreamRejected, None),
}


@pytest.mark.parametrize("operation", ["create", "retrieve", "content"])
@pytest.mark.parametrize(("status", "body", "kind", "code"), LIVE_ERRORS.values(), ids=LIVE_ERRORS.keys())
async def test_an_error_body_means(operation: str, status: int, body: Any, kind: type[UpstreamError], code: str | None):
    headers = {"location": "https://elsewhere.example/"}
    error = await error_of(operation, httpx.Response(status, json=body, headers=headers))
    said = body["error"]["message"] if "error" in body else "size must be WxH"
    assert (type(error), error.code) == (kind, code)
    assert error.message.startswith(f"HTTP {status}: ")
    assert said in error.message


@pytest.mark.parametrize(
    ("found", "told"),
    [
        ({"violence": {"filtered": True, "severity": "high"}, "hate": {"filtered": False, "severity": "safe"}}, True),
        ({}, False),
        (None, False),
        ({"violence": 7}, False),
    ],
)
@pytest.mark.parametrize("code", ["content_filter", "content_policy_violation", "moderation_blocked"])
async def test_moderation_has_one_code_and_says_what_was_found(code: str, found: Any, *, told: bool):
    body = error_body("Filtered.", code=code, innererror={"content_filter_result": found})
    error = await error_of("create", httpx.Response(400, json=body))
    why = " (category 'violence', severity high)" if told else ""
    assert (error.code, error.message) == ("moderation_blocked", f"HTTP 400: Filtered.{why}")


@pytest.mark.parametrize(
    "body", [b"", b"<html>Bad gateway</html>", b"[1]", b'{"error": "no"}', b"\xff\xfe", b"x" * 9999]
)
async def test_an_error_without_a_readable_body_is_short_and_still_an_error(body: bytes):
    error = await error_of("retrieve", httpx.Response(502, content=body))
    assert isinstance(error, UpstreamUnavailable)
    assert error.message.startswith("HTTP 502: ")
    assert len(error.message) <= 500


@pytest.mark.parametrize(
    ("body", "told"),
    [
        ({"error": "no such size"}, "no such size"),
        (
            {"detail": [{"msg": "Field required", "loc": ["body", "size"], "input": {"prompt": "A fox."}}]},
            "Field required",
        ),
        ({"echo": {"prompt": "A fox."}}, "Unprocessable Entity"),
    ],
)
async def test_what_a_server_repeats_of_a_request_is_not_told_on(body: Any, told: str):
    error = await error_of("create", httpx.Response(422, json=body))
    assert error.message == f"HTTP 422: {told}"


@pytest.mark.parametrize(
    "message", ["Incorrect API key provided: east-key.", "Bad header Authorization: Bearer another"]
)
async def test_a_key_that_a_server_repeats_is_not_told_on(message: str):
    error = await error_of("create", httpx.Response(400, json=error_body(message)))
    assert error.message.endswith(("provided: ***.", "Authorization: Bearer ***"))


async def test_a_key_that_a_server_repeats_where_a_message_is_cut_is_not_told_on_either():
    upstream = Upstream(httpx.Response(400, text=f"{'x' * 440} {'k' * 80}"))
    upstream.vault.secrets["east"] = "k" * 80
    with pytest.raises(UpstreamError) as failed:
        await OPERATIONS["create"](upstream)
    assert "kk" not in failed.value.message


async def test_a_server_that_cannot_do_such_a_thing_did_not_do_it():
    assert type(await error_of("create", httpx.Response(501))) is UpstreamRejected


@pytest.mark.parametrize("status", [408, 500, 502, 503, 504])
async def test_a_server_that_fails_may_have_created_the_job(status: int):
    assert type(await error_of("create", httpx.Response(status))) is OutcomeUnknown


@pytest.mark.parametrize("operation", READS)
@pytest.mark.parametrize("status", [408, 500, 503])
async def test_a_server_that_fails_at_a_read_has_changed_nothing(operation: str, status: int):
    error = await error_of(operation, httpx.Response(status, headers={"retry-after": "3"}))
    assert isinstance(error, UpstreamUnavailable)
    assert error.retry_after_s == 3


DROPPED = [
    httpx.ReadTimeout("slow"),
    httpx.WriteTimeout("slow"),
    httpx.ReadError("reset"),
    httpx.WriteError("reset"),
    httpx.RemoteProtocolError("closed"),
]
NEVER_SENT = [httpx.ConnectError("refused"), httpx.ConnectTimeout("slow"), httpx.PoolTimeout("slow")]


@pytest.mark.parametrize("dropped", DROPPED, ids=repr)
async def test_a_creation_that_breaks_off_has_an_unknown_outcome(dropped: Exception):
    assert type(await error_of("create", dropped)) is OutcomeUnknown


@pytest.mark.parametrize("never_sent", NEVER_SENT, ids=repr)
async def test_a_creation_that_was_never_sent_created_nothing(never_sent: Exception):
    assert type(await error_of("create", never_sent)) is UpstreamUnavailable


@pytest.mark.parametrize("operation", READS)
@pytest.mark.parametrize("broken", [DROPPED[0], DROPPED[2], NEVER_SENT[0]], ids=repr)
async def test_a_read_that_breaks_off_may_be_repeated(operation: str, broken: Exception):
    assert type(await error_of(operation, broken)) is UpstreamUnavailable


@pytest.mark.parametrize("body", [b"", b"{}", b"[]", b'{"id": "j"}', b'{"id": 7, "status": "queued"}'])
async def test_an_unreadable_success_is_an_unknown_outcome_for_a_creation_and_none_for_a_read(body: bytes):
    assert type(await error_of("create", httpx.Response(200, content=body))) is OutcomeUnknown
    assert type(await error_of("retrieve", httpx.Response(200, content=body))) is UpstreamUnavailable


async def test_an_unreadable_list_can_be_asked_for_again():
    assert type(await error_of("created_since", httpx.Response(200, json={"items": []}))) is UpstreamUnavailable


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({"retry-after-ms": "1200"}, 1.2),
        ({"retry-after": "30"}, 30.0),
        ({"retry-after": "Wed, 21 Oct 2015 07:28:00 GMT"}, 0.0),
        ({}, None),
    ],
)
async def test_an_overloaded_deployments_wish_is_kept(headers: dict[str, str], seconds: float | None):
    error = await error_of("create", httpx.Response(429, json=error_body("Too many"), headers=headers))
    assert isinstance(error, UpstreamOverloaded)
    assert error.retry_after_s == seconds


@pytest.mark.parametrize("operation", OPERATIONS)
async def test_a_rotated_key_is_read_anew_and_the_request_sent_again_whole(operation: str):
    upstream = Upstream(httpx.Response(401, json=error_body("Access denied")))
    await refused(operation, upstream)
    upstream.requests.clear()
    upstream.vault.secrets["east"] = "rotated"
    await refused(operation, upstream)
    first, second = upstream.requests
    assert [request.headers["api-key"] for request in (first, second)] == ["east-key", "rotated"]
    assert (first.method, first.url, first.content) == (second.method, second.url, second.content)


async def test_an_accepted_second_try_is_the_answer():
    upstream = Upstream(httpx.Response(200, json=JOB))
    await upstream.api.retrieve(EAST, "video_abc")
    upstream.valid_key = upstream.vault.secrets["east"] = "rotated"
    assert (await upstream.api.create(EAST, a_video())).upstream_id == "video_abc"
    assert [request.headers["api-key"] for request in upstream.requests] == ["east-key", "east-key", "rotated"]


@pytest.mark.parametrize("operation", OPERATIONS)
async def test_a_refusal_is_tried_once_more_and_no_more(operation: str):
    upstream = Upstream(httpx.Response(401, json=error_body("Access denied")))
    await refused(operation, upstream)
    assert len(upstream.requests) == 2


async def test_where_there_is_no_credential_a_refusal_stands():
    upstream = Upstream(httpx.Response(401, json=error_body("Access denied")))
    with pytest.raises(UpstreamUnauthorized):
        await upstream.api.create(a_deployment(auth={"kind": "none"}), a_video())
    assert "api-key" not in upstream.request.headers
    assert "authorization" not in upstream.request.headers


async def test_a_key_that_is_gone_when_it_is_read_anew_is_said_so():
    upstream = Upstream(httpx.Response(401, json=error_body("Access denied")))
    await refused("created_since", upstream)
    del upstream.vault.secrets["east"]
    with pytest.raises(NoCredential, match="empty or not set"):
        await OPERATIONS["create"](upstream)


async def refused(operation: str, upstream: Upstream) -> None:
    with pytest.raises(UpstreamUnauthorized):
        await OPERATIONS[operation](upstream)


@pytest.mark.parametrize("operation", OPERATIONS)
async def test_without_a_credential_nothing_is_sent(operation: str):
    upstream = Upstream(httpx.Response(200, json=JOB))
    del upstream.vault.secrets["east"]
    with pytest.raises(UpstreamUnavailable, match="empty or not set"):
        await OPERATIONS[operation](upstream)
    assert upstream.requests == []


@pytest.mark.parametrize("status", [404, 410])
async def test_deleting_what_is_gone_is_harmless(status: int):
    await Upstream(httpx.Response(status)).api.delete(EAST, "video_abc")


async def test_content_comes_in_chunks_and_says_its_length():
    upstream = Upstream(httpx.Response(200, content=MP4))
    async with upstream.api.content(EAST, "video_abc", Variant.THUMBNAIL, chunk_bytes=1000) as stream:
        chunks = [chunk async for chunk in stream.chunks]
    assert upstream.request.url.params["variant"] == "thumbnail"
    assert stream.size_bytes == len(MP4)
    assert [len(chunk) for chunk in chunks[:-1]] == [1000] * (len(MP4) // 1000)
    assert b"".join(chunks) == MP4


async def test_content_that_breaks_off_is_unavailable():
    async def broken() -> AsyncIterator[bytes]:
        yield MP4[:100]
        raise httpx.RemoteProtocolError("peer closed connection")

    error = await error_of("content", httpx.Response(200, content=broken()))
    assert type(error) is UpstreamUnavailable


async def test_what_a_reader_of_content_raises_is_its_own():
    class OurStorageFailed(Exception):
        pass

    upstream = Upstream(httpx.Response(200, content=MP4))
    with pytest.raises(OurStorageFailed):
        async with upstream.api.content(EAST, "video_abc", Variant.VIDEO, chunk_bytes=1000):
            raise OurStorageFailed


@pytest.mark.parametrize("answer", [httpx.Response(401, json=error_body("Access denied")), httpx.ReadError("reset")])
async def test_no_error_holds_the_key(answer: Answer):
    error = await error_of("create", answer)
    assert "east-key" not in f"{error!r} {error.__cause__!r} {error.message}"

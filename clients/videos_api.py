"""The upstream: any server of OpenAI's videos protocol. What goes wrong leaves here as an `UpstreamError`."""

from collections.abc import AsyncGenerator, AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from datetime import datetime
from typing import Any, NamedTuple

import httpx

from clients.access_check import problem_of, problem_of_silence
from clients.creations import InputFile, creation_of
from clients.credentials import Credentials
from clients.multipart import InputStream
from clients.telemetry.exchange import exchange
from clients.upstream_auth import UpstreamAuth
from clients.upstream_wire import read_character, read_job, read_jobs, to_error, translated_transport_errors
from domain.access import AccessProblem
from domain.catalog import Deployment
from domain.errors import (
    OutcomeUnknown,
    UpstreamNotFound,
    UpstreamUnavailable,
)
from domain.render_job import RenderJob
from domain.video import Variant, Video

_PAGE = "100"
_MAX_PAGES = 100
_CHECK_TIMEOUT_S = 10.0


class ContentStream(NamedTuple):
    """Content on its way.

    Attributes:
        size_bytes: Its length, if the server said so.
        chunks: The bytes, to be read once.
    """

    size_bytes: int | None
    chunks: AsyncIterator[bytes]


class VideosApi:
    """Talks to deployments.

    Args:
        http: Shared by all deployments. It must not follow redirects, which would carry a key elsewhere.
        credentials: Makes each deployment's headers.
    """

    def __init__(self, http: httpx.AsyncClient, credentials: Credentials) -> None:
        self._http = http
        self._credentials = credentials

    async def create(
        self, deployment: Deployment, video: Video, input_file: InputFile | InputStream | None = None
    ) -> RenderJob:
        """Create a render job. Never repeated in here, but after a 401: this is what costs money.

        Raises:
            OutcomeUnknown: The job may exist.
            UpstreamError: It certainly does not.
        """
        path, parts = creation_of(video, deployment, input_file)
        try:
            return read_job(await self._send(deployment, "POST", path, **parts))
        except ValueError as error:
            raise OutcomeUnknown("the answer to the creation could not be read") from error

    async def create_character(
        self, deployment: Deployment, name: str, video: InputFile
    ) -> tuple[str, datetime | None]:
        """Make a character from a video, and wait for it.

        Returns:
            Its id, and when it was made if the server says so.

        Raises:
            OutcomeUnknown: It may exist.
            UpstreamError: It certainly does not.
        """
        parts = {"model": (None, deployment.upstream_model), "name": (None, name), "video": video}
        try:
            return read_character(await self._send(deployment, "POST", "videos/characters", files=parts))
        except ValueError as error:
            raise OutcomeUnknown("the answer to the creation could not be read") from error

    async def retrieve(self, deployment: Deployment, upstream_id: str) -> RenderJob:
        """How a job is doing.

        Raises:
            UpstreamError: It cannot be told.
        """
        try:
            return read_job(await self._send(deployment, "GET", f"videos/{upstream_id}"))
        except ValueError as error:
            raise UpstreamUnavailable("the job's status could not be read") from error

    async def created_since(self, deployment: Deployment, since: datetime) -> list[RenderJob]:
        """The jobs created since then, the oldest first, and some older ones; at most the last 10,000.

        Nothing is left out because a server does not sort, says not when a job was created, or knows no pages.

        Raises:
            UpstreamError: They cannot be listed.
        """
        jobs, cursor = dict[str, RenderJob](), dict[str, str]()
        for _ in range(_MAX_PAGES):
            page, has_more = await self._page(deployment, cursor)
            news = {job.upstream_id: job for job in page if job.upstream_id not in jobs}
            jobs |= news
            if not (has_more and news) or _reaches_back_to(since, page):
                break
            cursor = {"after": page[-1].upstream_id}
        oldest_first = [*jobs.values()][::-1]
        return sorted(oldest_first, key=lambda job: job.created_at or since)

    async def check(self, deployment: Deployment) -> AccessProblem | None:
        """Ask for the list of jobs, only to learn whether we are let in; None if we are.

        Raises:
            NoCredential: There is no token or key to ask with.
        """
        request = self._request(deployment, "GET", "videos", params={"limit": "1"}, timeout=_CHECK_TIMEOUT_S)
        try:
            response = await self._http.send(request, auth=UpstreamAuth(self._credentials, deployment.auth))
        except httpx.RequestError as error:
            return problem_of_silence(error, request.url.host)
        return problem_of(response, deployment.auth)

    async def delete(self, deployment: Deployment, upstream_id: str) -> None:
        """Delete a job and its content; harmless when it is gone.

        Raises:
            UpstreamError: It was not deleted.
        """
        try:
            await self._send(deployment, "DELETE", f"videos/{upstream_id}")
        except UpstreamNotFound:
            return

    @asynccontextmanager
    async def content(
        self, deployment: Deployment, upstream_id: str, variant: Variant, *, chunk_bytes: int
    ) -> AsyncGenerator[ContentStream]:
        """Open a finished job's content; it is read in chunks of `chunk_bytes`.

        Raises:
            UpstreamError: It cannot be had, or broke off.
        """
        path = f"videos/{upstream_id}/content"
        response = await self._exchange(deployment, "GET", path, stream=True, params={"variant": variant.value})
        with translated_transport_errors(response.request):
            try:
                if not response.is_success:
                    await response.aread()
                    raise to_error(response)
                length = response.headers.get("content-length")
                yield ContentStream(int(length) if length else None, response.aiter_bytes(chunk_bytes))
            finally:
                await response.aclose()

    async def _page(self, deployment: Deployment, cursor: Mapping[str, str]) -> tuple[list[RenderJob], bool]:
        params = {"limit": _PAGE, "order": "desc", **cursor}
        try:
            return read_jobs(await self._send(deployment, "GET", "videos", params=params))
        except ValueError as error:
            raise UpstreamUnavailable("the list of jobs could not be read") from error

    async def _send(self, deployment: Deployment, method: str, path: str, **parts: Any) -> httpx.Response:
        response = await self._exchange(deployment, method, path, **parts)
        if not response.is_success:
            raise to_error(response)
        return response

    async def _exchange(
        self, deployment: Deployment, method: str, path: str, *, stream: bool = False, **parts: Any
    ) -> httpx.Response:
        request = self._request(deployment, method, path, **parts)
        with exchange(request, deployment) as answered, translated_transport_errors(request):
            auth = UpstreamAuth(self._credentials, deployment.auth)
            response = await self._http.send(request, auth=auth, stream=stream)
            answered(response)
            return response

    def _request(
        self, deployment: Deployment, method: str, path: str, params: Mapping[str, str] | None = None, **parts: Any
    ) -> httpx.Request:
        version = {"api-version": deployment.api_version} if deployment.api_version else {}
        url = f"{str(deployment.endpoint).rstrip('/')}/{path}"
        return self._http.build_request(method, url, params={**(params or {}), **version}, **parts)


def _reaches_back_to(since: datetime, page: Sequence[RenderJob]) -> bool:
    """Whether what follows is older still, for the newest come first and the last is older than that."""
    first, last = page[0].created_at, page[-1].created_at
    return first is not None and last is not None and first >= last < since

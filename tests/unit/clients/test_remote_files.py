"""A file that a caller points to is fetched up to a size, and every failure tells what to do."""

import ssl
from collections.abc import AsyncIterator, Callable, Sequence
from socket import EAI_AGAIN, EAI_NODATA, EAI_NONAME, gaierror

import httpx
import pytest

from clients.guarded_transport import Address, ForbiddenAddress, GuardedTransport
from clients.remote_files import RemoteFiles
from domain.errors import FetchFailed, InvalidRequest, PayloadTooLarge

LIMIT = 1_000


def files(answer: Callable[[httpx.Request], httpx.Response]) -> RemoteFiles:
    client = httpx.AsyncClient(transport=httpx.MockTransport(answer), follow_redirects=True, max_redirects=3)
    return RemoteFiles(client, max_bytes=LIMIT)


async def refusal_of(
    answer: Callable[[httpx.Request], httpx.Response], url: str = "https://p.example/"
) -> InvalidRequest:
    with pytest.raises(InvalidRequest) as refused:
        await files(answer).fetch(url, param="input_reference")
    assert refused.value.param == "input_reference"
    return refused.value


class Endless(httpx.AsyncByteStream):
    """A body without an end; remembers how much of it was read."""

    def __init__(self) -> None:
        self.sent_bytes = 0

    async def __aiter__(self) -> AsyncIterator[bytes]:
        while True:
            self.sent_bytes += 100
            yield b"x" * 100


async def test_a_file_up_to_the_limit_is_fetched():
    content = b"x" * LIMIT
    assert await files(lambda _: httpx.Response(200, content=content)).fetch("https://p.example/", param="p") == content


async def test_a_larger_file_is_refused():
    refusal = await refusal_of(lambda _: httpx.Response(200, content=b"x" * (LIMIT + 1)))
    assert isinstance(refusal, PayloadTooLarge)
    assert "1000 bytes" in refusal.message


async def test_no_more_is_read_than_it_takes_to_see_that_a_file_is_too_large():
    endless = Endless()
    assert isinstance(await refusal_of(lambda _: httpx.Response(200, stream=endless)), PayloadTooLarge)
    assert endless.sent_bytes == LIMIT + 100


@pytest.mark.parametrize("status", [204 + 200, 401, 500])
async def test_an_error_of_the_other_server_is_the_callers_to_mend(status: int):
    refusal = await refusal_of(lambda _: httpx.Response(status))
    assert refusal.code == "invalid_image_url"
    assert f"answered {status}" in refusal.message
    assert "send the file itself" in refusal.message


@pytest.mark.parametrize(
    ("error", "told"),
    [
        (httpx.ConnectError("nobody there"), "ConnectError"),
        (httpx.ReadTimeout("too slow"), "ReadTimeout"),
        (ForbiddenAddress("p.example is not on the public internet"), "not on the public internet"),
    ],
)
async def test_a_transfer_that_fails_is_told(error: httpx.TransportError, told: str):
    def fail(_: httpx.Request) -> httpx.Response:
        raise error

    assert told in (await refusal_of(fail)).message


@pytest.mark.parametrize(
    ("trouble", "may_pass"),
    [
        (408, True),
        (429, True),
        (500, True),
        (503, True),
        (403, False),
        (404, False),
        (httpx.ConnectError("nobody there"), True),
        (httpx.ConnectTimeout("too slow"), True),
        (httpx.ReadError("broke off"), True),
        (httpx.RemoteProtocolError("broke off"), True),
        (TimeoutError(), True),
        (ForbiddenAddress("p.example is not on the public internet"), False),
        (httpx.UnsupportedProtocol("ftp"), False),
    ],
)
async def test_what_may_pass_is_told_from_what_does_not(trouble: int | Exception, *, may_pass: bool):
    def fail(_: httpx.Request) -> httpx.Response:
        if isinstance(trouble, Exception):
            raise trouble
        return httpx.Response(trouble)

    assert isinstance(await refusal_of(fail), FetchFailed) is may_pass


@pytest.mark.parametrize(
    ("trouble", "may_pass"),
    [
        (gaierror(EAI_NONAME, "Name or service not known"), False),
        (gaierror(EAI_NODATA, "No address associated with hostname"), False),
        (UnicodeError("label too long"), False),
        (gaierror(EAI_AGAIN, "Temporary failure in name resolution"), True),
        (OSError("too many open files"), True),
    ],
)
async def test_a_name_that_nobody_has_is_told_from_one_that_cannot_be_found_just_now(
    trouble: Exception, *, may_pass: bool
):
    async def resolve(_host: str, _port: int) -> Sequence[Address]:
        raise trouble

    guarded = GuardedTransport(httpx.MockTransport(lambda _: httpx.Response(200)), resolver=resolve)
    with pytest.raises(InvalidRequest) as refused:
        await RemoteFiles(httpx.AsyncClient(transport=guarded), max_bytes=LIMIT).fetch(
            "https://typo.example/", param="p"
        )
    assert isinstance(refused.value, FetchFailed) is may_pass
    assert ("typo.example has no address" in refused.value.message) is not may_pass


async def test_a_certificate_that_shows_somebody_else_does_not_pass():
    def fail(_: httpx.Request) -> httpx.Response:
        raise httpx.ConnectError("certificate verify failed") from ssl.SSLCertVerificationError("no match")

    refusal = await refusal_of(fail)
    assert "certificate" in refusal.message
    assert not isinstance(refusal, FetchFailed)


async def test_redirects_have_an_end():
    refusal = await refusal_of(lambda request: httpx.Response(302, headers={"location": str(request.url)}))
    assert "TooManyRedirects" in refusal.message


@pytest.mark.parametrize(
    "url", ["no url", "ftp://p.example/x", "https://", "https://[::1", "file:///etc/passwd", "https://xn--0.example/"]
)
async def test_what_is_no_web_address_is_refused(url: str):
    transport = httpx.AsyncHTTPTransport()
    with pytest.raises(InvalidRequest):
        await RemoteFiles(httpx.AsyncClient(transport=transport), max_bytes=LIMIT).fetch(url, param="input_reference")

"""A server shows a certificate for every name it is asked by, whoever else is at its address."""

import asyncio
import ssl
from collections.abc import AsyncGenerator, Sequence
from ipaddress import ip_address

import httpx
import pytest
import trustme

from clients import guarded_transport
from clients.guarded_transport import NO_REUSE, Address, GuardedTransport
from clients.remote_files import RemoteFiles
from domain.errors import FetchFailed, InvalidRequest

AUTHORITY = trustme.CA()


@pytest.fixture
async def port() -> AsyncGenerator[int]:
    """A server that can show who it is for one name only."""
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    AUTHORITY.issue_cert("known.example").configure_cert(context)

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while line := await reader.readline():
            if line == b"\r\n":
                writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n")
        writer.close()

    async with await asyncio.start_server(answer, "127.0.0.1", 0, ssl=context) as server:
        yield server.sockets[0].getsockname()[1]


async def at_home(_host: str, _port: int) -> Sequence[Address]:
    return [ip_address("127.0.0.1")]


def anywhere(_address: Address) -> bool:
    return True


async def test_a_name_does_not_borrow_the_certificate_of_another(port: int, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(guarded_transport, "is_public", anywhere)
    trusting = ssl.create_default_context()
    AUTHORITY.configure_trust(trusting)
    guarded = GuardedTransport(httpx.AsyncHTTPTransport(verify=trusting, limits=NO_REUSE), resolver=at_home)
    async with httpx.AsyncClient(transport=guarded) as client:
        for _ in range(2):
            assert (await client.get(f"https://known.example:{port}/")).is_success
            with pytest.raises(httpx.ConnectError, match="certificate"):
                await client.get(f"https://other.example:{port}/")
        with pytest.raises(InvalidRequest, match="certificate") as refused:
            await RemoteFiles(client, max_bytes=1).fetch(f"https://other.example:{port}/", param="p")
        assert not isinstance(refused.value, FetchFailed)

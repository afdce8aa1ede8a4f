"""What a transaction is sent with, whoever we are."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any

import pytest
from azure.core.credentials import AccessToken, AzureNamedKeyCredential
from azure.core.exceptions import AzureError, ServiceRequestError, ServiceResponseError
from azure.data.tables.aio import TableClient

from clients.transactions import Transactions, Write


class Identity:
    """Ours."""

    async def get_token(self, *_: str, **__: Any) -> AccessToken:
        return AccessToken("token", 9_999_999_999)

    async def close(self) -> None:
        pass


class Wire:
    """Leads nowhere."""

    sent: Mapping[str, str]

    def __init__(self, **_: Any) -> None:
        pass

    async def send(self, request: Any, **_: Any) -> None:
        Wire.sent = dict(request.headers)
        raise ServiceResponseError("nobody answers")


@pytest.mark.parametrize(
    ("credential", "scheme"), [(Identity(), "Bearer"), (AzureNamedKeyCredential("acct", "YWJj"), "SharedKeyLite")]
)
async def test_it_says_who_sends_it_and_when(credential: Any, scheme: str, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("clients.transactions.AioHttpTransport", Wire)
    table = TableClient("https://acct.table.core.windows.net", "videos", credential=credential)
    with pytest.raises(ServiceResponseError):
        await Transactions(table).commit([Write({"PartitionKey": "p", "RowKey": "r"})])
    assert Wire.sent["Authorization"].startswith(f"{scheme} ")
    assert Wire.sent["x-ms-date"].endswith(" GMT")


async def hang_up(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Take a request and answer nothing."""
    await reader.readuntil(b"\r\n\r\n")
    writer.close()


@asynccontextmanager
async def a_storage(*, is_up: bool) -> AsyncIterator[str]:
    """Its URL."""
    async with await asyncio.start_server(hang_up, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        if not is_up:
            server.close()
        yield f"http://127.0.0.1:{port}/acct"


@pytest.mark.parametrize(("is_up", "error"), [(True, ServiceResponseError), (False, ServiceRequestError)])
async def test_what_may_have_been_sent_is_told_from_what_was_not(*, is_up: bool, error: type[AzureError]):
    async with a_storage(is_up=is_up) as url:
        table = TableClient(url, "videos", credential=AzureNamedKeyCredential("acct", "YWJj"))
        transactions = Transactions(table)
        with pytest.raises(error):
            await transactions.commit([Write({"PartitionKey": "p", "RowKey": "r"})])
        await transactions.close()
        await table.close()

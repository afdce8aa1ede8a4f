"""What a transaction is sent with, whoever we are."""

from collections.abc import Mapping
from typing import Any

import pytest
from azure.core.credentials import AccessToken, AzureNamedKeyCredential
from azure.core.exceptions import ServiceResponseError
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

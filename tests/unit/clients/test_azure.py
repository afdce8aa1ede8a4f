"""A store that takes a connection and then says nothing is given up."""

import asyncio

import pytest
from azure.core.exceptions import ServiceResponseError

from clients import azure
from clients.azure import Azure
from clients.settings import load_settings
from tests.unit.clients.test_settings import GOOD


async def test_a_table_that_does_not_answer_is_given_up(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setitem(azure._TRANSPORT, "read_timeout", 0.01)
    asked = list[asyncio.StreamWriter]()
    silent = await asyncio.start_server(lambda _, writer: asked.append(writer), "127.0.0.1", 0)
    url = f"http://127.0.0.1:{silent.sockets[0].getsockname()[1]}/acct"
    settings = GOOD | {"REELAY_TABLE_ENDPOINT": url, "REELAY_STORAGE_KEY": "env:KEY", "KEY": "a2V5"}
    for name, value in settings.items():
        monkeypatch.setenv(name, value)
    async with silent, asyncio.timeout(5), Azure(load_settings())._table() as table:
        with pytest.raises(ServiceResponseError):
            await table.get_entity("admin", "tenant-acme")
        for writer in asked:
            writer.close()
    assert len(asked) == 2, "it is asked once more"

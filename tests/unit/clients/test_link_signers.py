"""A link opens one blob for a while, and no key leaves with it."""

import asyncio
import base64
from datetime import datetime, timedelta
from typing import cast
from urllib.parse import parse_qs

import pytest
from azure.core.exceptions import ServiceRequestError
from azure.storage.blob import UserDelegationKey
from azure.storage.blob.aio import BlobServiceClient, ContainerClient

from clients.blob_store import AccountKeySigner, UserDelegationSigner
from tests.unit.examples import NOW

CONTAINER = ContainerClient("https://acct.blob.core.windows.net", "videos")
SECRET = base64.b64encode(b"a secret that stays here").decode()
QUARTER = timedelta(minutes=15)


class FakeService:
    """Lends keys, and remembers until when."""

    def __init__(self) -> None:
        self.lent = list[datetime]()
        self.broken = False

    async def get_user_delegation_key(self, start: datetime, expiry: datetime) -> UserDelegationKey:
        await asyncio.sleep(0)
        if self.broken:
            raise ServiceRequestError("down")
        self.lent.append(expiry)
        key = UserDelegationKey()
        key.signed_oid, key.signed_tid, key.signed_service, key.signed_version = "oid", "tid", "b", "2025-01-05"
        key.signed_start, key.signed_expiry, key.value = start.isoformat(), expiry.isoformat(), SECRET
        return key


def signer_of(service: FakeService) -> UserDelegationSigner:
    return UserDelegationSigner(cast("BlobServiceClient", service))


async def signed(signer: AccountKeySigner | UserDelegationSigner, now: datetime = NOW) -> dict[str, list[str]]:
    return parse_qs(await signer.sign(CONTAINER, "a/b.mp4", now=now, expires_at=now + QUARTER))


@pytest.mark.parametrize("signer", [AccountKeySigner(SECRET), signer_of(FakeService())], ids=["account", "delegation"])
async def test_a_link_reads_one_blob_until_it_expires(signer: AccountKeySigner | UserDelegationSigner):
    query = await signed(signer)
    assert (query["sp"], query["sr"], query["se"]) == (["r"], ["b"], ["2026-11-21T12:15:00Z"])
    assert SECRET not in str(query)


async def test_one_lent_key_serves_many_links():
    service = FakeService()
    signer = signer_of(service)
    queries = await asyncio.gather(*(signed(signer) for _ in range(20)))
    assert len(service.lent) == 1
    assert {query["skoid"][0] for query in queries} == {"oid"}


async def test_no_link_outlives_its_key():
    service = FakeService()
    signer = signer_of(service)
    for hours in range(30):
        now = NOW + timedelta(hours=hours)
        await signed(signer, now)
        assert service.lent[-1] >= now + QUARTER
    assert len(service.lent) == 3


async def test_a_renewal_that_failed_is_tried_again():
    service = FakeService()
    signer = signer_of(service)
    await signed(signer)
    service.broken = True
    later = NOW + timedelta(hours=13)
    with pytest.raises(ServiceRequestError):
        await signed(signer, later)
    service.broken = False
    await signed(signer, later)
    assert service.lent[-1] >= later + QUARTER

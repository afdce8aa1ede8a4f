"""Keys, tenants and the audit in Table Storage: what belongs together changes together, whoever else is at it."""

import asyncio
from datetime import UTC, datetime, timedelta

import pytest
from azure.core.exceptions import HttpResponseError
from azure.data.tables.aio import TableClient

from clients.admin_rows import PARTITION
from clients.administration import Administration
from domain.api_key import KEY_IDS, ApiKey, KeySecret
from domain.audit import AUDIT_IDS, AuditEntry, told
from domain.errors import NotFound, RequestConflict
from domain.tenant import Tenant
from domain.timed_id import ID_RANDOM_BYTES

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)


@pytest.fixture
def kept(table: TableClient) -> Administration:
    return Administration.on(table)


def a_key(number: int = 1, *, tenant: str = "ann") -> ApiKey:
    at = NOW + timedelta(seconds=number)
    return ApiKey(
        key_id=KEY_IDS.new(at, bytes(ID_RANDOM_BYTES)),
        tenant=tenant,
        name=f"number {number}",
        created_at=at,
        secrets=(KeySecret(sha256=f"{number:064}"),),
    )


class Notes:
    """Each of its own id."""

    def __init__(self) -> None:
        self.count = 0

    def __call__(self, before: ApiKey | Tenant | None, after: ApiKey | Tenant, action: str = "change") -> AuditEntry:
        self.count += 1
        entry_id = AUDIT_IDS.new(NOW + timedelta(milliseconds=self.count), bytes(ID_RANDOM_BYTES))
        subject, tenant = (after.key_id, after.tenant) if isinstance(after, ApiKey) else (after.name, after.name)
        return AuditEntry(
            entry_id=entry_id,
            at=NOW,
            actor="ann",
            action=action,
            subject=subject,
            tenant=tenant,
            before=told(before),
            after=told(after),
        )


note = Notes()


async def digests(table: TableClient) -> set[str]:
    rows = table.query_entities("PartitionKey eq @admin", parameters={"admin": PARTITION})
    return {row["RowKey"].removeprefix("sha256-") async for row in rows if row["RowKey"].startswith("sha256-")}


async def actions(kept: Administration) -> list[str]:
    entries = await kept.audit.page(after=None, limit=100, subject=None, tenant=None)
    return [entry.action for entry in entries]


async def test_a_key_is_found_by_its_secrets_as_it_now_is(kept: Administration, table: TableClient):
    key = a_key()
    assert not await kept.keys.is_any()
    await kept.keys.insert(key, note(None, key, "create"))
    first = key.secrets[0].sha256
    assert await kept.keys.by_digest(first) == await kept.keys.get(key.key_id) == key
    rotated = await kept.keys.amend(key.key_id, lambda k: k.rotated("a" * 64, NOW, overlap=HOUR), note)
    assert await kept.keys.by_digest(first) == await kept.keys.by_digest("a" * 64) == rotated
    disabled = await kept.keys.amend(key.key_id, lambda k: k.model_copy(update={"disabled": True}), note)
    assert await kept.keys.by_digest(first) == await kept.keys.by_digest("a" * 64) == disabled
    await kept.keys.amend(key.key_id, lambda k: k.rotated("b" * 64, NOW, overlap=HOUR), note)
    assert await digests(table) == {"a" * 64, "b" * 64}, "never a third"
    revoked = await kept.keys.amend(key.key_id, lambda k: k.revoked(NOW), note)
    assert not await kept.keys.is_any()
    assert await kept.keys.find(key.key_id) == await kept.keys.by_digest("b" * 64) == revoked
    assert await actions(kept) == [*["change"] * 4, "create"]


async def test_what_changes_nothing_is_not_told(kept: Administration):
    key = a_key()
    await kept.keys.insert(key, note(None, key, "create"))
    assert await kept.keys.amend(key.key_id, lambda k: k, note) == key
    assert await actions(kept) == ["create"]


async def test_keys_are_listed_the_newest_first(kept: Administration):
    keys = [a_key(number, tenant="bob" if number % 2 else "ann") for number in range(5)]
    for key in keys:
        await kept.keys.insert(key, note(None, key))
    await kept.keys.amend(keys[4].key_id, lambda k: k.revoked(NOW), note)
    first = await kept.keys.page(after=None, limit=2, tenant=None, revoked=False)
    rest = await kept.keys.page(after=first[-1].key_id, limit=2, tenant=None, revoked=False)
    assert [*first, *rest] == keys[3::-1]
    assert await kept.keys.page(after=None, limit=9, tenant="bob", revoked=False) == [keys[3], keys[1]]
    assert [each.key_id for each in await kept.keys.page(after=None, limit=9, tenant="ann", revoked=True)] == [
        keys[4].key_id
    ]


async def test_changes_at_once_are_all_kept_and_all_told(kept: Administration):
    key = a_key()
    await kept.keys.insert(key, note(None, key))

    async def add(name: str) -> None:
        await kept.keys.amend(
            key.key_id, lambda k: k.model_copy(update={"metadata": {**k.metadata, name: "there"}}), note
        )

    await asyncio.gather(*(add(name) for name in "abcd"))
    assert set((await kept.keys.get(key.key_id)).metadata) == set("abcd")
    changes = await kept.audit.page(after=None, limit=9, subject=key.key_id, tenant=None)
    assert sorted(len((entry.after or {})["metadata"]) for entry in changes) == [0, 1, 2, 3, 4]


async def test_a_change_that_cannot_be_told_is_not_made(kept: Administration):
    key = a_key()
    told_before = note(None, key)
    await kept.keys.insert(key, told_before)
    with pytest.raises((RuntimeError, HttpResponseError)):
        await kept.keys.amend(key.key_id, lambda k: k.revoked(NOW), lambda *_: told_before)
    assert await kept.keys.by_digest(key.secrets[0].sha256) == key


async def test_tenants_are_kept_once_and_listed_by_name(kept: Administration):
    names = ["a", "ab", "a-b", "b"]
    for name in names:
        tenant = Tenant(name=name, created_at=NOW)
        await kept.tenants.insert(tenant, note(None, tenant))
        await kept.tenants.ensure(tenant, note(None, tenant))
        await kept.tenants.insert(tenant, note(None, tenant))  # as the transport does that missed an answer
        with pytest.raises(RequestConflict):
            await kept.tenants.insert(tenant.model_copy(update={"weight": 2}), note(None, tenant))
    first = await kept.tenants.page(after=None, limit=1)
    rest = await kept.tenants.page(after=first[-1].name, limit=9)
    assert [tenant.name for tenant in (*first, *rest)] == ["a", "a-b", "ab", "b"]
    disabled = await kept.tenants.amend("a", lambda t: t.model_copy(update={"disabled": True}), note)
    assert await kept.tenants.get("a") == disabled
    with pytest.raises(NotFound):
        await kept.tenants.amend("c", lambda t: t, note)
    entries = await kept.audit.page(after=None, limit=9, subject=None, tenant="a")
    assert [(entry.before or {}).get("disabled") for entry in entries] == [False, None]

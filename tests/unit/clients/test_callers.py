"""Who calls is known after one read, and what an operator changes is known everywhere within seconds."""

import asyncio
from collections.abc import Callable, Mapping
from typing import Any

import pytest
from azure.core.exceptions import ServiceRequestError

from clients.administration import Administration
from clients.caller_keys import CallerKeys
from clients.callers import Callers
from clients.recent_records import FRESH_S
from clients.secret_store import SecretStore
from clients.settings import CallerKey
from domain.api_key import SECRET_BYTES, ApiKey, KeySecret, digest_of, secret_of
from domain.audit import AuditEntry
from domain.errors import Unauthorized
from domain.tenant import Tenant
from tests.unit.callers import a_key, an_entry
from tests.unit.clients.memory_table import MemoryTable
from tests.unit.examples import NOW, TENANT
from tests.unit.fakes import FakeClock, FakeVault, FakeVaults, a_secret_store, keyvault_secret

SECRET, ANOTHER = (secret_of(bytes([number]) * SECRET_BYTES) for number in (1, 2))
KEY = a_key(secrets=(KeySecret(sha256=digest_of(SECRET)),))
EVERYWHERE_S = 10


class World:
    """Two instances on one table."""

    def __init__(self) -> None:
        self.table, self.clock = MemoryTable(), FakeClock()
        self.records = Administration.on(self.table.as_client())
        self.here, self.elsewhere = self._instance(), self._instance()

    def _instance(self) -> Callers:
        keys = CallerKeys([], a_secret_store())
        return Callers(keys, self.records, self.clock, monotonic=lambda: self.clock().timestamp())


@pytest.fixture
async def world() -> World:
    world = World()
    await world.records.keys.insert(KEY, an_entry())
    world.table.reads = 0
    return world


def another_entry(digit: str = "2") -> AuditEntry:
    return an_entry().model_copy(update={"entry_id": f"audit_{digit * 32}"})


async def change(world: World, change: Callable[[ApiKey], ApiKey]) -> None:
    """Change the key, as an operator does."""
    await world.records.keys.amend(KEY.key_id, change, lambda *_: another_entry("1"))


async def test_a_revoked_key_is_refused_everywhere_within_seconds(world: World):
    for instance in (world.here, world.elsewhere):
        assert (await instance.by_key(SECRET)).key_id == KEY.key_id
    await change(world, lambda key: key.revoked(NOW))
    assert FRESH_S < EVERYWHERE_S, "reading takes time, too"
    world.clock.advance(FRESH_S)
    for instance in (world.here, world.elsewhere):
        with pytest.raises(Unauthorized):
            await instance.by_key(SECRET)
        assert await instance.by_id(TENANT, KEY.key_id) is None


async def test_callers_at_once_share_the_reads(world: World):
    await asyncio.gather(*(world.here.by_key(SECRET) for _ in range(100)))
    assert world.table.reads == 3, "of the newest change, of the key, and of its tenant"


async def test_while_nothing_changes_only_that_is_read_again(world: World):
    await world.here.by_key(SECRET)
    for reads in range(4, 8):
        world.clock.advance(FRESH_S)
        await world.here.by_key(SECRET)
        assert world.table.reads == reads
    await change(world, lambda key: key.model_copy(update={"name": "another"}))
    world.table.reads = 0
    world.clock.advance(FRESH_S)
    await world.here.by_key(SECRET)
    assert world.table.reads == 3


async def test_whoever_calls_often_waits_for_no_read(world: World):
    await world.here.by_key(SECRET)
    world.clock.advance(FRESH_S / 2)
    world.table.error = ServiceRequestError("nobody is there")
    assert await world.here.by_key(SECRET)


async def test_what_was_being_read_during_a_change_is_not_remembered(world: World):
    get, slow = world.table.get_entity, asyncio.Event()

    async def get_slowly(partition: str, row: str) -> Mapping[str, Any]:
        found = await get(partition, row)
        if row.startswith("sha256-"):
            await slow.wait()
        return found

    world.table.get_entity = get_slowly
    early = asyncio.create_task(world.here.by_key(SECRET))
    await asyncio.sleep(0.001)
    await change(world, lambda key: key.revoked(NOW))
    world.clock.advance(FRESH_S)
    slow.set()
    with pytest.raises(Unauthorized):
        await world.here.by_key(SECRET)
    assert (await early).key_id == KEY.key_id, "it asked before"
    with pytest.raises(Unauthorized):
        await world.here.by_key(SECRET)


async def test_a_stranger_costs_one_read_for_a_while_and_none_without_the_form_of_a_secret(world: World):
    for presented in (ANOTHER, ANOTHER, "sk-short", f"{SECRET} ", "eyJ.e30.x", "", "x" * 10_000):
        with pytest.raises(Unauthorized):
            await world.here.by_key(presented)
    assert world.table.reads == 2, "of the newest change, and of the other secret"


async def test_many_strangers_at_once_do_not_flood_the_table(world: World):
    get, reading, most = world.table.get_entity, 0, 0

    async def get_slowly(partition: str, row: str) -> Mapping[str, Any]:
        nonlocal reading, most
        reading += 1
        most = max(most, reading)
        await asyncio.sleep(0)
        reading -= 1
        return await get(partition, row)

    world.table.get_entity = get_slowly
    strangers = (secret_of(number.to_bytes(SECRET_BYTES)) for number in range(100))
    answers = await asyncio.gather(*(world.here.by_key(secret) for secret in strangers), return_exceptions=True)
    assert {type(answer) for answer in answers} == {Unauthorized}
    assert most <= 20, "16 secrets, and what else is to be known"


async def test_a_key_is_its_tenants_only(world: World):
    assert await world.here.by_id("globex", KEY.key_id) is None
    assert await world.here.by_id(TENANT, "key_1") is None
    assert await world.here.by_id(TENANT) is None, "it is neither configured nor on record"


async def test_a_key_on_record_does_not_wait_for_those_of_the_configuration(world: World):
    gone = FakeVault()
    keys = CallerKeys([CallerKey(tenant="old", secret=keyvault_secret("gone"))], SecretStore(FakeVaults(v=gone)))
    callers = Callers(keys, world.records, world.clock)
    assert (await callers.by_key(SECRET)).key_id == KEY.key_id
    assert not gone.reads


async def test_a_key_of_the_configuration_may_have_the_form_of_one_on_record(world: World):
    keys = CallerKeys([CallerKey(tenant="old", secret=keyvault_secret("old"))], a_secret_store(old=ANOTHER))
    assert (await Callers(keys, world.records, world.clock).by_key(ANOTHER)).tenant == "old"


async def test_what_a_later_version_put_on_record_is_read_without_it(world: World):
    await world.records.tenants.insert(Tenant(name=TENANT, created_at=NOW), another_entry())
    for row in world.table.rows.values():
        if "record" in row:
            row["record"] = row["record"].replace('{"', '{"from_the_future":1,"')
    caller = await world.here.by_key(SECRET)
    assert (caller.tenant, caller.key_id) == (TENANT, KEY.key_id)
    await change(world, lambda key: key.revoked(NOW))

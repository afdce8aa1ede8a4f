"""Who calls is known after one read, and what an operator changes is known everywhere within seconds."""

import asyncio

import pytest

from clients.administration import Administration
from clients.caller_keys import CallerKeys
from clients.callers import FRESH_S, Callers
from domain.api_key import SECRET_BYTES, KeySecret, digest_of, secret_of
from domain.errors import Unauthorized
from tests.unit.callers import a_key, an_entry
from tests.unit.clients.memory_table import MemoryTable
from tests.unit.examples import NOW, TENANT
from tests.unit.fakes import FakeClock, a_secret_store

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


async def test_a_revoked_key_is_refused_everywhere_within_seconds(world: World):
    for instance in (world.here, world.elsewhere):
        assert (await instance.by_key(SECRET)).key_id == KEY.key_id
    entry = an_entry().model_copy(update={"entry_id": f"audit_{'1' * 32}"})
    await world.records.keys.amend(KEY.key_id, lambda key: key.revoked(NOW), lambda *_: entry)
    assert FRESH_S < EVERYWHERE_S / 2, "reading takes time, too"
    world.clock.advance(FRESH_S)
    for instance in (world.here, world.elsewhere):
        with pytest.raises(Unauthorized):
            await instance.by_key(SECRET)
        assert await instance.by_id(TENANT, KEY.key_id) is None


async def test_callers_at_once_share_the_reads(world: World):
    await asyncio.gather(*(world.here.by_key(SECRET) for _ in range(100)))
    assert world.table.reads == 2, "one of the key, and one of its tenant"


async def test_a_known_caller_is_read_again_only_after_seconds(world: World):
    for _ in range(4):
        await world.here.by_key(SECRET)
        world.clock.advance(FRESH_S / 4)
    assert world.table.reads == 2
    await world.here.by_key(SECRET)
    assert world.table.reads == 4


async def test_a_stranger_costs_one_read_for_a_while_and_none_without_the_form_of_a_secret(world: World):
    for presented in (ANOTHER, ANOTHER, "sk-short", f"{SECRET} ", "eyJ.e30.x", "", "x" * 10_000):
        with pytest.raises(Unauthorized):
            await world.here.by_key(presented)
    assert world.table.reads == 1


async def test_a_key_is_its_tenants_only(world: World):
    assert await world.here.by_id("globex", KEY.key_id) is None
    assert await world.here.by_id(TENANT, "key_1") is None
    assert await world.here.by_id(TENANT) is None, "it is neither configured nor on record"

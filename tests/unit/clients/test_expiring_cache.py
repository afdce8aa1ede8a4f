"""What was read is believed for so long, and is read once for all who ask."""

import asyncio

import pytest
from azure.core.exceptions import ServiceResponseTimeoutError

from clients import expiring_cache
from clients.expiring_cache import ExpiringCache


class Source:
    """Answers each key with how often it was read."""

    def __init__(self) -> None:
        self.reads = dict[str, int]()
        self.now = 0.0
        self.error: Exception | None = None
        self.cache = ExpiringCache(self.read, fresh_s=4, most=2, monotonic=lambda: self.now)

    async def read(self, key: str) -> int:
        self.reads[key] = self.reads.get(key, 0) + 1
        await asyncio.sleep(0)
        if self.error:
            raise self.error
        return self.reads[key]


async def test_a_value_is_believed_until_it_is_too_old():
    source = Source()
    assert [await source.cache.get("a"), await source.cache.get("a")] == [1, 1]
    source.now = 3.9
    assert await source.cache.get("a") == 1
    source.now = 4
    assert await source.cache.get("a") == 2


async def test_an_older_value_is_read_anew_while_whoever_asks_has_it_already(caplog: pytest.LogCaptureFixture):
    source = Source()
    cache = ExpiringCache(source.read, fresh_s=8, ahead_s=2, monotonic=lambda: source.now)
    assert await cache.get("a") == 1
    source.now = 2
    assert await asyncio.gather(cache.get("a"), cache.get("a")) == [1, 1]
    await asyncio.sleep(0)
    assert await cache.get("a") == 2
    source.now, source.error = 9, ConnectionError()
    assert await cache.get("a") == 2
    await asyncio.sleep(0.001)
    assert "could not be read anew" in caplog.text
    source.now, source.error = 10, None
    assert await cache.get("a") == 4, "it is too old now"


async def test_all_who_ask_at_once_share_a_read():
    source = Source()
    assert await asyncio.gather(*(source.cache.get("a") for _ in range(50))) == [1] * 50


async def test_one_who_gives_up_is_nothing_to_the_others():
    source = Source()
    first, second = (asyncio.create_task(source.cache.get("a")) for _ in range(2))
    await asyncio.sleep(0)
    first.cancel()
    assert await second == 1


async def test_what_could_not_be_read_is_read_again():
    source = Source()
    source.error = ConnectionError()
    answers = await asyncio.gather(*(source.cache.get("a") for _ in range(2)), return_exceptions=True)
    assert [type(answer) for answer in answers] == [ConnectionError] * 2
    source.error = None
    assert await source.cache.get("a") == 2


@pytest.mark.parametrize(("key", "reads"), [("a", 2), ("b", 1), ("c", 1)])
async def test_no_more_is_remembered_than_there_is_room_for(key: str, reads: int):
    source = Source()
    for each in "abc":
        await source.cache.get(each)
    assert await source.cache.get(key) == reads


async def test_what_is_not_there_makes_nothing_forgotten_that_is():
    there, reads = {"a": 1, "b": 2}, list[str]()

    async def read(key: str) -> int | None:
        reads.append(key)
        return there.get(key)

    cache = ExpiringCache(read, fresh_s=4, most=2)
    for key in ("x", "a", "b", "y", "z", "a", "b"):
        assert await cache.get(key) == there.get(key)
    assert reads == ["x", "a", "b", "y", "z"]


@pytest.mark.parametrize("before", ["ab", "xy", "ax"])
async def test_what_is_not_there_takes_the_room_of_what_is_too_old(before: str):
    now, reads = 0.0, list[str]()

    async def read(key: str) -> int | None:
        reads.append(key)
        return {"a": 1, "b": 2}.get(key)

    cache = ExpiringCache(read, fresh_s=4, most=2, monotonic=lambda: now)
    for key in (*before, "v"):
        await cache.get(key)
    now = 4
    assert [await cache.get("z") for _ in range(2)] == [None, None]
    assert reads == [*before, "v", "z"]


async def test_what_is_read_anew_is_remembered():
    source = Source()
    assert [await source.cache.get("a"), await source.cache.renew("a"), await source.cache.get("a")] == [1, 2, 2]


async def test_what_is_too_old_is_known_all_the_same():
    source = Source()
    assert source.cache.known("a", 0) == 0
    await source.cache.get("a")
    source.now = 99
    assert source.cache.known("a", 0) == 1


async def test_a_reading_that_does_not_end_is_given_up_and_the_next_one_begins_anew(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(expiring_cache, "_LIMIT_S", 0.001)
    source, stuck = Source(), asyncio.Event()

    async def read(key: str) -> int:
        if not stuck.is_set():
            stuck.set()
            await asyncio.Event().wait()
        return await source.read(key)

    cache = ExpiringCache(read, fresh_s=4)
    answers = await asyncio.gather(*(cache.get("a") for _ in range(2)), return_exceptions=True)
    assert [type(answer) for answer in answers] == [ServiceResponseTimeoutError] * 2
    assert await cache.get("a") == 1


async def test_of_a_first_reading_that_fails_only_those_are_told_who_asked(caplog: pytest.LogCaptureFixture):
    source = Source()
    source.error = ConnectionError()
    with pytest.raises(ConnectionError):
        await source.cache.get("a")
    await asyncio.sleep(0)
    assert not caplog.text

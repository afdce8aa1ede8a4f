"""Reads the capacity pools, and takes back what nobody else will."""

from collections.abc import Iterable
from datetime import datetime

from durabletask.entities import EntityInstanceId

from clients.durable import Durable
from domain.capacity import RECLAIM, Lease, Pool, Reclaim
from domain.workflow import CAPACITY_POOL


class CapacityPools:
    """The pools of all models, from outside.

    Every call raises AioRpcError when the engine fails, and TimeoutError when it does not answer.

    Args:
        durable: The durable client.
    """

    def __init__(self, durable: Durable) -> None:
        self._durable = durable

    async def state(self, model: str) -> Pool:
        """A model's pool as it now is; an empty one if nobody has asked it yet."""
        async with self._durable.client() as client:
            entity = await client.get_entity(_pool_of(model))
        return Pool.model_validate((entity and entity.get_typed_state()) or {})

    async def reclaim(self, model: str, leases: Iterable[Lease], now: datetime) -> None:
        """Take back slots that nobody will give back; the pool hands them out again."""
        call = Reclaim(leases=tuple(leases), now=now).model_dump(mode="json")
        async with self._durable.client() as client:
            await client.signal_entity(_pool_of(model), RECLAIM, call)


def _pool_of(model: str) -> EntityInstanceId:
    return EntityInstanceId(CAPACITY_POOL, model)

"""Starts, wakes and purges the orchestrations of batches."""

from clients.durable import Durable
from clients.orchestrations import start_unless_alive
from domain.batch import BatchRef
from domain.batch_workflow import RUN_BATCH, BatchRequest
from domain.workflow import WAKE


class BatchRuns:
    """The orchestrations of batches; the instance id is the batch id.

    Every call raises AioRpcError when the engine fails, and TimeoutError when it does not answer.

    Args:
        durable: The durable client.
    """

    def __init__(self, durable: Durable) -> None:
        self._durable = durable

    async def ensure_running(self, ref: BatchRef) -> None:
        """Start a batch's orchestration, unless it is alive; one that ended early starts over."""
        request = BatchRequest(batch=ref).model_dump(mode="json", exclude_defaults=True)
        await start_unless_alive(self._durable, RUN_BATCH, ref.batch_id, request)

    async def wake(self, ref: BatchRef) -> None:
        """Let a batch look at its record now."""
        async with self._durable.client() as client:
            await client.raise_orchestration_event(ref.batch_id, WAKE)

    async def purge(self, ref: BatchRef) -> None:
        """Remove the history of a batch that has ended; harmless when there is none."""
        async with self._durable.client() as client:
            await client.purge_orchestration(ref.batch_id)

"""Sees to it that every batch runs until it has ended, and that its history goes once its end is told."""

import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from clients.batch_runs import BatchRuns
from clients.batch_table import BatchTable
from clients.telemetry.logs import bound
from domain.batch import BatchRef
from domain.batch_event import batch_event
from domain.errors import NotFound
from domain.webhook import WebhookEvent

_log = logging.getLogger(__name__)

RECORD_IS_LATE = timedelta(hours=1)
"""A record that is not there by then was never written."""


@dataclass(frozen=True)
class BatchKeeper:
    """Looks after the open batches; at any moment, any number of times.

    Attributes:
        batches: The records.
        runs: The durable client.
        tell: Tells the webhooks of a tenant what happened; twice is harmless.
        history_retention: How long an ended batch's orchestration history is kept.
    """

    batches: BatchTable
    runs: BatchRuns
    tell: Callable[[str, WebhookEvent], Awaitable[None]]
    history_retention: timedelta

    async def sweep(self, now: datetime) -> None:
        """Look after every open batch; one that cannot be helped now does not stop the others."""
        async for ref, at in self.batches.open():
            with bound(batch=ref.batch_id, tenant=ref.tenant):
                try:
                    await self._look_after(ref, at, now)
                except Exception:  # noqa: BLE001 - whatever is wrong with one batch, the others need looking after
                    _log.exception("%s could not be looked after", ref.batch_id)

    async def _look_after(self, ref: BatchRef, at: datetime, now: datetime) -> None:
        try:
            batch = await self.batches.get(ref)
        except NotFound:
            if now - at > RECORD_IS_LATE:
                await self.batches.close_case(ref)
            return
        if batch.ended_at is None:
            await self.runs.ensure_running(ref)
        elif now - batch.ended_at > self.history_retention:
            if event := batch_event(batch):  # whoever ended it may have died before
                await self.tell(batch.tenant, event)
            await self.runs.purge(ref)
            await self.batches.close_case(ref)

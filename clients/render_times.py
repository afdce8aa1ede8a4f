"""Learnt render times in Table Storage: one small row for each kind of render, all in one partition.

They only make the waits better, so whatever goes wrong here is logged and never stops a video.
"""

import json
import logging
import time
from collections import defaultdict
from collections.abc import Callable, Mapping
from hashlib import sha256
from http import HTTPStatus
from typing import Any

from azure.core import MatchConditions
from azure.core.exceptions import AzureError, HttpResponseError, ResourceNotFoundError
from azure.data.tables import UpdateMode
from azure.data.tables.aio import TableClient

from clients.expiring_cache import ExpiringCache
from domain.render_times import NOTHING_LEARNT, LearntTime, RenderKind, RenderTimes

PARTITION = "render-times"
FRESH_S = 30.0
_ATTEMPTS = 10
_CHANGED_MEANWHILE = {HTTPStatus.CONFLICT, HTTPStatus.PRECONDITION_FAILED}
_log = logging.getLogger(__name__)


class RenderTimeTable:
    """Keeps what was learnt, for all hosts, and remembers it for half a minute.

    Args:
        table: The table of the videos; its credential needs data access.
        monotonic: Seconds since some moment.
    """

    def __init__(self, table: TableClient, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._table = table
        self._cache = ExpiringCache(self._read_all, fresh_s=FRESH_S, monotonic=monotonic)

    async def of(self, kind: RenderKind) -> RenderTimes:
        """What is known of a kind of render; as good as always without a request."""
        return (await self._cache.get(PARTITION)).get(kind, NOTHING_LEARNT)

    async def learnt(self) -> Mapping[str, LearntTime]:
        """What is known of each deployment, by its name, over all lengths and sizes.

        Returns:
            The median and the 90th percentile in seconds, and how many samples weigh in; a deployment of which
            nothing is known is missing.
        """
        by_deployment = defaultdict[str, list[RenderTimes]](list)
        for kind, times in (await self._cache.get(PARTITION)).items():
            by_deployment[kind.deployment].append(times)
        summaries = {name: RenderTimes.merged(several).learnt() for name, several in by_deployment.items()}
        return {name: summary for name, summary in summaries.items() if summary}

    async def record(self, kind: RenderKind, render_s: float) -> None:
        """Learn from a render that took so long. Learning from one twice makes it weigh like two, which is harmless."""
        try:
            times = await self._add(kind, render_s)
        except (AzureError, ValueError) as error:
            _log.warning("a render time of %s was not kept: %s", kind.deployment, error)
        else:
            self._cache.known(PARTITION, {})[kind] = times

    async def close(self) -> None:
        """Close the connections."""
        await self._table.close()

    async def _read_all(self, partition: str) -> dict[RenderKind, RenderTimes]:
        rows = self._table.query_entities("PartitionKey eq @partition", parameters={"partition": partition})
        try:
            return {_kind_of(row): _times_of(row) async for row in rows}
        except (AzureError, ValueError) as error:
            _log.warning("the learnt render times could not be read: %s", error)
            return self._cache.known(partition, {})

    async def _add(self, kind: RenderKind, render_s: float) -> RenderTimes:
        """Two hosts may learn at the same time: who comes second starts over from what the first has written."""
        for _ in range(_ATTEMPTS):
            row = await self._read(kind)
            times = (_times_of(row) if row else NOTHING_LEARNT).with_sample(render_s)
            try:
                await self._write(_row_of(kind, times), row)
            except HttpResponseError as error:
                if error.status_code not in _CHANGED_MEANWHILE:
                    raise
            else:
                return times
        raise ValueError("it kept changing")

    async def _read(self, kind: RenderKind) -> Any:
        try:
            return await self._table.get_entity(PARTITION, _key_of(kind))
        except ResourceNotFoundError:
            return None

    async def _write(self, row: Mapping[str, Any], replaced: Any) -> None:
        if replaced is None:
            await self._table.create_entity(row)
            return
        etag = replaced.metadata["etag"]
        condition = MatchConditions.IfNotModified
        await self._table.update_entity(row, UpdateMode.REPLACE, etag=etag, match_condition=condition)


def _key_of(kind: RenderKind) -> str:
    """A model may hold what a row key must not."""
    return sha256(json.dumps(kind).encode()).hexdigest()


def _row_of(kind: RenderKind, times: RenderTimes) -> Mapping[str, Any]:
    weights = json.dumps({k: round(weight, 3) for k, weight in times.weights.items()})
    return {"PartitionKey": PARTITION, "RowKey": _key_of(kind), **kind._asdict(), "weights": weights}


def _kind_of(row: Mapping[str, Any]) -> RenderKind:
    return RenderKind(row["deployment"], row["model"], row["seconds"], row["size"])


def _times_of(row: Mapping[str, Any]) -> RenderTimes:
    return RenderTimes({int(k): float(weight) for k, weight in json.loads(row["weights"]).items()})

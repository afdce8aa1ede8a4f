"""How a video looks in Table Storage: keys and entities.

All rows of a tenant share one partition, so what belongs together can change together, in one transaction:

    PartitionKey       RowKey               row
    tenant-TENANT      v<newest first>      the record; a plain range query lists the newest first
    tenant-TENANT      o<oldest first>      the same order the other way round, and the k row of the video
    tenant-TENANT      a<oldest first>      the alarm: when the sweeper looks at the video again
    tenant-TENANT      k<hash of the key>   an Idempotency-Key, and the body it came with
    tenant-TENANT      u, l                 accounts and the ledger; `ledger_rows` draws them
    tenant-TENANT      f, g                 files; `file_table` reads and writes them
    tenant-TENANT      h<hash of the id>    a character; `character_table` reads and writes it
    tenants            TENANT               which partitions there are; `table_rows` reads and writes it
    purges             TENANT               how far the purge is; `purge_progress` reads and writes it
    claims-<endpoint>  <hash of the id>     which video a render job belongs to
    render-times       <hash of the kind>   how long renders of a kind take; `render_times` reads and writes it
"""

import hashlib
import json
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from clients.table_rows import tenant_partition
from domain.claim import Claim
from domain.timed_id import reversed_key
from domain.video import Video, VideoRef
from domain.video_id import newest_first_key, oldest_first_key

type Entity = Mapping[str, Any]

RECORDS = ("v", "w")
ORDERS = ("o", "p")
ALARMS = ("a", "b")
_PROMPT_PIECE = 16_000
"""A string property holds 32,768 UTF-16 units; a code point may take two."""
_NESTED = ("metadata", "source", "cast", "input_reference", "contents", "failure", "batch")


def record_key(video_id: str) -> str:
    """The row of the record."""
    return f"v{newest_first_key(video_id)}"


def order_key(video_id: str) -> str:
    """The row that gives the record its place in the oldest-first list."""
    return f"o{oldest_first_key(video_id)}"


def alarm_key(video_id: str) -> str:
    """The row of the alarm."""
    return f"a{oldest_first_key(video_id)}"


def record_key_of(order: str) -> str:
    """The row of the record that an oldest-first row stands for."""
    return f"v{reversed_key(order[1:])}"


def order_entity(ref: VideoRef, idempotency_key: str | None) -> Entity:
    """A place in the oldest-first list; it also tells which note of an Idempotency-Key goes with the video."""
    promise = {"promise": idempotency_row(ref.tenant, idempotency_key)[1]} if idempotency_key else {}
    return {"PartitionKey": tenant_partition(ref.tenant), "RowKey": order_key(ref.video_id), **promise}


def alarm_entity(ref: VideoRef, at: datetime) -> Entity:
    """An alarm at a time."""
    key = {"PartitionKey": tenant_partition(ref.tenant), "RowKey": alarm_key(ref.video_id)}
    return {**key, "video_id": ref.video_id, "alarm_at": at}


def idempotency_entity(ref: VideoRef, key: str, body_sha256: str) -> Entity:
    """The note that an Idempotency-Key made a video."""
    partition, row = idempotency_row(ref.tenant, key)
    return {"PartitionKey": partition, "RowKey": row, "video_id": ref.video_id, "body_sha256": body_sha256}


def idempotency_row(tenant: str, key: str) -> tuple[str, str]:
    """The partition and row of that note."""
    return tenant_partition(tenant), f"k{_sha256(key)}"


def claim_key(endpoint: str, upstream_id: str) -> tuple[str, str]:
    """The partition and row of a claim; deployments that share an endpoint share their jobs."""
    return f"claims-{_sha256(endpoint.rstrip('/'))}", _sha256(upstream_id)


def claim_entity(endpoint: str, upstream_id: str, claim: Claim) -> Entity:
    """The note that a render job belongs to a video."""
    partition, row = claim_key(endpoint, upstream_id)
    settled = {"settled_at": claim.settled_at} if claim.settled_at else {}
    return {"PartitionKey": partition, "RowKey": row, "video_id": claim.video_id, **settled}


def to_entity(video: Video) -> Entity:
    """A record as a row: flat, with nested values as JSON and the prompt in pieces."""
    fields = video.model_dump(mode="json", exclude_none=True)
    for name in _NESTED:
        if name in fields:
            fields[name] = json.dumps(fields[name], ensure_ascii=False)  # an escape would take six times the room
    prompt = fields.pop("prompt")
    pieces = range(0, len(prompt), _PROMPT_PIECE)
    fields |= {f"prompt{start // _PROMPT_PIECE}": prompt[start : start + _PROMPT_PIECE] for start in pieces}
    key = {"PartitionKey": tenant_partition(video.tenant), "RowKey": record_key(video.video_id)}
    return {**key, **fields, "visible": video.deleted_at is None}


def to_video(entity: Entity) -> Video:
    """A row as a record."""
    fields = dict(entity)
    for name in _NESTED:
        if name in fields:
            fields[name] = json.loads(fields[name])
    fields["prompt"] = "".join(fields[name] for name in ("prompt0", "prompt1") if name in fields)
    return Video.model_validate(fields)


def _sha256(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()

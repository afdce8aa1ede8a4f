"""All that a stack is asked for and all that it leaves behind, for whoever looks for what should not be there."""

import json
import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
from azure.core.credentials import AzureNamedKeyCredential
from azure.data.tables import TableServiceClient
from azure.storage.blob import BlobServiceClient

from local.stack.addresses import ACCOUNT
from local.stack.app_settings import AZURITE_ACCOUNT_KEY
from tests.e2e.running_stack import RunningStack, running_stack, wait_until

PROMPT = "an unmistakable marmalade zeppelin"
SETTINGS = {
    "TELEMETRY": "true",
    "REELAY_METRICS_ENDPOINT": "true",
    "REELAY_ALLOW_PRIVATE_ADDRESSES": "true",
    "REELAY_GUARDRAILS": '[{"blocklist": ["forbidden"], "category": "rules"}]',
}
ENDS = {"completed", "failed"}
ENDED = {"reelay.videos.completed", "reelay.videos.failed"}
GAUGES = {"reelay.queue.age", "reelay.deployment.cooldown"}


@dataclass(frozen=True)
class Run:
    """What a run leaves behind.

    Attributes:
        secrets: All that were used, by what they are.
        logs: What the app wrote, line by line.
        spans: What the collector got.
        metrics: Likewise, by name.
        scraped: What Prometheus would have got.
        rows: The table's.
        blobs: All that is text, by name.
        histories: All that the engine keeps.
        completed: A video of each model, by its id.
    """

    secrets: Mapping[str, str]
    logs: str
    spans: list[dict[str, Any]]
    metrics: Mapping[str, list[dict[str, Any]]]
    scraped: str
    rows: list[Mapping[str, Any]]
    blobs: Mapping[str, bytes]
    histories: bytes
    completed: list[str]

    def trace(self, video_id: str) -> list[dict[str, Any]]:
        """The trace that a video was accepted in."""
        (record,) = (row for row in self.rows if row.get("video_id") == video_id and "prompt0" in row)
        return [span for span in self.spans if span["trace_id"] == record["traceparent"].split("-")[1]]


def full_run(state: Path) -> Run:
    """Start a stack, ask it for everything, stop it, and collect what is left."""
    with running_stack(state, **SETTINGS) as stack, httpx.Client(base_url=stack.base_url, timeout=30) as client:
        client.headers["authorization"] = f"Bearer {stack.api_key}"
        webhook, key = listen(stack), made_key(stack)
        completed = ask_for_everything(stack, client)
        telemetry = wait_until(lambda: collected(stack), "all was exported")
        metrics = dict[str, list[dict[str, Any]]]()
        for point in telemetry["metrics"]:
            metrics.setdefault(point["name"], []).append(point)
        admin = {"api-key": stack.admin_key}
        scraped = httpx.get(f"{stack.host}/metrics", headers=admin).raise_for_status().text
        rows, blobs = [*rows_of(stack)], dict(blobs_of(stack))
        memory = json.loads((state / "memory.json").read_text())
    secrets = {name: key for name, key in memory.items() if isinstance(key, str)}
    return Run(
        secrets=secrets | {"azurite": AZURITE_ACCOUNT_KEY, "webhook": webhook, **key},
        logs="".join(log.read_text() for log in (state / "logs").glob("host-*.log")),
        spans=telemetry["spans"],
        metrics=metrics,
        scraped=scraped,
        rows=rows,
        blobs=blobs,
        histories=histories_in(state),
        completed=completed,
    )


def listen(stack: RunningStack) -> str:
    """Let a receiver hear of all; returns its secret."""
    asked = {"tenant": "local", "url": f"{stack.upstream}/webhooks/all"}
    answer = httpx.post(f"{stack.base_url}/admin/webhooks", json=asked, headers={"api-key": stack.admin_key})
    return answer.raise_for_status().json()["secret"]


def made_key(stack: RunningStack) -> dict[str, str]:
    """The secrets of a key that is used, rotated, used again and revoked."""
    with httpx.Client(base_url=f"{stack.base_url}/admin", headers={"api-key": stack.admin_key}) as admin:
        key = admin.post("/keys", json={"tenant": "local", "name": "a test"}).raise_for_status().json()
        rotated = admin.post(f"/keys/{key['id']}/rotate").raise_for_status().json()
        secrets = {"key": key["secret"], "rotated key": rotated["secret"]}
        for secret in secrets.values():
            httpx.get(f"{stack.base_url}/videos", headers={"api-key": secret}).raise_for_status()
        admin.delete(f"/keys/{key['id']}").raise_for_status()
    return secrets


def ask_for_everything(stack: RunningStack, client: httpx.Client) -> list[str]:
    """Videos that are completed, refused, throttled and failed, one from a batch, and callers who are turned away.

    The deployments fail, too, and say again what they were asked for.
    """
    echo = {"prompt": PROMPT, "error": {"message": "No."}}
    faults = [
        {"operation": "create", "effect": "status", "status": 429, "headers": {"retry-after": "1"}, "body": echo},
        {"operation": "retrieve", "effect": "status", "status": 401, "body": echo},
        {"operation": "retrieve", "effect": "status", "status": 200, "body": echo},
        {"operation": "retrieve", "effect": "status", "status": 500, "body": echo},
        {"operation": "retrieve", "effect": "drop_before"},
        {"operation": "retrieve", "effect": "garbage"},
        {"operation": "content", "effect": "status", "status": 503, "body": echo},
    ]
    httpx.post(f"{stack.upstream}/_control/faults", json=faults).raise_for_status()
    asked = [
        {"prompt": PROMPT, "model": "sora-2"},
        {"prompt": PROMPT, "model": "sora-2-pro"},
        {"prompt": f"{PROMPT} moderation_blocked"},
        {"prompt": f"{PROMPT} content_filter"},
    ]
    ids = [client.post("/videos", json=fields).raise_for_status().json()["id"] for fields in asked]
    for refused in ({"prompt": f"{PROMPT} forbidden"}, {"prompt": PROMPT, "seconds": PROMPT}, {"prompt": [PROMPT]}):
        assert client.post("/videos", json=refused).status_code == 400
    body = {"prompt": PROMPT, "model": "sora-2"}
    line = {"custom_id": "1", "method": "POST", "url": "/v1/videos", "body": body}
    file = client.post("/files", data={"purpose": "batch"}, files={"file": ("in.jsonl", json.dumps(line))}).json()
    batch = client.post(
        "/batches", json={"input_file_id": file["id"], "endpoint": "/v1/videos", "completion_window": "24h"}
    ).raise_for_status()
    for key in ("sk-reelay-that-nobody-has", stack.admin_key):
        assert client.get("/videos", headers={"authorization": f"Bearer {key}"}).status_code == 401
    for video_id in ids:
        wait_until(lambda: client.get(f"/videos/{video_id}").json()["status"] in ENDS, f"{video_id} has ended")  # noqa: B023 - called at once
    wait_until(lambda: client.get(f"/batches/{batch.json()['id']}").json()["status"] == "completed", "the batch has")
    assert "sig=" in client.get(f"/videos/{ids[0]}/content").headers["location"]
    assert [client.get(f"/videos/{video_id}").json()["status"] for video_id in ids] == [
        *2 * ["completed"],
        *2 * ["failed"],
    ]
    return ids[:2]


def collected(stack: RunningStack) -> dict[str, Any] | None:
    """What was exported, once that is all."""
    told = httpx.get(f"{stack.upstream}/_control/telemetry").json()
    copied = {span["attributes"].get("reelay.video") for span in told["spans"] if span["name"] == "copy_content"}
    ended = sum(point["value"] for point in told["metrics"] if point["name"] in ENDED)
    published = sum(point["count"] for point in told["metrics"] if point["name"] == "reelay.publish.time")
    names = {point["name"] for point in told["metrics"]}
    return told if (len(copied), ended, published) == (3, 5, 3) and names >= GAUGES else None


def rows_of(stack: RunningStack) -> Iterator[Mapping[str, Any]]:
    with TableServiceClient(stack.table, credential=AzureNamedKeyCredential(ACCOUNT, AZURITE_ACCOUNT_KEY)) as service:
        for table in service.list_tables():
            yield from service.get_table_client(table.name).list_entities()


def blobs_of(stack: RunningStack) -> Iterator[tuple[str, bytes]]:
    with BlobServiceClient(stack.blob, credential=AZURITE_ACCOUNT_KEY) as service:
        for container in service.list_containers():
            client = service.get_container_client(container.name)
            for blob in client.list_blobs():
                yield f"{container.name}/{blob.name}", client.download_blob(blob.name).readall()


def histories_in(state: Path) -> bytes:
    """Every value of every table, whole: in the file itself they lie in pieces."""
    values = list[bytes]()
    for file in (state / "engine").rglob("*"):
        if file.is_file() and file.read_bytes().startswith(b"SQLite format 3"):
            with closing(sqlite3.connect(file)) as db:
                tables = [name for (name,) in db.execute("SELECT name FROM sqlite_schema WHERE type = 'table'")]
                rows = [row for table in tables for row in db.execute(f"SELECT * FROM {table}")]  # noqa: S608 - its own names
                values += [value if isinstance(value, bytes) else str(value).encode() for row in rows for value in row]
    assert values
    return b"\n".join(values)

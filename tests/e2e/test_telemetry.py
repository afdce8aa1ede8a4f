"""A full run on the real stack: one trace from request to deployment, and no secret or prompt told to anybody."""

import json
import os
import re
import signal
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.e2e.full_run import Run, full_run
from tests.e2e.running_stack import RunningStack, running_stack, wait_until

TIMES = ("reelay.slot.wait", "reelay.render.time", "reelay.copy.time", "reelay.publish.time", "reelay.polls")


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    return full_run(tmp_path_factory.mktemp("telemetry") / "state")


def test_a_video_is_one_trace_from_the_request_to_the_deployment(run: Run):
    for video_id in run.completed:
        spans = {span["span_id"]: span for span in run.trace(video_id) if span["name"] != "guardrail"}
        (root,) = (span for span in spans.values() if span["parent_id"] is None)
        steps = [span for span in spans.values() if span["parent_id"] == root["span_id"]]
        asked = [span for span in spans.values() if span["kind"] == "client"]

        assert (root["name"], root["kind"]) == ("POST /v1/videos", "server")
        assert {step["name"] for step in steps} >= {"submit_render_job", "check_render_job", "copy_content"}
        assert all(step["attributes"]["reelay.video"] == video_id for step in steps)
        assert len(spans) == 1 + len(steps) + len(asked)
        assert {span["attributes"]["http.request.method"] for span in asked} == {"POST", "GET"}
        for span in asked:
            assert spans[span["parent_id"]] in steps


def test_a_video_of_a_batch_has_a_trace_of_its_own(run: Run):
    (batch_line,) = (span for span in run.spans if span["name"] == "batch_line")
    spans = [span for span in run.spans if span["trace_id"] == batch_line["trace_id"]]
    assert batch_line["parent_id"] is None
    assert {span["name"] for span in spans} >= {"batch_line", "submit_render_job", "copy_content"}


def test_a_trace_survives_whoever_dies(tmp_path: Path):
    with running_stack(tmp_path / "state", TELEMETRY="true", RENDER_TIME_S="2") as stack:
        headers = {"api-key": stack.api_key}
        with httpx.Client(base_url=stack.base_url, headers=headers, timeout=30) as client:
            path = f"/videos/{client.post('/videos', json={'prompt': 'a kite'}).raise_for_status().json()['id']}"
            wait_until(lambda: client.get(path).json()["status"] == "in_progress", "it renders")
            wait_until(lambda: names_of(spans_of(stack)) >= {"POST /v1/videos", "submit_render_job"}, "that is told")
            os.kill(stack.pids["host"][0], signal.SIGKILL)
            wait_until(lambda: client.get(path).json()["status"] == "completed", "it is completed")
        wait_until(lambda: "copy_content" in names_of(spans_of(stack)), "that is told, too")
        told = [span for span in spans_of(stack) if span["name"] in {"POST /v1/videos", "copy_content"}]
    assert len({span["trace_id"] for span in told}) == 1


def spans_of(stack: RunningStack) -> list[dict[str, Any]]:
    return httpx.get(f"{stack.upstream}/_control/telemetry").json()["spans"]


def names_of(spans: list[dict[str, Any]]) -> set[str]:
    return {span["name"] for span in spans}


def test_what_happened_is_counted(run: Run):
    def total(name: str) -> float:
        return sum(point["value"] for point in run.metrics[name])

    assert total("reelay.videos.accepted") == 5
    assert total("reelay.videos.completed") == 3
    assert total("reelay.spend.usd") == pytest.approx(4 * (0.10 + 0.30 + 0.10))
    assert total("reelay.upstream.throttled") == 1
    failed = Counter[str]()
    for point in run.metrics["reelay.videos.failed"]:
        failed[point["attributes"]["code"]] += point["value"]
    assert failed == Counter(json.loads(row["failure"])["code"] for row in run.rows if "failure" in row)
    counts = {name: sum(point["count"] for point in run.metrics[name]) for name in TIMES}
    assert counts == {**dict.fromkeys(TIMES, 3), "reelay.slot.wait": 4}  # one was refused while it rendered


def test_the_same_can_be_scraped(run: Run):
    samples = re.findall(r"^reelay_videos_completed_total\{.*\} (\S+)$", run.scraped, re.MULTILINE)
    assert sum(map(float, samples)) == 3
    assert "reelay_slot_wait_seconds_bucket" in run.scraped


def test_the_log_tells_the_life_of_a_video_in_json(run: Run):
    lines = [json.loads(line) for line in run.logs.splitlines() if line.startswith("{")]
    life = [line for line in lines if line.get("video") == run.completed[1] and "state" in line]

    assert [line["state"] for line in life] == ["queued", "submitting", "in_progress", "copying", "completed"]
    assert {line["tenant"] for line in life} == {"local"}
    assert {line.get("deployment") for line in life[1:]} == {"sora-2-pro-swedencentral"}
    assert life[2]["upstream_request_id"]
    assert {line["trace_id"] for line in life} == {run.trace(run.completed[1])[0]["trace_id"]}


def test_no_secret_is_told_to_anybody(run: Run):
    told = {
        "the logs": run.logs.encode(),
        "the spans": json.dumps(run.spans).encode(),
        "the metrics": json.dumps(run.metrics).encode() + run.scraped.encode(),
        "the table": "\n".join(str({**row}) for row in run.rows if not is_webhook(row)).encode(),
        "the blobs": b"\n".join([*(name.encode() for name in run.blobs), *run.blobs.values()]),
        "the histories": run.histories,
    }
    tokens = re.compile(rb"eyJ[\w-]{10,}\.[\w-]+\.|[?&]sig=[^*]")
    for place, text in told.items():
        assert {name for name, secret in run.secrets.items() if secret.encode() in text} == set(), place
        assert tokens.findall(text) == [], place


def is_webhook(row: Mapping[str, Any]) -> bool:
    """Whether it is the one place that has to keep a secret which we made."""
    return "endpoint" in row


def test_no_prompt_is_told_to_anybody(run: Run):
    told = [run.logs, json.dumps(run.spans), json.dumps(run.metrics), run.scraped]
    assert [text for text in told if "zeppelin" in text] == []
    assert b"zeppelin" not in run.histories
    fields = {name for row in run.rows for name, value in row.items() if "zeppelin" in str(value)}
    assert fields == {"prompt0"}

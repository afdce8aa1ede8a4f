"""Whoever the environment names gets spans and metrics, and what nobody wants is not even imported."""

import gzip
import os
import subprocess
import sys
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import ClassVar
from uuid import UUID

import pytest

ROOT = Path(__file__).parents[3]
PROGRAM = """
import os, sys
from clients.settings import Settings
from clients.telemetry.metrics import ACCEPTED
from clients.telemetry.spans import span
from clients.telemetry.start import start_telemetry

telemetry = start_telemetry(Settings(), os.environ)
with span("work", {"reelay.video": "video_1"}, parent=os.environ.get("PARENT")):
    ACCEPTED.add(1, {"model": "sora-2"})
print(telemetry.is_on, telemetry.metrics_text is not None)
heavy = ("opentelemetry.sdk", "opentelemetry.exporter.otlp", "azure.monitor", "prometheus_client")
print(*(name for name in heavy if name in sys.modules))
if telemetry.metrics_text:
    print(telemetry.metrics_text().decode())
"""
APP = {
    "REELAY_MODELS": '{"sora-2": {"deployments": [{"name": "east", "endpoint": "https://east.example/openai/v1/", '
    '"upstream_model": "sora-2", "auth": {"kind": "none"}, "usd_per_second": {"*": "0.1"}}]}}',
    "REELAY_BLOB_ENDPOINT": "https://a.blob.core.windows.net",
    "REELAY_TABLE_ENDPOINT": "https://a.table.core.windows.net",
}


class Collector(BaseHTTPRequestHandler):
    """Keeps what it is sent, by path."""

    got: ClassVar[dict[str, bytes]] = {}

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["content-length"]))
        body = gzip.decompress(body) if self.headers.get("content-encoding") == "gzip" else body
        self.got[self.path] = self.got.get(self.path, b"") + body
        self.send_response(200)
        self.end_headers()
        self.wfile.write(b'{"itemsReceived": 1, "itemsAccepted": 1, "errors": []}')

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.fixture
def collector() -> Iterator[str]:
    Collector.got.clear()
    with ThreadingHTTPServer(("127.0.0.1", 0), Collector) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


def start(**settings: str) -> list[str]:
    """The lines that a process says which starts with these settings, does something, and ends."""
    clean = {name: value for name, value in os.environ.items() if not name.startswith(("OTEL_", "REELAY_"))}
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM],
        cwd=ROOT,
        env=clean | APP | settings,
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout.splitlines()


def test_by_default_nobody_gets_anything_and_nothing_is_imported():
    assert start() == ["False False", ""]


def test_a_collector_gets_both(collector: str):
    said = start(OTEL_EXPORTER_OTLP_ENDPOINT=collector)

    assert said == ["True False", "opentelemetry.sdk opentelemetry.exporter.otlp"]
    assert b"video_1" in Collector.got["/v1/traces"]
    assert b"reelay.videos.accepted" in Collector.got["/v1/metrics"]
    assert b"reelay" in Collector.got["/v1/traces"].partition(b"service.name")[2][:20]


def test_a_collector_may_want_spans_only(collector: str):
    start(OTEL_EXPORTER_OTLP_ENDPOINT=collector, OTEL_METRICS_EXPORTER="none", OTEL_SERVICE_NAME="reels")

    assert [*Collector.got] == ["/v1/traces"]
    assert b"reels" in Collector.got["/v1/traces"]


@pytest.mark.parametrize(("sampler", "kept"), [({}, True), ({"OTEL_TRACES_SAMPLER": "parentbased_always_on"}, False)])
def test_only_if_told_so_the_parent_decides_what_is_kept(collector: str, sampler: dict[str, str], kept: bool):
    start(OTEL_EXPORTER_OTLP_ENDPOINT=collector, PARENT=f"00-{'1' * 32}-{'2' * 16}-00", **sampler)

    assert ("/v1/traces" in Collector.got) is kept


@pytest.mark.parametrize(
    ("choice", "spans", "metrics"),
    [
        ({}, True, True),
        ({"OTEL_METRICS_EXPORTER": "none"}, True, False),
        ({"OTEL_TRACES_EXPORTER": "none"}, False, True),
    ],
)
def test_azure_monitor_gets_what_is_wanted(collector: str, choice: dict[str, str], spans: bool, metrics: bool):
    said = start(
        APPLICATIONINSIGHTS_CONNECTION_STRING=f"InstrumentationKey={UUID(int=1)};IngestionEndpoint={collector}/",
        APPLICATIONINSIGHTS_STATSBEAT_DISABLED_ALL="true",
        **choice,
    )

    assert said == ["True False", "opentelemetry.sdk azure.monitor"]
    sent = b"".join(Collector.got.values())
    assert (b"video_1" in sent, b"reelay.videos.accepted" in sent) == (spans, metrics)


def test_the_console_gets_a_line_for_each():
    said = start(REELAY_TELEMETRY="console")

    assert said[:2] == ["True False", "opentelemetry.sdk"]
    told = {("video_1" in line, "reelay.videos.accepted" in line) for line in said[2:]}
    assert told == {(True, False), (False, True)}


def test_prometheus_may_ask():
    said = start(REELAY_METRICS_ENDPOINT="true")

    assert said[:2] == ["True True", "opentelemetry.sdk prometheus_client"]
    assert 'reelay_videos_accepted_total{model="sora-2"} 1.0' in said

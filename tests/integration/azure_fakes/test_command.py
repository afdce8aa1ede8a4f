"""`python -m local.azure_fakes`: its one line, its end, and what it remembers."""

import re
import ssl
import subprocess
import sys
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest

READY = re.compile(r"ready (http://127\.0\.0\.1:\d+) vault=(https://127\.0\.0\.1:\d+) vault_ca=(.+)\n")
ROOT = Path(__file__).parents[3]
HEADERS = {"api-key": "key-of-sora-2"}


@contextmanager
def command(*arguments: str) -> Generator[tuple[subprocess.Popen[str], re.Match[str]]]:
    with subprocess.Popen(
        [sys.executable, "-m", "local.azure_fakes", *arguments], cwd=ROOT, stdout=subprocess.PIPE, text=True
    ) as process:
        try:
            assert process.stdout is not None
            line = process.stdout.readline()
            ready = READY.fullmatch(line)
            assert ready, line
            yield process, ready
        finally:
            process.kill()


def finished(client: httpx.Client, video_id: str) -> dict[str, object]:
    while True:
        (job,) = [job for job in client.get("/_control/state").json()["jobs"] if job["id"] == video_id]
        if job["status"] == "completed":
            return job


def test_jobs_settings_and_certificates_survive_a_kill(tmp_path: Path, media_folder: Path) -> None:
    arguments = ("--state", str(tmp_path), "--media", str(media_folder))
    body = {"model": "sora-2", "prompt": "a paper boat"}
    with command(*arguments) as (process, ready), httpx.Client(base_url=ready[1]) as client:
        client.post("/_control/settings", json={"api_keys": {"sora-2": HEADERS["api-key"]}, "render_time_s": 0})
        first = client.post("/openai/v1/videos", json=body, headers=HEADERS).json()["id"]
        before = finished(client, first)
        client.post("/_control/settings", json={"render_time_s": 0.5})
        second = client.post("/openai/v1/videos", json=body, headers=HEADERS).json()["id"]
        vault_ca = Path(ready[3]).read_bytes()
        process.kill()

    with command(*arguments) as (process, ready), httpx.Client(base_url=ready[1]) as client:
        assert finished(client, first) == before
        assert finished(client, second)["sha256"] != before["sha256"]
        assert len(client.get("/openai/v1/videos", headers=HEADERS).json()["data"]) == 2
        assert Path(ready[3]).read_bytes() == vault_ca
        with httpx.Client(verify=ssl.create_default_context(cafile=ready[3])) as vault:
            assert vault.get(f"{ready[2]}/secrets/none/").status_code == 401


def test_it_stops_when_asked(tmp_path: Path) -> None:
    with command("--port", "0", "--vault-port", "0", "--state", str(tmp_path / "made")) as (process, _):
        process.terminate()
        assert process.wait(10) == 0


def test_its_event_loop_lets_faults_break_the_connection(tmp_path: Path, media_folder: Path) -> None:
    """The command runs on uvloop, the other tests on asyncio's own loop."""
    url = "/openai/v1/videos"
    body = {"model": "sora-2", "prompt": "a paper boat"}
    with (
        command("--state", str(tmp_path), "--media", str(media_folder)) as (_, ready),
        httpx.Client(base_url=ready[1], headers=HEADERS) as client,
    ):
        client.post(
            "/_control/settings",
            json={"api_key": HEADERS["api-key"], "render_time_s": 0, "content_bytes": 50_000_000},
        )
        client.post("/_control/faults", json=[{"operation": "create", "effect": "drop_before", "times": 1}])
        client.post("/_control/faults", json=[{"operation": "create", "effect": "drop_after", "times": 1}])
        client.post("/_control/faults", json=[{"operation": "content", "effect": "truncate", "times": 1}])
        for jobs in (0, 1):
            with pytest.raises(httpx.TransportError):
                client.post(url, json=body)
            assert len(client.get("/_control/state").json()["jobs"]) == jobs

        video_id = client.get(url).json()["first_id"]
        finished(client, video_id)
        received = 0
        content = client.stream("GET", f"{url}/{video_id}/content")
        with pytest.raises(httpx.RemoteProtocolError), content as answer:  # noqa: PT012  (what comes before counts)
            for chunk in answer.iter_raw():
                received += len(chunk)
        assert received == 25_000_000

"""What a newcomer runs first: the demo and the quickstart."""

import hashlib
import os
import subprocess
import sys
from io import StringIO
from pathlib import Path

import pytest
from openai import AsyncOpenAI
from rich.console import Console

from local.demo import DemoSettings, generate
from tests.e2e.running_stack import ROOT, RunningStack


def run(*command: str, cwd: Path = ROOT, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, *command],
        cwd=cwd,
        env=os.environ | environment,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=90,
        check=False,
    )


def test_demo_makes_a_video(tmp_path: Path):
    demo = run(
        *("-m", "local.demo"),
        STATE=str(tmp_path / "state"),
        OUT=str(tmp_path / "out"),
        RENDER_TIME_S="0.3",
        MODEL="sora-2-pro",
        SIZE="1792x1024",
        SECONDS="4",
    )

    assert demo.returncode == 0, demo.stdout + demo.stderr
    lines = demo.stdout.splitlines()
    assert lines[:2] == ["starting the stack", "queued"]
    summary = dict(line.split(maxsplit=1) for line in lines[lines.index("completed") + 1 :])
    [file] = (tmp_path / "out").iterdir()
    assert summary["video"] == str(file)
    assert summary["sha256"] == hashlib.sha256(file.read_bytes()).hexdigest()
    assert summary["blob"].endswith(f"/{file.stem}/video.mp4")
    assert summary["cost"] == "$2.00"
    assert {"queued", "rendering", "copying", "download"} <= summary.keys()


@pytest.mark.parametrize(
    ("wish", "complaint"),
    [
        (DemoSettings(prompt="moderation_blocked"), "the video failed: moderation_blocked: "),
        (DemoSettings(size="12x12"), "the request failed: Error code: 400 - The size '12x12' is not offered"),
    ],
)
@pytest.mark.filterwarnings("ignore:The Sora API:DeprecationWarning")
async def test_demo_tells_what_went_wrong(stack: RunningStack, wish: DemoSettings, complaint: str):
    output = StringIO()

    async with AsyncOpenAI(base_url=stack.base_url, api_key=stack.api_key) as client:
        assert await generate(client, wish, Console(file=output)) == 1

    assert output.getvalue().splitlines()[-1].startswith(complaint)


def test_quickstart_saves_a_video(stack: RunningStack, tmp_path: Path):
    quickstart = run(
        str(ROOT / "examples" / "quickstart.py"),
        cwd=tmp_path,
        OPENAI_BASE_URL=stack.base_url,
        OPENAI_API_KEY=stack.api_key,
    )

    assert quickstart.returncode == 0, quickstart.stderr
    [file] = tmp_path.glob("*.mp4")
    assert quickstart.stdout == f"completed: {file.name}\n"

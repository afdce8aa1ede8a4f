"""`python -m local.demo`: one video from a prompt, through the whole stack, with the unmodified `openai` client."""

# OpenAI ends its own service and so calls the methods deprecated; the protocol stays.
# pyright: reportDeprecated=false

import asyncio
import hashlib
import sys
import time
import warnings
from collections.abc import Callable, Generator
from contextlib import contextmanager
from decimal import Decimal
from pathlib import Path

from openai import APIError, AsyncOpenAI
from openai.types import Video
from pydantic import BaseModel
from pydantic_settings import BaseSettings, SettingsConfigDict
from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeElapsedColumn

from local.stack.main import run
from local.stack.settings import ROOT, StackSettings
from local.stack.stack import running

INTERRUPTED = 130  # as shells have it
PENDING = frozenset({"queued", "in_progress"})


class DemoSettings(BaseSettings):
    """What to render; each field is the environment variable of the same name in capitals.

    Attributes:
        out: The folder for the file.
        state: The stack's state, kept for the next demo.
    """

    model_config = SettingsConfigDict(env_ignore_empty=True)

    prompt: str = "A paper boat sails down a rain-soaked street at dusk, neon lights in the puddles"
    seconds: str = "4"
    size: str = "1280x720"
    model: str = "sora-2"
    out: Path = Path("out")
    state: Path = ROOT / ".local" / "demo"


class Timings(BaseModel):
    """How long the video was in each stage; None where a repair left no time of its end."""

    queued_s: float | None
    rendering_s: float | None
    copying_s: float | None


class Outcome(BaseModel):
    """What our API says of a completed video beyond OpenAI's fields."""

    blob_url: str
    sha256: str
    bytes: int
    cost_usd: Decimal
    deployment: str
    timings: Timings


async def demo(wish: DemoSettings, console: Console) -> int:
    """Renders one video with a stack of its own and returns the exit code."""
    console.print("starting the stack")
    async with (
        running(StackSettings(port=0, state=wish.state)) as stack,
        AsyncOpenAI(base_url=stack.base_url, api_key=stack.api_key) as client,
    ):
        return await generate(client, wish, console)


async def generate(client: AsyncOpenAI, wish: DemoSettings, console: Console) -> int:
    """Creates a video, waits for it, downloads it and tells what happened; returns the exit code."""
    # Untyped, because the server knows best what it allows.
    request = wish.model_dump(include={"prompt", "seconds", "size", "model"})
    try:
        with progress_shown(console) as show:
            video = await wait_for(client, await client.videos.create(**request), show)
        if video.status == "completed":
            return await save(client, video, wish.out, console)
        complain(console, f"the video failed: {reason_of(video)}")
    except APIError as error:
        complain(console, f"the request failed: {error.message}")
    return 1


async def wait_for(client: AsyncOpenAI, video: Video, show: Callable[[Video], None]) -> Video:
    """Asks for the video, as often as the server proposes, until it has ended."""
    show(video)
    while video.status in PENDING:
        response = await client.videos.with_raw_response.retrieve(video.id)
        video = response.parse()
        show(video)
        if video.status in PENDING:
            await asyncio.sleep(int(response.headers.get("openai-poll-after-ms", 1000)) / 1000)
    return video


async def save(client: AsyncOpenAI, video: Video, folder: Path, console: Console) -> int:
    """Downloads a completed video, compares it with what the API says of it, and prints the summary."""
    outcome = Outcome.model_validate((video.model_extra or {})["reelay"])
    path = place_for(video, folder)
    begin = time.perf_counter()
    async with client.videos.with_streaming_response.download_content(video.id) as content:
        await content.stream_to_file(path)
    download_s = time.perf_counter() - begin
    summarize(path, outcome, download_s, console)
    if sha256(path) != outcome.sha256:
        complain(console, f"the file's SHA-256 is another one: {sha256(path)}")
        return 1
    return 0


def place_for(video: Video, folder: Path) -> Path:
    """Returns the path of a video's file; its folder exists then."""
    folder.mkdir(parents=True, exist_ok=True)
    return folder / f"{video.id}.mp4"


def summarize(path: Path, outcome: Outcome, download_s: float, console: Console) -> None:
    """Prints where the video is, what it cost and how long each stage took."""
    lines = {
        "video": str(path),
        "blob": outcome.blob_url,
        "sha256": outcome.sha256,
        "size": f"{outcome.bytes:,} bytes",
        "rendered by": outcome.deployment,
        "cost": f"${outcome.cost_usd:.2f}",
        "queued": duration(outcome.timings.queued_s),
        "rendering": duration(outcome.timings.rendering_s),
        "copying": duration(outcome.timings.copying_s),
        "download": duration(download_s),
    }
    for name, value in lines.items():
        console.print(f"[bold]{name:<12}[/]{escape(value)}", soft_wrap=True, highlight=False)


def complain(console: Console, message: str) -> None:
    """Prints what went wrong, as it is."""
    console.print(message, style="red", soft_wrap=True, markup=False, highlight=False)


def reason_of(video: Video) -> str:
    """Returns why a video is not completed."""
    return f"{video.error.code}: {video.error.message}" if video.error else video.status


def duration(seconds: float | None) -> str:
    """Formats a number of seconds."""
    return "unknown" if seconds is None else f"{seconds:.2f} s"


def sha256(path: Path) -> str:
    """Returns the file's digest in hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


@contextmanager
def progress_shown(console: Console) -> Generator[Callable[[Video], None]]:
    """Gives what shows a video's progress: a bar on a terminal, else a line for each new status."""
    if not console.is_terminal:
        yield lines_of_status(console)
        return
    columns = (TextColumn("{task.description:<12}"), BarColumn(), TaskProgressColumn(), TimeElapsedColumn())
    with Progress(*columns, console=console) as bar:
        task = bar.add_task("queued", total=100)
        yield lambda video: bar.update(task, description=video.status, completed=video.progress)


def lines_of_status(console: Console) -> Callable[[Video], None]:
    """Returns what prints a video's status when it is a new one."""
    shown: set[str] = set()

    def show(video: Video) -> None:
        if video.status not in shown:
            shown.add(video.status)
            console.print(video.status)

    return show


if __name__ == "__main__":
    warnings.filterwarnings("ignore", message="The Sora API", category=DeprecationWarning)
    sys.exit(run(demo(DemoSettings(), Console()), when_stopped=INTERRUPTED))

"""The media of every scene: rendered once, kept on disk and in memory."""

import asyncio
import tempfile
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from threading import Event

from local.azure_fakes.mp4 import Mp4Factory
from local.azure_fakes.rendering import Scene, render_stills, render_video


@dataclass(frozen=True)
class Media:
    """What one scene looks like."""

    mp4: Mp4Factory
    thumbnail: bytes
    spritesheet: bytes


class MediaLibrary:
    """Renders scenes in worker threads, each at most once.

    Args:
        folder: Where rendered files are kept; several processes may share it.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._threads = ThreadPoolExecutor(max_workers=2, thread_name_prefix="render")
        self._media: dict[Scene, asyncio.Future[Media]] = {}
        self._given_up = Event()

    def get(self, scene: Scene) -> asyncio.Future[Media]:
        """Return the media of a scene, being rendered if nobody asked for it before."""
        if scene not in self._media:
            loop = asyncio.get_running_loop()
            self._media[scene] = loop.run_in_executor(self._threads, self._load_or_render, scene)
        return self._media[scene]

    def close(self) -> None:
        """Give up what is being rendered."""
        self._given_up.set()
        for media in self._media.values():
            media.cancel()
        self._threads.shutdown(cancel_futures=True)

    def _load_or_render(self, scene: Scene) -> Media:
        home = self._folder / scene.name
        if not home.is_dir():
            _render(scene, home, self._given_up)
        return Media(
            Mp4Factory((home / "video.mp4").read_bytes()),
            (home / "thumbnail.webp").read_bytes(),
            (home / "spritesheet.jpg").read_bytes(),
        )


def _render(scene: Scene, home: Path, given_up: Event) -> None:
    """Render into a folder of our own and move it into place: nobody sees half of it."""
    home.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=home.parent) as work:
        draft = Path(work, "draft")
        draft.mkdir()
        render_video(scene, draft / "video.mp4", given_up)
        render_stills(draft / "video.mp4", draft / "thumbnail.webp", draft / "spritesheet.jpg")
        try:
            draft.rename(home)
        except OSError:
            if not home.is_dir():  # else another process was first
                raise

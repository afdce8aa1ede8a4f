"""Renders what a job shows: real H.264 in an MP4, a WebP thumbnail, a JPEG spritesheet."""

import colorsys
import hashlib
from collections.abc import Iterator
from concurrent.futures import CancelledError
from dataclasses import dataclass
from fractions import Fraction
from itertools import islice
from pathlib import Path
from threading import Event
from typing import Final, Self, cast

import av
import av.filter
from PIL import Image

FRAMES_PER_SECOND: Final = 24
HUES: Final = 12
"""Prompts share this many looks, so that few renders serve all jobs."""
SPRITES: Final = 4
SPRITE_WIDTH: Final = 320
_SCALE: Final = 4
"""A gradient is smooth: drawn at a quarter of its size it looks the same and costs a sixteenth."""


@dataclass(frozen=True)
class Scene:
    """A rendered look: pixels, seconds, and one of `HUES` hues."""

    width: int
    height: int
    seconds: int
    hue: int

    @classmethod
    def of(cls, size: str, seconds: int, prompt: str) -> Self:
        """Return the scene for a prompt at a size such as `1280x720`."""
        width, height = map(int, size.split("x"))
        return cls(width, height, seconds, hashlib.sha256(prompt.encode()).digest()[0] % HUES)

    @property
    def name(self) -> str:
        """A name for files."""
        return f"{self.width}x{self.height}-{self.seconds}s-hue{self.hue}"


def render_video(scene: Scene, file: Path, given_up: Event) -> None:
    """Write the scene as an H.264 MP4 whose index (`moov`) comes first; the same scene gives the same bytes.

    Raises:
        CancelledError: It was given up meanwhile.
    """
    options = {"movflags": "+faststart", "fflags": "+bitexact"}
    with av.open(file, "w", format="mp4", options=options) as container:
        # x264's output depends on its thread count, so it is fixed.
        stream = container.add_stream(
            "libx264", rate=FRAMES_PER_SECOND, options={"preset": "ultrafast", "crf": "30", "threads": "2"}
        )
        stream.width, stream.height, stream.pix_fmt = scene.width, scene.height, "yuv420p"
        for index, frame in enumerate(_frames(scene)):
            if given_up.is_set():
                raise CancelledError
            frame.pts, frame.time_base = index, Fraction(1, FRAMES_PER_SECOND)
            container.mux(stream.encode(frame))
        container.mux(stream.encode())


def render_stills(video: Path, thumbnail: Path, spritesheet: Path) -> None:
    """Write the poster frame as WebP and a row of frames as JPEG."""
    with av.open(str(video), "r") as container:
        every = container.streams.video[0].frames // SPRITES
        shown = list(islice(container.decode(video=0), 0, None, every))
    images = [cast("Image.Image", frame.to_image()) for frame in shown[:SPRITES]]
    images[0].save(thumbnail, "WEBP")
    _in_a_row(images).save(spritesheet, "JPEG")


def _frames(scene: Scene) -> Iterator[av.VideoFrame]:
    """Yield the frames of a slowly turning gradient."""
    graph = av.filter.Graph()
    source = graph.add("gradients", _gradient(scene))
    scaled = graph.add("scale", f"{scene.width}:{scene.height}")
    planar = graph.add("format", "yuv420p")
    sink = graph.add("buffersink")
    source.link_to(scaled)
    scaled.link_to(planar)
    planar.link_to(sink)
    graph.configure()
    for _ in range(scene.seconds * FRAMES_PER_SECOND):
        yield cast("av.VideoFrame", graph.pull())


def _gradient(scene: Scene) -> str:
    width, height = scene.width // _SCALE, scene.height // _SCALE
    colours = ":".join(f"c{index}={_colour(scene.hue, index)}" for index in range(3))
    corners = f"x0=0:y0=0:x1={width}:y1={height}"
    return f"size={width}x{height}:rate={FRAMES_PER_SECOND}:nb_colors=3:{colours}:{corners}:speed=0.02"


def _colour(hue: int, index: int) -> str:
    rgb = colorsys.hsv_to_rgb(hue / HUES + index / 12, 0.75, (0.3, 0.6, 0.95)[index])
    return "0x" + "".join(f"{round(255 * channel):02x}" for channel in rgb)


def _in_a_row(images: list[Image.Image]) -> Image.Image:
    height = images[0].height * SPRITE_WIDTH // images[0].width
    sheet = Image.new("RGB", (SPRITE_WIDTH * len(images), height))
    for index, image in enumerate(images):
        sheet.paste(image.resize((SPRITE_WIDTH, height)), (SPRITE_WIDTH * index, 0))
    return sheet

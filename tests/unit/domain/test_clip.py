"""An uploaded video is known by its header."""

import io
from fractions import Fraction

import av
import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.clip import Clip, read_clip
from domain.errors import InvalidRequest
from tests.unit.examples import MP4, an_mp4


@pytest.mark.parametrize("long", [False, True])
def test_length_and_size_are_read_from_the_boxes(long: bool):
    content = an_mp4(seconds=3.2, width=720, height=1280, long=long)
    assert read_clip(content) == Clip(content, seconds=4, size="720x1280")


def test_what_an_encoder_writes_is_read():
    file = io.BytesIO()
    with av.open(file, "w", format="mp4") as container:
        stream = container.add_stream("mpeg4", rate=4)
        stream.width, stream.height = 64, 48
        for number in range(8):
            frame = av.VideoFrame(64, 48, "yuv420p")
            frame.pts, frame.time_base = number, Fraction(1, 4)
            container.mux(stream.encode(frame))
        container.mux(stream.encode())
    clip = read_clip(file.getvalue())
    assert (clip.seconds, clip.size) == (2, "64x48")


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"no video",
        MP4,
        an_mp4(width=0),
        an_mp4(seconds=0),
        an_mp4(seconds=3601),
        b"\0\0\0\x08free" * 1_000 + an_mp4(),
        an_mp4()[:150],
        b"\0\0\0\x04moov",
        b"\0\0\0\x10moov" * 9,
    ],
)
def test_what_is_no_video_is_refused(content: bytes):
    with pytest.raises(InvalidRequest) as refused:
        read_clip(content)
    assert (refused.value.param, refused.value.code) == ("video", "invalid_video")


@given(st.integers(0, 400), st.binary(max_size=20))
def test_no_damage_does_more_than_a_refusal(place: int, junk: bytes):
    content = an_mp4()
    try:
        read_clip(content[:place] + junk + content[place + len(junk) :])
    except InvalidRequest:
        return

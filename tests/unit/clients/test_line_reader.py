"""A blob is read line by line, whatever the slices are, from any line on."""

from hypothesis import given
from hypothesis import strategies as st

from clients import line_reader
from clients.line_reader import NO_LINE, lines_after
from domain.batch_line import LINE_LIMIT_BYTES, Line
from tests.unit.fakes import FakeBlobStore


async def read(text: bytes, before: Line = NO_LINE, slice_bytes: int = 7) -> list[Line]:
    store = FakeBlobStore()
    store.blobs["b"] = text
    return [
        line async for line in lines_after(before, store.as_store(), "b", size_bytes=len(text), slice_bytes=slice_bytes)
    ]


@given(text=st.text(alphabet="ab\n", max_size=60).map(str.encode), slice_bytes=st.integers(1, 70))
async def test_the_lines_are_those_of_the_file(text: bytes, slice_bytes: int):
    lines = await read(text, slice_bytes=slice_bytes)
    assert [line.text for line in lines] == text.removesuffix(b"\n").split(b"\n") * bool(text)
    assert [line.number for line in lines] == list(range(1, len(lines) + 1))
    for line in lines:
        assert await read(text, before=line, slice_bytes=slice_bytes) == lines[line.number :]
    assert not lines or lines[-1].end == len(text)


async def test_of_a_line_that_is_too_long_no_more_is_held_than_shows_it(monkeypatch):
    monkeypatch.setattr(line_reader, "_KEPT_BYTES", 6)
    first, second = await read(b"123456789\nb", slice_bytes=4)
    assert (first.text, first.end) == (b"123456", 10)
    assert (second.text, second.number) == (b"b", 2)
    assert line_reader.LINE_LIMIT_BYTES == LINE_LIMIT_BYTES

"""Reads the input file of a batch from end to end."""

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from itertools import chain
from typing import Any, Final

from clients.character_table import CharacterTable
from clients.files import Files
from clients.line_reader import NO_LINE, lines_after
from domain.batch import LineError
from domain.batch_line import Line, LineRequest, look_at
from domain.batch_survey import BatchSurvey, Known
from domain.character import read_character_ids
from domain.errors import InvalidRequest
from domain.file import File
from domain.input_reference import named_upload

_GROUP_LINES: Final = 200
_GROUP_BYTES: Final = 1024 * 1024
"""So much, and a line more, is looked at in a row: with some tens of microseconds a line, others wait for a few ms."""


async def survey_input(file: File, files: Files, characters: CharacterTable, survey: BatchSurvey) -> BatchSurvey:
    """Look at every line.

    Args:
        file: The input.
        files: Where its bytes are, and what its lines may name.
        characters: Whom they may name.
        survey: A new one, which looks.

    Raises:
        NotFound: Its bytes are gone.
    """
    async for _ in errors_of(file, files, characters, survey):
        pass
    return survey


async def errors_of(
    file: File, files: Files, characters: CharacterTable, survey: BatchSurvey
) -> AsyncIterator[LineError]:
    """All that is wrong, one after the other: together it may be too much to keep.

    Args:
        file: The input.
        files: Where its bytes are, and what its lines may name.
        characters: Whom they may name.
        survey: A new one, which looks.

    Raises:
        NotFound: Its bytes are gone.
    """
    async for lines in _groups(lines_after(NO_LINE, files.blobs, file.blob, size_bytes=file.size_bytes)):
        asked = [look_at(line) for line in lines]
        bodies = [each.body for each in asked if isinstance(each, LineRequest)]
        uploads = await files.records.find(file.tenant, filter(None, map(named_upload, bodies)))
        cast = await characters.find(file.tenant, chain.from_iterable(map(_named_characters, bodies)))
        for line, each in zip(lines, asked, strict=True):
            if error := survey.add(line.number, each, Known(uploads, cast)):
                yield error
        if survey.is_full:
            return
        await asyncio.sleep(0)
    if error := survey.finish():
        yield error


def _named_characters(fields: Mapping[str, Any]) -> Sequence[str]:
    try:
        return read_character_ids(fields)
    except InvalidRequest:  # the survey will say so
        return ()


async def _groups(lines: AsyncIterator[Line]) -> AsyncIterator[Sequence[Line]]:
    group, size_bytes = list[Line](), 0
    async for line in lines:
        group.append(line)
        size_bytes += len(line.text)
        if len(group) >= _GROUP_LINES or size_bytes >= _GROUP_BYTES:
            yield group
            group, size_bytes = [], 0
    yield group

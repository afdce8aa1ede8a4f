"""Reads the input file of a batch from end to end."""

import asyncio
from collections.abc import AsyncIterator
from datetime import date
from typing import Final

from clients.blob_store import BlobStore
from clients.line_reader import NO_LINE, lines_after
from domain.batch import LineError
from domain.batch_survey import BatchSurvey
from domain.catalog import Catalog
from domain.file import File

_LINES_IN_A_ROW: Final = 100
"""Then others have their turn: looking at a line takes some tens of microseconds."""


async def survey_input(file: File, blobs: BlobStore, catalog: Catalog, today: date) -> BatchSurvey:
    """Look at every line.

    Args:
        file: The input.
        blobs: Where its bytes are.
        catalog: What can be rendered.
        today: In UTC.

    Raises:
        NotFound: Its bytes are gone.
    """
    survey = BatchSurvey(catalog, today)
    async for _ in errors_of(file, blobs, survey):
        pass
    return survey


async def errors_of(file: File, blobs: BlobStore, survey: BatchSurvey) -> AsyncIterator[LineError]:
    """All that is wrong, one after the other: together it may be too much to keep.

    Args:
        file: The input.
        blobs: Where its bytes are.
        survey: A new one, which looks.

    Raises:
        NotFound: Its bytes are gone.
    """
    async for line in lines_after(NO_LINE, blobs, file.blob, size_bytes=file.size_bytes):
        if error := survey.add(line):
            yield error
        if line.number % _LINES_IN_A_ROW == 0:
            await asyncio.sleep(0)
    if error := survey.finish():
        yield error

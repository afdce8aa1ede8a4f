"""Reads the input file of a batch from end to end."""

import asyncio
from datetime import date
from typing import Final

from clients.blob_store import BlobStore
from clients.line_reader import NO_LINE, lines_after
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
    async for line in lines_after(NO_LINE, blobs, file.blob, size_bytes=file.size_bytes):
        survey.add(line)
        if line.number % _LINES_IN_A_ROW == 0:
            await asyncio.sleep(0)
    survey.finish()
    return survey

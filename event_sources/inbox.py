"""Takes BlobCreated events of the inbox: each file there asks for videos, or belongs to one that does."""

import hashlib
import json
import logging
from asyncio import Semaphore
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Any
from urllib.parse import unquote, urlsplit

from clients.callers import Callers
from domain.caller import Caller
from domain.errors import InvalidRequest, NotFound, ReelayError
from domain.inbox import PARAM, InboxFile, Kind, Missing
from domain.video import VideoRef
from event_sources.accept_once import REFUSALS, accept_once
from event_sources.dead_letters import DeadLetters
from event_sources.grid_event import GridEvent
from event_sources.inbox_batches import InboxBatches
from event_sources.rejections import Rejections
from intake.fields import SentFile, read_json_fields
from intake.services import Intake

BLOB_CREATED = "Microsoft.Storage.BlobCreated"
_UNWRITTEN = {"CreateFile", "SftpCreate"}
"""Only the name exists; another event tells of the content."""
_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Inbox:
    """Accepts what the files ask for, and answers beside those that cannot be.

    Attributes:
        intake: What accepting works with; its inputs are the container that holds the inbox.
        container: That container's name.
        callers: Who may ask.
        batches: Takes the files with many requests.
        dead_letters: Where those events end that can never work.
        rejections: Tells whoever asked in vain.
        max_bytes: The largest file.
        at_once: Bounds how many files are read at once in this process, and so its memory.
        insists: Whether what would have to wait is refused.
    """

    intake: Intake
    container: str
    callers: Callers
    batches: InboxBatches
    dead_letters: DeadLetters
    rejections: Rejections
    max_bytes: int
    at_once: Semaphore
    insists: bool = False

    async def receive(self, event: GridEvent) -> None:
        """Do what the arrival of a file asks for; what lies outside the inbox asks for nothing.

        Raises:
            NotNow: It has to wait.
            Exception: It is our fault, and the event is to be delivered again.
        """
        try:
            file = self._file(event)
            caller = await self._caller(file) if file else None
        except InvalidRequest as error:
            await self.dead_letters.put(event, error)
            return
        if file and caller and file.kind is not Kind.ANSWER:
            async with self.at_once:
                for request in file.requests() if file.kind is Kind.IMAGE else [file]:
                    await self._take(request, caller, event)

    def _file(self, event: GridEvent) -> InboxFile | None:
        match event.data:
            case {"url": str() as url, **rest} if event.type == BLOB_CREATED:
                file = None if rest.get("api") in _UNWRITTEN else InboxFile.at(_blob_at(url, self.container))
            case _:
                raise InvalidRequest(f"The event is no {BLOB_CREATED} that names a blob.", param="type")
        return file

    async def _caller(self, file: InboxFile) -> Caller:
        caller = await self.callers.by_id(file.tenant)
        if caller is None:
            raise InvalidRequest("The folder in the inbox is that of no tenant that is known here.", param="tenant")
        return caller

    async def _take(self, file: InboxFile, caller: Caller, event: GridEvent) -> None:
        try:
            await self._accept(file, caller)
        except REFUSALS as error:
            await self._answer(file, error)
            await self.rejections.publish(
                event, error, file.answer_blob, of=f"{await self._etag(file)} {error.message}"
            )

    async def _etag(self, file: InboxFile) -> str | None:
        with suppress(NotFound):
            return (await self.intake.inputs.version(file.blob)).etag
        return None

    async def _answer(self, file: InboxFile, error: ReelayError) -> None:
        _log.warning("%s is refused: %s", file.blob, error.message)
        answer = json.dumps(error.envelope(), indent=2).encode()
        await self.intake.inputs.put(file.answer_blob, answer, "application/json")

    async def _accept(self, file: InboxFile, caller: Caller) -> None:
        match file.kind:
            case Kind.REQUEST:
                await self._accept_request(file, caller)
            case Kind.BATCH:
                await self.batches.accept(file)
            case _:
                raise InvalidRequest("A file in the inbox is a .json, .jsonl, .png, .jpg, .jpeg or .webp.")
        await self.intake.inputs.delete(file.answer_blob)

    async def _accept_request(self, file: InboxFile, caller: Caller) -> None:
        try:
            sent = await self.intake.inputs.read_whole(file.blob, max_bytes=self.max_bytes)
        except NotFound:
            return  # an image without this request, or one that was taken back
        fields = await self._with_image(file, read_json_fields(sent.content))
        if fields is None:
            _log.info("%s waits for its image", file.blob)
            return
        key = hashlib.sha256(f"{file.blob}\n{sent.etag}".encode()).hexdigest()
        made = await accept_once(fields, caller=caller, key=f"blob-{key}", insists=self.insists, intake=self.intake)
        if isinstance(image := fields.get(PARAM), SentFile):
            await self._answer_image(file._replace(path=PurePosixPath(image.name)), file, made)

    async def _answer_image(self, image: InboxFile, request: InboxFile, made: VideoRef) -> None:
        """Whoever brought it sees that it came too late."""
        try:
            is_used = (await self.intake.videos.get(made)).input_reference is not None
        except NotFound:
            return
        if is_used:
            await self.intake.inputs.delete(image.answer_blob)
            return
        message = (
            f"{request.path.name} was accepted before this image came, without one. Write it anew to have it accepted "
            f"with the image, and call it {image.path.name}.json if it shall wait for one."
        )
        await self._answer(image, InvalidRequest(message, param=PARAM, code="image_too_late"))

    async def _with_image(self, file: InboxFile, fields: Mapping[str, Any]) -> Mapping[str, Any] | None:
        """The fields, with the image from beside the request; None while that is awaited."""
        beside = file.image(fields)
        if beside is None:
            return fields
        for blob in beside.blobs:
            with suppress(NotFound):
                image = await self.intake.inputs.read_whole(blob, max_bytes=self.max_bytes)
                return {**fields, PARAM: SentFile(blob, image.content)}
        match beside.missing:
            case Missing.WAIT:
                return None
            case Missing.GO_ON:
                return fields
            case Missing.REFUSE:
                message = "There is no such image beside the request. Put it there first, or give both the same name."
                raise InvalidRequest(message, param=PARAM)


def _blob_at(url: str, container: str) -> str:
    """The name of a blob; the event's subject has it, too, but garbles what is not plain text."""
    try:
        path = urlsplit(url).path
    except ValueError:
        raise InvalidRequest("The event's URL cannot be read.", param="url") from None
    return unquote(path).partition(f"/{container}/")[2]

"""What checks look at: a request, or a finished video."""

from base64 import b64encode
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, Protocol

from clients.blob_store import BlobStore
from domain.caller import Caller
from domain.clip import Clip
from domain.errors import CheckImpossible, NotFound
from domain.finding import Place
from domain.guardrails import Stage
from domain.reference_image import ReferenceImage
from domain.video import Variant, Video
from domain.video_request import VideoRequest

_LINK_LIFETIME = timedelta(minutes=15)
_STILLS = (Variant.THUMBNAIL, Variant.SPRITESHEET)


class Subject(Protocol):
    """What is looked at.

    Attributes:
        stage: When.
        tenant: Whose it is.
        prompt: The words to look at; None if that was done before.
        words_are: What is told of words that are refused.
        pictures_are: What is told of a picture that is refused.
    """

    stage: Stage
    tenant: str
    prompt: str | None
    words_are: Place
    pictures_are: Place

    async def pictures(self) -> Sequence[bytes]:
        """The pictures to look at.

        Raises:
            CheckImpossible: There should be some.
        """
        ...

    async def document(self) -> Mapping[str, Any]:
        """All of it, for an operator's own check, as JSON has it."""
        ...


class Asked:
    """A request, before anything of it is kept.

    Args:
        caller: Who asks.
        asked: What for.
        file: What came along.
    """

    stage = Stage.REQUEST
    pictures_are: Place = "input_reference"

    def __init__(self, caller: Caller, asked: VideoRequest, file: ReferenceImage | Clip | None) -> None:
        self.tenant = caller.tenant
        self.prompt: str | None = asked.prompt
        self.words_are: Place = "name" if asked.operation == "character" else "prompt"
        self._key_id = caller.key_id
        self._asked = asked
        self._image = file if isinstance(file, ReferenceImage) else None

    async def pictures(self) -> Sequence[bytes]:
        """The reference image, if there is one."""
        return [self._image.content] if self._image else []

    async def document(self) -> Mapping[str, Any]:
        """See `Subject`."""
        image = self._image
        return {
            **_words(self.stage, self._asked),
            "tenant": self.tenant,
            "key_id": self._key_id,
            "input_reference": image and f"data:{image.content_type};base64,{b64encode(image.content).decode()}",
        }


class Rendered:
    """A finished video that nobody has seen yet.

    Args:
        video: Its record; its files are in our storage.
        contents: Where they are.
        clock: The present time, UTC.
    """

    stage = Stage.VIDEO
    prompt: str | None = None
    words_are: Place = "prompt"
    pictures_are: Place = "video"

    def __init__(self, video: Video, contents: BlobStore, clock: Callable[[], datetime]) -> None:
        self.tenant = video.tenant
        self._video = video
        self._contents = contents
        self._clock = clock

    async def pictures(self) -> Sequence[bytes]:
        """The thumbnail and the spritesheet: Content Safety looks at no videos.

        Raises:
            CheckImpossible: The deployment made none, or they are gone.
        """
        stored = [kept for variant in _STILLS if (kept := (self._video.contents or {}).get(variant))]
        if not stored:
            raise CheckImpossible("the deployment made neither a thumbnail nor a spritesheet of the video")
        try:
            return [await self._contents.read(each.blob) for each in stored]
        except NotFound as error:
            raise CheckImpossible(error.message) from error

    async def document(self) -> Mapping[str, Any]:
        """See `Subject`; the links to its files work for a quarter of an hour."""
        video, now = self._video, self._clock()
        files = {
            variant: {
                "url": await self._contents.link(stored.blob, now=now, expires_at=now + _LINK_LIFETIME),
                "content_type": stored.content_type,
                "bytes": stored.size_bytes,
                "sha256": stored.sha256,
            }
            for variant, stored in (video.contents or {}).items()
        }
        words = _words(self.stage, video)
        return {**words, "tenant": video.tenant, "key_id": video.key_id, "video_id": video.video_id, "files": files}


def _words(stage: Stage, asked: VideoRequest | Video) -> dict[str, Any]:
    return {
        "stage": stage,
        "operation": asked.operation,
        "model": asked.model,
        "prompt": asked.prompt,
        "seconds": asked.seconds,
        "size": asked.size,
        "user": asked.user,
        "metadata": asked.metadata and dict(asked.metadata),
        "source": asked.source and asked.source.video_id,
    }

"""The inbox: files whose arrival asks for videos.

inbox/TENANT/…/fox.json                one request
inbox/TENANT/…/clips.jsonl             a batch
inbox/TENANT/…/fox.png                 the image of the request fox.png.json, or of fox.json
inbox/TENANT/…/fox.error.json          why fox.json was refused; ours
inbox/TENANT/…/clips.jsonl.error.json  why clips.jsonl was, or whatever is no .json; or why an image is not used

Whoever may write to a tenant's folder asks in its name.
"""

import re
from collections.abc import Mapping, Sequence
from enum import StrEnum
from pathlib import PurePosixPath
from typing import Any, NamedTuple, Self

from domain.errors import InvalidRequest

INBOX = "inbox"
DEAD_LETTERS, HELD = "dead-letter", "held"
"""Beside the inbox: events that can never work, and those that have to wait."""
PARAM = "input_reference"
_REQUEST, _ANSWER = ".json", ".error.json"
_LONGEST_NAME = 1024 - len(_ANSWER)
"""Azure's limit for a blob, in UTF-16 units; there must be room for an answer's name."""
_IMAGES = (".png", ".jpg", ".jpeg", ".webp")
_NO_NAMES = {"", ".", ".."}
_IN_NO_NAME = re.compile(r"[/\x00-\x1f\x7f-\x9f\ufffe\uffff]")


class Kind(StrEnum):
    """What a file in the inbox is."""

    REQUEST = "request"
    BATCH = "batch"
    IMAGE = "image"
    ANSWER = "answer"
    UNKNOWN = "unknown"


_KINDS = {_REQUEST: Kind.REQUEST, ".jsonl": Kind.BATCH} | dict.fromkeys(_IMAGES, Kind.IMAGE)


class Missing(StrEnum):
    """What to do without the image that a request wants."""

    WAIT = "wait"
    """It finds its request when it comes."""
    REFUSE = "refuse"
    """It may come, but would not find its request."""
    GO_ON = "go_on"
    """Nobody asked for it: a request from words alone."""


class BesideImage(NamedTuple):
    """The image that a request takes from beside it.

    Attributes:
        blobs: Where it may be; the first that is there is taken.
        missing: What to do if none is.
    """

    blobs: Sequence[str]
    missing: Missing


class InboxFile(NamedTuple):
    """A file in the inbox.

    Attributes:
        tenant: Whose it is, as its path says.
        path: Its name within the container.
    """

    tenant: str
    path: PurePosixPath

    @classmethod
    def at(cls, blob: str) -> Self | None:
        """The file that a blob is; None when it lies elsewhere.

        Raises:
            InvalidRequest: It lies in the inbox, but in no tenant's folder, or its name leaves no room for an answer.
        """
        folder, *names = blob.split("/")
        if folder != INBOX:
            return None
        match names:
            case [tenant, _, *_] if _NO_NAMES.isdisjoint(names) and _fits(blob):
                return cls(tenant, PurePosixPath(blob))
            case _:
                what = f"{INBOX}/TENANT/NAME, in at most {_LONGEST_NAME} characters"
                raise InvalidRequest(f"A file in the inbox is called {what}, not '{blob[:80]}'.")

    @property
    def blob(self) -> str:
        """Its name within the container."""
        return str(self.path)

    @property
    def kind(self) -> Kind:
        """What it is, by its name."""
        if self.path.name.endswith(_ANSWER):
            return Kind.ANSWER
        return _KINDS.get(self.path.suffix.lower(), Kind.UNKNOWN)

    @property
    def answer_blob(self) -> str:
        """Where it is told why it was refused."""
        return str(self.path.with_suffix(_ANSWER)) if self.path.suffix == _REQUEST else f"{self.path}{_ANSWER}"

    def requests(self) -> Sequence[Self]:
        """The requests that find this image when it comes."""
        names = (f"{self.path.name}.json", f"{self.path.stem}.json")
        return [self._replace(path=self.path.with_name(name)) for name in names]

    def image(self, fields: Mapping[str, Any]) -> BesideImage | None:
        """The image that this request takes from beside it, if it may take one.

        Args:
            fields: What the request says.

        Raises:
            InvalidRequest: It names one that lies elsewhere.
        """
        same_name = self.path.with_suffix("")
        match fields.get(PARAM):
            case {"blob": str() as name}:
                return self._named(name)
            case None if same_name.suffix.lower() in _IMAGES:
                return BesideImage([str(same_name)], Missing.WAIT)
            case None:
                return BesideImage([f"{same_name}{suffix}" for suffix in _IMAGES], Missing.GO_ON)
            case _:
                return None

    def _named(self, name: str) -> BesideImage:
        image = self._replace(path=self.path.parent / name)
        if name in _NO_NAMES or _IN_NO_NAME.search(name) or not _fits(image.blob):
            message = "The blob of the input_reference must be the name of a file beside the request."
            raise InvalidRequest(message, param=PARAM)
        return BesideImage([image.blob], Missing.WAIT if self in image.requests() else Missing.REFUSE)


def _fits(blob: str) -> bool:
    return len(blob.encode("utf-16-le")) <= 2 * _LONGEST_NAME

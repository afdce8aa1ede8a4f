"""The kinds of file a video consists of, known by their first bytes."""

from collections.abc import Mapping
from typing import NamedTuple

from domain.video import Variant, VideoRef

SIGNATURE_BYTES = 12


class MediaKind(NamedTuple):
    """How a variant is stored.

    Attributes:
        file_name: Its name within the video's folder.
        content_type: Its media type.
    """

    file_name: str
    content_type: str


MEDIA: Mapping[Variant, MediaKind] = {
    Variant.VIDEO: MediaKind("video.mp4", "video/mp4"),
    Variant.THUMBNAIL: MediaKind("thumbnail.webp", "image/webp"),
    Variant.SPRITESHEET: MediaKind("spritesheet.jpg", "image/jpeg"),
}


def content_blob(video: VideoRef, variant: Variant) -> str:
    """The name of the blob that holds a variant."""
    return f"{video.tenant}/{video.video_id}/{MEDIA[variant].file_name}"


def has_signature(variant: Variant, head: bytes) -> bool:
    """Whether a file begins as it must.

    Args:
        variant: What it should be.
        head: Its first bytes, `SIGNATURE_BYTES` or more.
    """
    match variant:
        case Variant.VIDEO:
            return head[4:8] == b"ftyp"
        case Variant.THUMBNAIL:
            return head[:4] == b"RIFF" and head[8:12] == b"WEBP"
        case Variant.SPRITESHEET:
            return head[:3] == b"\xff\xd8\xff"

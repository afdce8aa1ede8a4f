"""Makes one rendered MP4 into many: each job's file has its own bytes and its own length."""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from _hashlib import HASH

BOX_HEADER_BYTES: Final = 8
CHUNK_BYTES: Final = 1 << 20
_FILLER: Final = bytes(CHUNK_BYTES - BOX_HEADER_BYTES)


def free_box_header(size: int) -> bytes:
    """Return the header of a box that players skip (ISO/IEC 14496-12, 8.1.2); `size` includes the header."""
    return size.to_bytes(4) + b"free"


@dataclass(frozen=True)
class PaddedMp4:
    """A playable MP4 followed by a free box of `padding` bytes (0 for none); many jobs share it."""

    base: bytes
    padding: int

    @property
    def size(self) -> int:
        """Bytes of the base and its padding."""
        return len(self.base) + self.padding

    def chunks(self) -> Iterator[bytes]:
        """Yield the file piece by piece; the padding never lies in memory as a whole."""
        yield self.base
        if not self.padding:
            return
        yield free_box_header(self.padding)
        rest = self.padding - BOX_HEADER_BYTES
        for position in range(0, rest, CHUNK_BYTES):
            # Its position makes every chunk unlike the others: a copier who mixes up blocks is found out.
            yield (position.to_bytes(BOX_HEADER_BYTES) + _FILLER)[: rest - position]

    @cached_property
    def digest(self) -> "HASH":
        """The SHA-256 of it all, to be copied and continued."""
        digest = hashlib.sha256()
        for chunk in self.chunks():
            digest.update(chunk)
        return digest


@dataclass(frozen=True)
class JobMp4:
    """The file of one job: a padded MP4, and the job's id in a free box of its own at the end."""

    padded: PaddedMp4
    job_id: str

    @property
    def size(self) -> int:
        """Bytes of the whole file."""
        return self.padded.size + len(self._tail)

    def chunks(self) -> Iterator[bytes]:
        """Yield the whole file piece by piece."""
        yield from self.padded.chunks()
        yield self._tail

    def sha256(self) -> str:
        """Return the SHA-256 of the whole file in hex."""
        digest = self.padded.digest.copy()
        digest.update(self._tail)
        return digest.hexdigest()

    @property
    def _tail(self) -> bytes:
        return free_box_header(BOX_HEADER_BYTES + len(self.job_id)) + self.job_id.encode()


class Mp4Factory:
    """Gives every job its own file of one rendered MP4."""

    def __init__(self, base: bytes) -> None:
        self._base = base
        self._padded: dict[int, PaddedMp4] = {}

    def file(self, job_id: str, content_bytes: int) -> JobMp4:
        """Return the file of a job, padded to `content_bytes` where it would be smaller.

        A gap too small for a box gets the smallest box, so the file may be up to 7 bytes longer than asked.
        """
        gap = content_bytes - len(self._base) - BOX_HEADER_BYTES - len(job_id)
        padding = max(gap, BOX_HEADER_BYTES) if gap > 0 else 0
        return JobMp4(self._padded.setdefault(padding, PaddedMp4(self._base, padding)), job_id)

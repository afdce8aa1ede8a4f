"""One Idempotency-Key makes one thing of a kind: what was promised with it, and what it has made."""

from typing import NamedTuple


class Idempotency(NamedTuple):
    """What a caller promised with an Idempotency-Key.

    Attributes:
        key: As it was sent.
        body_sha256: Digest of the body it came with.
    """

    key: str
    body_sha256: str


class AlreadyAccepted(Exception):
    """The Idempotency-Key was used before.

    Args:
        made_id: What it made.
        body_sha256: Digest of the body it came with.
    """

    def __init__(self, made_id: str, body_sha256: str) -> None:
        super().__init__(made_id)
        self.made_id = made_id
        self.body_sha256 = body_sha256

"""What an Idempotency-Key promises: that whatever comes with it again is the same request."""

from collections.abc import Mapping
from typing import Any, Final

from clients.idempotency import AlreadyAccepted, Idempotency
from domain.errors import InvalidRequest, RequestConflict
from intake.fields import fingerprint

_PARAM: Final = "Idempotency-Key"
_LIMIT: Final = 255


def read_promise(key: str | None, asked: Mapping[str, Any]) -> Idempotency | None:
    """The promise, if there is one.

    Args:
        key: As it was sent.
        asked: All that makes the request what it is.

    Raises:
        InvalidRequest: The key is too long.
    """
    if not key:
        return None
    if len(key) > _LIMIT:
        raise InvalidRequest(f"The {_PARAM} is longer than {_LIMIT} characters.", param=_PARAM)
    return Idempotency(key, fingerprint(asked))


def check_promise(promise: Idempotency | None, earlier: AlreadyAccepted) -> None:
    """See whether it was kept.

    Raises:
        RequestConflict: The key came with another request before.
    """
    if promise and promise.body_sha256 != earlier.body_sha256:
        message = f"This {_PARAM} came with another request before. Use a new key for a new request."
        raise RequestConflict(message, param=_PARAM) from None

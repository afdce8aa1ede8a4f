"""The fields of a request: texts, numbers, nested objects, and files."""

import hashlib
import json
from collections.abc import Mapping
from typing import Any, NamedTuple


class SentFile(NamedTuple):
    """A file that came with a request."""

    name: str
    content: bytes


def fingerprint(fields: Mapping[str, Any]) -> str:
    """A digest that is the same for the same fields, however they were sent: in a form, numbers are texts."""
    texts = {name: str(value) if isinstance(value, int | float) else value for name, value in fields.items()}
    plain = json.dumps(texts, sort_keys=True, default=_digest)
    return hashlib.sha256(plain.encode()).hexdigest()


def _digest(value: object) -> object:
    """How json sees a file; it is a tuple, so this is only asked for its bytes."""
    if isinstance(value, bytes):
        return hashlib.sha256(value).hexdigest()
    raise TypeError(f"{type(value).__name__} cannot come from a request")

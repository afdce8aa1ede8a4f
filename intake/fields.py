"""The fields of a request: texts, numbers, nested objects, and files."""

import codecs
import hashlib
import json
from collections.abc import Mapping
from typing import Any, NamedTuple

from pydantic_core import from_json

from domain.errors import InvalidRequest


class SentFile(NamedTuple):
    """A file that came with a request."""

    name: str
    content: bytes


def read_json_fields(content: bytes) -> dict[str, Any]:
    """The fields of a JSON object.

    Raises:
        InvalidRequest: It is none.
    """
    try:
        # This reader bounds depth and numbers, and refuses half surrogates; the standard library's lets them through.
        fields = from_json(content.removeprefix(codecs.BOM_UTF8), allow_inf_nan=False)
    except ValueError as error:
        raise InvalidRequest(f"The body is not JSON: {error}.", code="invalid_json") from error
    if not isinstance(fields, dict):
        raise InvalidRequest("The body must be a JSON object.", code="invalid_json")
    return fields  # pyright: ignore[reportUnknownVariableType] - JSON objects have text keys


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

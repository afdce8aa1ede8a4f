"""One line of a batch's input: what it asks for, or what is wrong with it."""

from collections.abc import Mapping
from typing import Any, Final, NamedTuple, cast

from pydantic_core import from_json

from domain.batch import ENDPOINT
from domain.errors import InvalidRequest

LINE_LIMIT_BYTES: Final = 8 * 1024 * 1024
CUSTOM_ID_LIMIT: Final = 256
_BYTE_ORDER_MARK = b"\xef\xbb\xbf"


class Line(NamedTuple):
    """A line of a file.

    Attributes:
        number: From 1.
        end: Where the next one begins, in bytes.
        text: Without its end; no more of it than one byte above the limit.
    """

    number: int
    end: int
    text: bytes

    @property
    def is_blank(self) -> bool:
        """Whether there is nothing in it."""
        return not self.text.strip()


class LineRequest(NamedTuple):
    """What a line asks for.

    Attributes:
        custom_id: The caller's name for it.
        body: The fields of POST /videos.
    """

    custom_id: str
    body: Mapping[str, Any]


def look_at(line: Line) -> LineRequest | InvalidRequest | None:
    """What a line asks for, or what is wrong with it; None if it is blank."""
    try:
        return None if line.is_blank else read_line(line)
    except InvalidRequest as error:
        return error


def read_line(line: Line) -> LineRequest:
    """Read a line; its body is not looked at.

    Raises:
        InvalidRequest: It is none that can be asked for.
    """
    fields = _object(line)
    custom_id = fields.get("custom_id")
    if not isinstance(custom_id, str) or not 0 < len(custom_id) <= CUSTOM_ID_LIMIT:
        message = f"The custom_id must be a text of 1 to {CUSTOM_ID_LIMIT} characters."
        raise InvalidRequest(message, param="custom_id", code="invalid_custom_id")
    if fields.get("method") != "POST":
        raise InvalidRequest("The method must be POST.", param="method", code="invalid_method")
    if fields.get("url") != ENDPOINT:
        raise InvalidRequest(f"The url must be {ENDPOINT}.", param="url", code="invalid_url")
    body = fields.get("body")
    if not isinstance(body, dict):
        raise InvalidRequest("The body must be a JSON object.", param="body", code="invalid_type")
    return LineRequest(custom_id, cast("dict[str, Any]", body))


def _object(line: Line) -> Mapping[str, Any]:
    if len(line.text) > LINE_LIMIT_BYTES:
        message = f"The line is longer than {LINE_LIMIT_BYTES} bytes: upload the image, or send a link to it."
        raise InvalidRequest(message, code="line_too_long")
    try:
        fields = from_json(line.text.removeprefix(_BYTE_ORDER_MARK), allow_inf_nan=False)
    except ValueError as error:
        raise InvalidRequest(f"The line is not JSON: {error}.", code="invalid_json_line") from error
    if not isinstance(fields, dict):
        raise InvalidRequest("The line must be a JSON object.", code="invalid_json_line")
    return cast("dict[str, Any]", fields)

"""The fields of a request, whichever way a client sends them: JSON, form fields with brackets, or multipart.

openai-python sends multipart even without a file; what it is given in `extra_body` arrives as bracketed form fields
(`input_reference[image_url]`), or as true JSON when the content type says so.
"""

import re
from typing import Any, cast

from fastapi import Request
from starlette.datastructures import UploadFile
from starlette.exceptions import HTTPException

from domain.errors import InvalidRequest, PayloadTooLarge, UnsupportedMedia
from intake.fields import SentFile, read_json_fields

_BRACKETS = re.compile(r"(?P<name>\w+)\[(?P<key>[^\]]*)\]")
_LISTED = re.compile(r"(?P<name>\w+)\[(?P<place>[0-9]{0,3})\]\[(?P<key>\w+)\]")
_CHARSET = re.compile(r"charset=\"?([^\s;\"]+)", re.IGNORECASE)
_FORMS = ("multipart/form-data", "application/x-www-form-urlencoded")


async def read_fields(request: Request, *, max_bytes: int) -> dict[str, Any]:
    """The fields by name: texts, nested objects and `SentFile`s.

    Args:
        request: With a body of any of the three kinds.
        max_bytes: The largest body.

    Raises:
        PayloadTooLarge: It is larger.
        UnsupportedMedia: It is of another kind.
        InvalidRequest: It cannot be read.
    """
    if len(await request.body()) > max_bytes:
        raise PayloadTooLarge(f"The body is larger than {max_bytes} bytes.")
    content_type = request.headers.get("content-type", "application/json").partition(";")[0].strip().lower()
    charset = _CHARSET.search(request.headers.get("content-type", ""))
    if charset and charset[1].lower() not in {"utf-8", "utf8", "us-ascii"}:
        raise UnsupportedMedia(f"The charset '{charset[1][:40]}' is not read: use utf-8.")
    if content_type in _FORMS:
        return await _read_form(request, max_bytes)
    if content_type == "application/json":
        return read_json_fields(await request.body())
    raise UnsupportedMedia(f"The content type '{content_type}' is not read: use application/json or {_FORMS[0]}.")


async def _read_form(request: Request, max_bytes: int) -> dict[str, Any]:
    fields = dict[str, Any]()
    try:
        async with request.form(max_part_size=max_bytes) as form:
            for name, value in form.multi_items():
                sent = SentFile(value.filename or name, await value.read()) if isinstance(value, UploadFile) else value
                _put(fields, name, sent)
    except HTTPException as error:
        raise InvalidRequest(f"The form cannot be read: {error.detail}", code="invalid_form") from error
    return fields


def _put(fields: dict[str, Any], name: str, value: object) -> None:
    if listed := _LISTED.fullmatch(name):
        _put_listed(fields, listed, value)
        return
    brackets = _BRACKETS.fullmatch(name)
    if brackets is None:
        fields[name] = value
        return
    nested = fields.setdefault(brackets["name"], {})
    if not isinstance(nested, dict):
        raise InvalidRequest(f"The field '{brackets['name']}' is sent both whole and in parts.", param=brackets["name"])
    nested[brackets["key"]] = value


def _put_listed(fields: dict[str, Any], listed: re.Match[str], value: object) -> None:
    """`characters[0][id]`; without a number it is the next one."""
    there: object = fields.setdefault(listed["name"], [])
    elements = cast("list[dict[str, object]]", there) if isinstance(there, list) else None
    if elements is None or (place := int(listed["place"] or len(elements))) > len(elements):
        raise InvalidRequest(f"The parts of the field '{listed['name']}' are no list.", param=listed["name"])
    if place == len(elements):
        elements.append({})
    elements[place][listed["key"]] = value

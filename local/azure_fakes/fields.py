"""Reads a request's parameters from JSON, from a form, and from bracketed form fields, which all mean the same."""

import json
import re
from collections import defaultdict
from typing import Any, Final, cast

from starlette.exceptions import HTTPException
from starlette.requests import Request

from local.azure_fakes.errors import invalid_request

MAX_FIELD_BYTES: Final = 64 << 20  # a data URL in a form field may hold a whole image
_BRACKETED: Final = re.compile(r"(\w+)\[(\w+)\]")

type Fields = dict[str, Any]
"""Values are what JSON holds, or `UploadFile`."""


async def read_fields(request: Request) -> Fields:
    """Return the parameters of a request; asking again costs nothing.

    Raises:
        AzureError: 400, the body is not what its content type says.
    """
    if not hasattr(request.state, "fields"):
        is_json = request.headers.get("content-type", "").startswith("application/json")
        request.state.fields = await (_from_json(request) if is_json else _from_form(request))
    return cast("Fields", request.state.fields)


async def _from_json(request: Request) -> Fields:
    try:
        fields = json.loads(await request.body())
    except ValueError as error:
        raise invalid_request(f"The body is not valid JSON: {error}.") from error
    if not isinstance(fields, dict):
        raise invalid_request("The body must be a JSON object.")
    return cast("Fields", fields)


async def _from_form(request: Request) -> Fields:
    await request.body()  # keeps the body, so that an unreadable form can be met twice
    try:
        form = await request.form(max_part_size=MAX_FIELD_BYTES)
    except HTTPException as error:
        raise invalid_request(f"The form cannot be read: {error.detail}") from error
    plain: Fields = {}
    nested: defaultdict[str, Fields] = defaultdict(dict)
    for name, value in form.multi_items():
        if bracketed := _BRACKETED.fullmatch(name):
            nested[bracketed[1]][bracketed[2]] = value
        else:
            plain[name] = value
    return plain | nested

"""How operators say what shall change of a record."""

from collections.abc import Mapping
from typing import Annotated, Any, Final

from fastapi import Body
from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel, ValidationError

from domain.errors import InvalidRequest
from domain.merge_patch import merge_patch

type Patch = Annotated[
    dict[str, Any],
    Body(
        description="A JSON Merge Patch (RFC 7396): what is not named stays, and null takes a setting back.",
        examples=[{"limits": {"max_in_flight": 5, "budget_usd": {"day": None}}, "disabled": False}],
    ),
]


_MOST_BYTES: Final = 24_000
"""The audit tells of the settings before and after in one column of a table, which holds 65,536 bytes of UTF-16."""


def bounded[T: BaseModel](settings: T) -> T:
    """Settings that can be kept, and changed once more.

    Raises:
        InvalidRequest: They are too long.
    """
    if len(settings.model_dump_json().encode("utf-16-le")) > _MOST_BYTES:
        raise InvalidRequest("This is too much to be kept: say less in the metadata or the allowance.")
    return settings


def patched[T: BaseModel](kept: BaseModel, patch: Mapping[str, Any], settings: type[T]) -> T:
    """The settings of a record after a patch.

    Args:
        kept: The record.
        patch: As sent.
        settings: Which of its fields may be changed.

    Raises:
        InvalidRequest: It makes them too long.
        RequestValidationError: It names what is none, or what cannot be.
    """
    present = kept.model_dump(mode="json", include=set(settings.model_fields))
    try:
        return bounded(settings.model_validate(merge_patch(present, patch)))
    except ValidationError as error:
        raise RequestValidationError(error.errors(include_input=False)) from None

"""How operators say what shall change of a record."""

from collections.abc import Mapping
from typing import Annotated, Any

from fastapi import Body
from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel, ValidationError

from domain.merge_patch import merge_patch

type Patch = Annotated[
    dict[str, Any],
    Body(
        description="A JSON Merge Patch (RFC 7396): what is not named stays, and null takes a setting back.",
        examples=[{"limits": {"max_in_flight": 5, "budget_usd": {"day": None}}, "disabled": False}],
    ),
]


def patched[T: BaseModel](kept: BaseModel, patch: Mapping[str, Any], settings: type[T]) -> T:
    """The settings of a record after a patch.

    Args:
        kept: The record.
        patch: As sent.
        settings: Which of its fields may be changed.

    Raises:
        RequestValidationError: It names what is none, or what cannot be.
    """
    present = kept.model_dump(mode="json", include=set(settings.model_fields))
    try:
        return settings.model_validate(merge_patch(present, patch))
    except ValidationError as error:
        raise RequestValidationError(error.errors(include_input=False)) from None

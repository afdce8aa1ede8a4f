"""What the description of the API says about the bodies of requests, which we read ourselves."""

from collections.abc import Mapping
from typing import Any

PROMPT: Mapping[str, Any] = {"prompt": {"type": "string", "maxLength": 32_000}}
NOTES: Mapping[str, Any] = {
    "user": {"type": "string"},
    "metadata": {"type": "object", "additionalProperties": {"type": "string"}, "maxProperties": 16},
}
VIDEO_ID: Mapping[str, Any] = {"video_id": {"type": "string"}}


def body_docs(fields: Mapping[str, Any], *, required: tuple[str, ...]) -> dict[str, Any]:
    """A body of these fields, as JSON or as a form.

    Args:
        fields: Their schemas.
        required: The names of those that must be there.
    """
    schema = {"type": "object", "required": required, "properties": fields}
    content = {kind: {"schema": schema} for kind in ("application/json", "multipart/form-data")}
    return {"requestBody": {"required": True, "content": content}}

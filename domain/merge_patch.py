"""JSON Merge Patch, RFC 7396: what changes of a document, and what of it goes."""

from collections.abc import Mapping
from typing import Any, cast


def merge_patch(kept: Any, patch: Any) -> Any:
    """What a document becomes.

    Args:
        kept: As it is.
        patch: As it shall be; None takes a member away, and members that it does not name stay.
    """
    if not isinstance(patch, Mapping):
        return patch
    merged = dict(cast("Mapping[str, Any]", kept)) if isinstance(kept, Mapping) else {}
    for name, value in cast("Mapping[str, Any]", patch).items():
        if value is None:
            merged.pop(name, None)
        else:
            merged[name] = merge_patch(merged.get(name), value)
    return merged

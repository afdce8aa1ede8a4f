"""Validates the parameters of a render job."""

from typing import Final

from local.azure_fakes.errors import (
    MODERATION_BLOCKED,
    content_filtered,
    invalid_request,
    invalid_value,
    missing_parameter,
)
from local.azure_fakes.fields import Fields

SECONDS: Final = ("4", "8", "12")
EXTENSION_SECONDS: Final = ("4", "8", "12", "16", "20")
DEFAULT_SECONDS: Final = "4"
DEFAULT_SIZE: Final = "720x1280"
MAX_PROMPT_CHARACTERS: Final = 32_000

CONTENT_FILTER_WORD: Final = "content_filter"
"""A prompt with this word is refused with a 400 by the content filter."""
MODERATION_WORD: Final = "moderation_blocked"
"""A prompt with this word makes a job that fails with `moderation_blocked`."""


def read_prompt(fields: Fields) -> str:
    """Return the prompt.

    Raises:
        AzureError: 400, it is missing, empty, too long, or filtered.
    """
    prompt = fields.get("prompt")
    if prompt is None:
        raise missing_parameter("prompt")
    if not isinstance(prompt, str) or not prompt.strip():
        raise invalid_request("Invalid 'prompt': expected a string with at least 1 character.")
    if len(prompt) > MAX_PROMPT_CHARACTERS:
        raise invalid_request(f"Invalid 'prompt': expected at most {MAX_PROMPT_CHARACTERS} characters.")
    if CONTENT_FILTER_WORD in prompt:
        raise content_filtered()
    return prompt


def read_choice(fields: Fields, name: str, allowed: tuple[str, ...], default: str) -> str:
    """Return a parameter that is one of a list of strings.

    Raises:
        AzureError: 400, it is not.
    """
    value = fields.get(name, default)
    if value not in allowed:
        raise invalid_value(name, value, allowed)
    return value


def moderated(prompt: str) -> dict[str, str] | None:
    """Return the error with which a job of this prompt will fail."""
    return MODERATION_BLOCKED if MODERATION_WORD in prompt else None

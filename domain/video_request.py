"""What a caller may ask for. Every refusal names the parameter and says what is allowed."""

from collections.abc import Mapping
from datetime import date
from typing import Any, NamedTuple, cast

from domain.catalog import Catalog, Operation
from domain.character import PARAM as CHARACTERS
from domain.character import Cast
from domain.errors import InvalidRequest
from domain.offer import Offer, offer_of
from domain.source import Source

PROMPT_LIMIT = 32_000
METADATA_PAIRS = 16
METADATA_KEY_LIMIT = 64
METADATA_VALUE_LIMIT = 512
USER_LIMIT = 512


class VideoRequest(NamedTuple):
    """A request that some deployment can render.

    Attributes:
        may_fall_back: Whether that may be a deployment of a fallback model.
        operation: How it is made.
        source: What it is made from, unless it is created from nothing.
        cast: The characters that it shows.
    """

    model: str
    prompt: str
    seconds: int
    size: str
    user: str | None
    metadata: Mapping[str, str] | None
    may_fall_back: bool
    operation: Operation = "create"
    source: Source | None = None
    cast: Cast | None = None


def read_video_request(
    fields: Mapping[str, Any], catalog: Catalog, *, may_fall_back: bool, today: date, cast: Cast | None = None
) -> VideoRequest:
    """Read the fields of POST /videos.

    Args:
        fields: As sent, by name; unknown ones are left alone.
        catalog: What can be rendered.
        may_fall_back: Whether the caller lets fallback models render.
        today: In UTC.
        cast: The characters that it names; only who has them can render it.

    Raises:
        InvalidRequest: It cannot be rendered here.
        ModelRetired: It could have been, before the model was retired.
    """
    home = catalog.model_of(cast.deployment) if cast else None
    name = read_text(fields, "model") or home or next(iter(catalog.models))
    offer = offer_of(name, catalog, may_fall_back=may_fall_back, today=today)
    if cast:
        offer = _with_cast(offer, cast, name, home)
    size = _size(fields, offer)
    seconds = _seconds(fields, offer)
    if not offer.renders(size=size, seconds=seconds, with_image=False):
        raise InvalidRequest(f"No deployment of '{name}' renders {seconds} seconds at {size}.", param="seconds")
    if fields.get("input_reference") and not offer.renders(size=size, seconds=seconds, with_image=True):
        takers = ", ".join(_takers_of_images(catalog, size, seconds, today)) or "none"
        message = (
            f"No deployment of '{name}' renders {seconds} seconds at {size} from an image. Models that do: {takers}."
        )
        raise InvalidRequest(message, param="input_reference")
    prompt, user, metadata = read_prompt(fields), read_user(fields), read_metadata(fields)
    return VideoRequest(name, prompt, seconds, size, user, metadata, may_fall_back, cast=cast)


def _with_cast(offer: Offer, cast: Cast, name: str, home: str | None) -> Offer:
    able = offer.only(cast.deployment)
    if not able.deployments:
        hint = f"Ask for '{home}'." if home and home != name else "Make them anew."
        message = f"No deployment of '{name}' has these characters: {cast.deployment} made them. {hint}"
        raise InvalidRequest(message, param=CHARACTERS)
    return able


def _takers_of_images(catalog: Catalog, size: str, seconds: int, today: date) -> list[str]:
    return [
        name
        for name, model in catalog.models.items()
        if Offer(model.living(today)).renders(size=size, seconds=seconds, with_image=True)
    ]


def read_prompt(fields: Mapping[str, Any]) -> str:
    """What the video shows.

    Raises:
        InvalidRequest: It is missing or too long.
    """
    prompt = read_text(fields, "prompt")
    if not prompt or not prompt.strip():
        raise InvalidRequest(
            "The prompt is empty: say what the video shows.", param="prompt", code="missing_required_parameter"
        )
    if len(prompt) > PROMPT_LIMIT:
        raise InvalidRequest(
            f"The prompt has {len(prompt)} characters; at most {PROMPT_LIMIT} are allowed.",
            param="prompt",
            code="string_above_max_length",
        )
    return prompt


def _size(fields: Mapping[str, Any], offer: Offer) -> str:
    sizes = offer.sizes()
    size = read_text(fields, "size") or sizes[0]
    if size not in sizes:
        raise InvalidRequest(f"The size '{size}' is not offered. Allowed: {', '.join(sizes)}.", param="size")
    return size


def _seconds(fields: Mapping[str, Any], offer: Offer) -> int:
    allowed = offer.seconds()
    sent = fields.get("seconds")
    if sent is None or sent == "":
        return allowed[0]
    seconds = {str(number): number for number in allowed}.get(str(sent).strip())
    if seconds is None:
        offered = ", ".join(str(number) for number in allowed)
        raise InvalidRequest(f"{shown(sent)} seconds are not offered. Allowed: {offered}.", param="seconds")
    return seconds


def read_user(fields: Mapping[str, Any]) -> str | None:
    """The caller's own user.

    Raises:
        InvalidRequest: It is too long.
    """
    user = read_text(fields, "user")
    if user and len(user) > USER_LIMIT:
        raise InvalidRequest(f"The user has {len(user)} characters; at most {USER_LIMIT} are allowed.", param="user")
    return user


def read_metadata(fields: Mapping[str, Any]) -> Mapping[str, str] | None:
    """The caller's own notes.

    Raises:
        InvalidRequest: They are no small object of texts.
    """
    metadata: Any = fields.get("metadata")
    if metadata is None:
        return None
    problem = _metadata_problem(metadata)
    if problem:
        raise InvalidRequest(f"The metadata {problem}.", param="metadata")
    return metadata


def _metadata_problem(metadata: Any) -> str | None:
    if not isinstance(metadata, dict):
        return "must be an object of texts"
    pairs = cast("dict[Any, Any]", metadata)
    if len(pairs) > METADATA_PAIRS:
        return f"has {len(pairs)} pairs; at most {METADATA_PAIRS} are allowed"
    for key, value in pairs.items():
        if not isinstance(value, str):
            return f"has a value under {shown(key)} that is no text"
        if len(key) > METADATA_KEY_LIMIT or len(value) > METADATA_VALUE_LIMIT:
            return f"allows keys of {METADATA_KEY_LIMIT} and values of {METADATA_VALUE_LIMIT} characters"
    return None


def read_text(fields: Mapping[str, Any], name: str) -> str | None:
    """A field that is text if it is there.

    Raises:
        InvalidRequest: It is something else.
    """
    value = fields.get(name)
    if value is not None and not isinstance(value, str):
        raise InvalidRequest(f"The {name} must be text.", param=name, code="invalid_type")
    return value


def shown(value: object) -> str:
    """A caller's value in a message: short, and visibly theirs."""
    return repr(value)[:80]

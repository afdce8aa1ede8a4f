"""What the operator writes down."""

from pydantic import BaseModel, ConfigDict, ValidationError


class Configuration(BaseModel):
    """A part of the configuration: never changed, and a word that is not known is a mistake."""

    model_config = ConfigDict(frozen=True, extra="forbid")


def problems_in(error: ValidationError) -> list[str]:
    """Every problem of a configuration with the path to it; no value is repeated, for it may be a secret."""
    details = error.errors(include_input=False, include_url=False)
    return [f"{_path(detail['loc'])}: {detail['msg'].removeprefix('Value error, ')}" for detail in details]


def _path(place: tuple[str | int, ...]) -> str:
    match place:
        case ("models", _, "deployments", int(), "auth", _, *_):  # pydantic puts in the kind it has read the auth as
            place = place[:5] + place[6:]
        case ("guardrails", int(), str(), *_):  # and as which check
            place = place[:2] + place[3:]
        case _:
            pass
    return "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in place).lstrip(".")

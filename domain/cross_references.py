"""What is wrong with models only when they are seen together: names that repeat, and fallbacks that do not exist."""

from collections.abc import Callable, Iterator, Mapping
from typing import Any, cast

from pydantic import ValidationError
from pydantic_core import InitErrorDetails, PydanticCustomError

type _Place = tuple[str | int, ...]


def with_cross_references(models: object, read: Callable[[object], Any]) -> Any:
    """Read models, and tell what is wrong with each beside what is wrong with them together.

    Args:
        models: As they were written down: whatever is no mapping or list is `read`'s to complain of.
        read: pydantic's own reading, which by itself would hide the problems below behind those of the parts.

    Raises:
        ValidationError: With every problem, each at its own place.
    """
    problems = [*_repeated_names(models), *_strange_fallbacks(models)]
    try:
        done = read(models)
    except ValidationError as error:
        own = [_problem(detail["loc"], detail["msg"], detail["type"], detail["input"]) for detail in error.errors()]
        raise ValidationError.from_exception_data(error.title, [*own, *problems]) from None
    if problems:
        raise ValidationError.from_exception_data("models", problems)
    return done


def _repeated_names(models: object) -> Iterator[InitErrorDetails]:
    seen = set[str]()
    for model, fields in _items(models):
        for index, deployment in enumerate(_entries(fields, "deployments")):
            name = _field(deployment, "name")
            if isinstance(name, str) and name in seen:
                message = f"deployment names must be unique; repeated: {name}"
                yield _problem((model, "deployments", index, "name"), message)
            elif isinstance(name, str):
                seen.add(name)


def _strange_fallbacks(models: object) -> Iterator[InitErrorDetails]:
    known = {name for name, _ in _items(models)}
    for model, fields in _items(models):
        for index, other in enumerate(_entries(fields, "fallback_models")):
            if isinstance(other, str) and other not in known - {model}:
                message = f"must be another model of this configuration: {other}"
                yield _problem((model, "fallback_models", index), message)


def _problem(place: _Place, message: Any, kind: Any = "value_error", value: object = None) -> InitErrorDetails:
    return InitErrorDetails(type=PydanticCustomError(kind, message), loc=place, input=value)


def _items(models: object) -> list[tuple[str, object]]:
    return list(cast("Mapping[str, object]", models).items()) if isinstance(models, Mapping) else []


def _entries(fields: object, name: str) -> tuple[object, ...]:
    entries = _field(fields, name)
    return tuple(cast("list[object]", entries)) if isinstance(entries, list | tuple) else ()


def _field(fields: object, name: str) -> object:
    """A field of what is written down, or of what was read before."""
    return (
        cast("Mapping[str, object]", fields).get(name) if isinstance(fields, Mapping) else getattr(fields, name, None)
    )

"""Reads a LiteLLM proxy's config.yaml, as leniently as LiteLLM does: whatever is not carried over may be anything.

Fields: https://docs.litellm.ai/docs/proxy/config_settings and https://docs.litellm.ai/docs/routing
"""

from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal
from typing import Annotated, Any, Final, cast

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from domain.usd import Usd
from examples.import_litellm.report import Report

FROM_ENVIRONMENT: Final = "os.environ/"

type Count = Annotated[int, Field(gt=0)]


class ConfigUnreadable(Exception):
    """The file is no configuration of a LiteLLM proxy; the message is a line that says why."""


class _Lenient(BaseModel):
    """Only what is carried over has a field here; the rest is in `model_extra`, and is reported."""

    model_config = ConfigDict(frozen=True, extra="allow", coerce_numbers_to_str=True)


class _Priced(_Lenient):
    """LiteLLM takes a price from either place."""

    output_cost_per_video_per_second: Usd | None = None
    output_cost_per_second: Usd | None = None


class Params(_Priced):
    """`litellm_params`: how a deployment is reached."""

    model: str = ""
    custom_llm_provider: str | None = None
    api_base: str | None = None
    api_version: str | None = None
    api_key: str | None = None
    azure_ad_token: str | None = None
    tenant_id: str | None = None
    client_id: str | None = None
    client_secret: str | None = None
    azure_username: str | None = None
    azure_password: str | None = None
    azure_scope: str | None = None
    rpm: Count | None = None
    max_parallel_requests: Count | None = None
    order: int | None = None
    weight: Annotated[Decimal, Field(ge=0, allow_inf_nan=False)] | None = None


SECRETS: Final = ("api_key", "azure_ad_token", "client_secret", "azure_password")
"""Fields whose variables are never looked up."""


class ModelInfo(_Priced):
    """`model_info`: what is known of the model."""

    id: str | None = None
    mode: str | None = None
    base_model: str | None = None
    supported_resolutions: tuple[str, ...] = ()


def read_config(text: str) -> Mapping[str, Any]:
    """Parse a config.yaml.

    Raises:
        ConfigUnreadable: It is no YAML, or has no `model_list`.
    """
    try:
        config = yaml.safe_load(text)
    except yaml.MarkedYAMLError as error:  # what it quotes could be a secret
        place = f": see line {error.problem_mark.line + 1}" if error.problem_mark else ""
        raise ConfigUnreadable(f"is no YAML{place}") from None
    except (yaml.YAMLError, ValueError):
        raise ConfigUnreadable("is no YAML") from None
    models = mapping(config).get("model_list")
    if not isinstance(models, list) or not models:
        raise ConfigUnreadable("has no model_list: give the config.yaml of a LiteLLM proxy")
    return mapping(config)


def read[T: _Lenient](
    kind: type[T], fields: Mapping[str, Any], variables: Mapping[str, str], path: str, report: Report
) -> T:
    """Read a part; a field with a value that cannot be is left out and reported.

    Args:
        kind: What it is.
        fields: What is written down.
        variables: Where `os.environ/NAME` is looked up, but never for a secret.
        path: Where it is written down.
        report: Told what is left to do.
    """
    known = dict(_resolved(fields, variables, path, report))
    try:
        return kind.model_validate(known)
    except ValidationError as error:
        details = error.errors(include_input=False)
    for detail in details:
        report.decide(f"{path}.{detail['loc'][0]}", f"left out, for it is wrong: {detail['msg']}")
    wrong = {detail["loc"][0] for detail in details}
    return kind.model_validate({name: value for name, value in known.items() if name not in wrong})


def _resolved(
    fields: Mapping[str, Any], variables: Mapping[str, str], path: str, report: Report
) -> Iterator[tuple[str, Any]]:
    for name, value in fields.items():
        variable = variable_of(value) if name not in SECRETS else None
        if variable is None or variable in variables:
            yield name, value if variable is None else variables[variable]
        else:
            report.decide(f"{path}.{name}", f"{variable} is not set here: set it and convert again, or fill it in")


def variable_of(value: object) -> str | None:
    """The NAME of `os.environ/NAME`."""
    name = value.removeprefix(FROM_ENVIRONMENT) if isinstance(value, str) else ""
    return name if name != value and name.isidentifier() and name.isascii() else None


def entries(value: object) -> Sequence[Mapping[str, Any]]:
    """The mappings of a list, and of anything else none."""
    return [mapping(each) for each in cast("list[object]", value)] if isinstance(value, list) else []


def mapping(value: object) -> Mapping[str, Any]:
    """A mapping as it is, and of anything else an empty one."""
    if not isinstance(value, Mapping):
        return {}
    return {str(name): field for name, field in cast("Mapping[object, Any]", value).items()}

"""One entry of the `model_list` as a deployment."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import urlsplit

from pydantic import HttpUrl, TypeAdapter, ValidationError

from examples.import_litellm import reasons
from examples.import_litellm.credentials import Credential
from examples.import_litellm.offers import offer
from examples.import_litellm.report import Report
from examples.import_litellm.source import ModelInfo, Params

_OPENAI: Final = "https://api.openai.com/v1"
_API_VERSIONS: Final = ("v1", "preview", "latest")
_UNKNOWN_ENDPOINT: Final = "https://fill-in.invalid/openai/v1/"
_WEB_ADDRESS: Final = TypeAdapter(HttpUrl)


@dataclass(frozen=True)
class Entry:
    """One video model of the list.

    Attributes:
        path: Where it stands.
        model_name: What callers ask for.
        provider: `azure` or `openai`.
        upstream_model: What that calls the model.
        params: How it is reached.
        info: What is known of it.
    """

    path: str
    model_name: str
    provider: str
    upstream_model: str
    params: Params
    info: ModelInfo


def deployment_of(entry: Entry, names: set[str], report: Report, *, default_identity: bool) -> dict[str, Any]:
    """The fields of a deployment; rank and weight depend on its neighbours, and are not among them.

    Args:
        entry: What LiteLLM knows.
        names: Those already given; the new one is added.
        report: Told what is left to do.
        default_identity: Whether LiteLLM fetches a token where it has no credential.
    """
    params, path = entry.params, f"{entry.path}.litellm_params"
    endpoint = _endpoint(entry, report)
    name = _name(entry.info.id or f"{entry.model_name}-{_first_label(endpoint)}", names)
    credential = Credential(name, params, path, report)
    azure = entry.provider == "azure"
    own_server = not endpoint.startswith(_OPENAI)
    auth = credential.azure(default_identity=default_identity) if azure else credential.openai(own_server=own_server)
    called = (entry.info.base_model, entry.upstream_model, entry.model_name)
    limits = {"max_concurrent": params.max_parallel_requests, "requests_per_minute": params.rpm}
    report.lose_all(path, params.model_extra or {}, reasons.PARAMS)
    report.lose_all(f"{entry.path}.model_info", entry.info.model_extra or {}, {})
    if params.max_parallel_requests is None:
        report.decide(f"{path}.max_parallel_requests", "there is none: set max_concurrent to the deployment's quota")
    return {
        "name": name,
        "endpoint": endpoint,
        "upstream_model": entry.upstream_model,
        "auth": auth,
        **_api_version(entry, report),
        **offer(called, params, entry.info, entry.path, report),
        **{name: limit for name, limit in limits.items() if limit is not None},
    }


def _endpoint(entry: Entry, report: Report) -> str:
    """The URL that `/videos` is appended to, as LiteLLM finds it."""
    path = f"{entry.path}.litellm_params.api_base"
    base = entry.params.api_base or (_OPENAI if entry.provider == "openai" else "")
    try:
        url = urlsplit(str(_WEB_ADDRESS.validate_python(base)))
    except ValidationError:
        report.decide(path, f"is no URL: replace {_UNKNOWN_ENDPOINT}")
        return _UNKNOWN_ENDPOINT
    host = url.netloc.rpartition("@")[2]
    if url.query or url.fragment or host != url.netloc:
        report.lose(path, "its user, query and fragment")
    root = url.path.rstrip("/").removesuffix("/videos")
    if entry.provider == "azure":
        root = f"{root.partition('/openai')[0]}/openai/v1"
    return f"{url.scheme}://{host}{root}/"


def _api_version(entry: Entry, report: Report) -> Mapping[str, str]:
    version = entry.params.api_version
    if version is None or (entry.provider == "azure" and version in _API_VERSIONS):
        return {"api_version": version} if version else {}
    report.lose(f"{entry.path}.litellm_params.api_version", "the videos API has none but v1 and preview")
    return {}


def _first_label(endpoint: str) -> str:
    host = urlsplit(endpoint).hostname or ""
    return host if host.replace(".", "").isdecimal() else host.partition(".")[0]


def _name(wish: str, names: set[str]) -> str:
    """A name like the wish that is allowed and not taken."""
    plain = re.sub(r"[^A-Za-z0-9._-]+", "-", wish).strip("._-")[:56] or "deployment"
    candidates = (plain if number == 1 else f"{plain}-{number}" for number in range(1, len(names) + 2))
    name = next(candidate for candidate in candidates if candidate not in names)
    names.add(name)
    return name

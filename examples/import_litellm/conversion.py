"""A LiteLLM configuration as our models."""

from collections.abc import Iterator, Mapping
from typing import Any, Final

from examples.import_litellm import reasons
from examples.import_litellm.deployments import Entry, deployment_of
from examples.import_litellm.fallbacks import fallbacks_of
from examples.import_litellm.ranks import priorities, weights
from examples.import_litellm.report import Report
from examples.import_litellm.source import ModelInfo, Params, entries, mapping, read

PROVIDERS: Final = ("azure", "openai")
_ENTRY: Final = ("model_name", "litellm_params", "model_info", "rpm", "tpm")
_USED: Final = {
    "router_settings": {"fallbacks", "default_fallbacks", "model_group_alias"},
    "litellm_settings": {"fallbacks", "default_fallbacks", "enable_azure_ad_token_refresh"},
    "general_settings": {"master_key", "key_management_system"},
}
_TOP: Final = {"model_list", "credential_list", "environment_variables", *_USED}


def convert(config: Mapping[str, Any], environment: Mapping[str, str]) -> tuple[dict[str, Any], Report]:
    """The models, and what to know of them.

    Args:
        config: As `source.read_config` returns it.
        environment: Where the variables are looked up that the configuration does not set itself.
    """
    report = Report()
    own = {name: str(value) for name, value in mapping(config.get("environment_variables")).items()}
    groups = dict[str, list[Entry]]()
    for entry in _entries(config, {**environment, **own}, report):
        groups.setdefault(entry.model_name, []).append(entry)
    fallbacks = fallbacks_of(config, groups.keys(), report)
    default_identity = mapping(config.get("litellm_settings")).get("enable_azure_ad_token_refresh") is True
    names = set[str]()
    models = dict[str, Any]()
    for model, group in groups.items():
        deployments = [deployment_of(entry, names, report, default_identity=default_identity) for entry in group]
        _rank(deployments, group, report)
        models[model] = {"deployments": deployments} | (
            {"fallback_models": fallbacks[model]} if fallbacks.get(model) else {}
        )
    _tell_of_sections(config, report)
    return models, report


def _rank(deployments: list[dict[str, Any]], group: list[Entry], report: Report) -> None:
    params = [entry.params for entry in group]
    shares = weights(params, [entry.path for entry in group], report)
    for deployment, priority, weight in zip(deployments, priorities(params), shares, strict=True):
        ranks = {"priority": priority, "weight": weight}
        deployment.update({name: rank for name, rank in ranks.items() if rank != 1})


def _entries(config: Mapping[str, Any], variables: Mapping[str, str], report: Report) -> Iterator[Entry]:
    credentials = {
        str(each.get("credential_name")): mapping(each.get("credential_values"))
        for each in entries(config.get("credential_list"))
    }
    for index, item in enumerate(entries(config["model_list"])):
        path = f"model_list[{index}]"
        params = dict(mapping(item.get("litellm_params")))
        lent = credentials.get(str(params.pop("litellm_credential_name", None)), {})
        limits = {name: item[name] for name in ("rpm", "tpm") if name in item}
        given, info = {**lent, **limits, **params}, mapping(item.get("model_info"))
        if why := _why_not(item, given, info):
            report.lose(f"{path} ({item.get('model_name')})", why)
            continue
        report.lose_all(path, {name: value for name, value in item.items() if name not in _ENTRY}, {})
        provider, upstream_model = _upstream(given)
        yield Entry(
            path,
            str(item["model_name"]),
            provider,
            upstream_model,
            read(Params, given, variables, f"{path}.litellm_params", report),
            read(ModelInfo, info, variables, f"{path}.model_info", report),
        )


def _why_not(item: Mapping[str, Any], params: Mapping[str, Any], info: Mapping[str, Any]) -> str | None:
    name = item.get("model_name")
    provider, upstream = _upstream(params)
    mode = info.get("mode")
    called = f"{name} {upstream} {info.get('base_model')}".lower()
    if mode not in (None, "video_generation") or (mode is None and "sora" not in called):
        return "no video model; if it is one, say so there with model_info.mode: video_generation"
    if not name or not upstream or "*" in f"{name}{upstream}":
        return "it names no single model"
    if provider not in PROVIDERS:
        return "its provider has another protocol than OpenAI's videos API"
    return None


def _upstream(params: Mapping[str, Any]) -> tuple[str, str]:
    """Provider and model; without a prefix, LiteLLM takes the models we know for OpenAI's."""
    model = str(params.get("model") or "")
    provider, slash, rest = model.partition("/")
    if stated := params.get("custom_llm_provider"):
        return str(stated), rest if slash and provider == stated else model
    return (provider, rest) if slash else ("openai", model)


def _tell_of_sections(config: Mapping[str, Any], report: Report) -> None:
    for section, used in _USED.items():
        settings = mapping(config.get(section))
        rest = {name: value for name, value in settings.items() if name not in used}
        report.lose_all(section, rest, reasons.SECTIONS[section])
    for name in config.keys() - _TOP:
        report.lose(name, "not known to this converter")
    for name in mapping(config.get("environment_variables")):
        report.decide(f"environment_variables.{name}", "set it for the app if a secret above is env:" + name)
    for name in mapping(mapping(config.get("router_settings")).get("model_group_alias")):
        report.decide(f"router_settings.model_group_alias.{name}", "callers must ask for the model by its own name")
    general = mapping(config.get("general_settings"))
    if "master_key" in general:
        report.decide("general_settings.master_key", reasons.CALLERS)
    if "key_management_system" in general:
        report.decide("general_settings.key_management_system", "secrets are read there: write keyvault: for env:")

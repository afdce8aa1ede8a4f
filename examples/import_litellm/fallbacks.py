"""Which other models render instead."""

from collections.abc import Iterator, Mapping
from collections.abc import Set as AbstractSet
from typing import Any, cast

from examples.import_litellm.report import Report
from examples.import_litellm.source import entries, mapping


def fallbacks_of(config: Mapping[str, Any], models: AbstractSet[str], report: Report) -> dict[str, list[str]]:
    """The fallback models of each video model, from both places where LiteLLM takes them.

    Args:
        config: The whole of it.
        models: The video models.
        report: Told of those that are left out.
    """
    found = dict[str, list[str]]()
    usual = list[str]()
    for section in ("router_settings", "litellm_settings"):
        settings = mapping(config.get(section))
        for model, others in _pairs(settings.get("fallbacks")):
            path = f"{section}.fallbacks.{model}"
            if model == "*":
                usual += _videos(others, models, path, report)
            elif model in models:
                found.setdefault(model, []).extend(_videos(others, models, path, report))
            else:
                report.lose(path, "no video model")
        usual += _videos(settings.get("default_fallbacks"), models, f"{section}.default_fallbacks", report)
    return {model: [other for other in dict.fromkeys(found.get(model, usual)) if other != model] for model in models}


def _pairs(fallbacks: object) -> Iterator[tuple[str, object]]:
    for each in entries(fallbacks):
        yield from each.items()


def _videos(others: object, models: AbstractSet[str], path: str, report: Report) -> list[str]:
    """Those of the others that are video models of this configuration."""
    names = cast("list[object]", others) if isinstance(others, list) else []
    videos = [name for name in names if isinstance(name, str) and name in models]
    for index, name in enumerate(names):
        if name not in videos:
            report.lose(f"{path}[{index}]", "no video model")
    return videos

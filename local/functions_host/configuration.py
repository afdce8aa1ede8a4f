"""What the app is configured with: local.settings.json, host.json and `%NAME%` app settings."""

import json
import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any, cast

_SETTING_REFERENCE = re.compile(r"%([^%]+)%")
_HOST_JSON_OVERRIDE = "AzureFunctionsJobHost__"

type JsonObject = dict[str, Any]


class ConfigurationError(ValueError):
    """The app cannot be run as it is configured; the message says what to change."""


def load_app_settings(app: Path) -> None:
    """Put the `Values` of local.settings.json into the environment, where what is already set wins.

    Args:
        app: Folder of the app; a missing local.settings.json means no values.
    """
    values = cast("dict[str, object]", _read_json(app / "local.settings.json").get("Values", {}))
    for name, value in values.items():
        os.environ.setdefault(name, str(value))


def load_host_json(app: Path, settings: Mapping[str, str]) -> JsonObject:
    """Read host.json, apply `AzureFunctionsJobHost__a__b` overrides and expand app settings.

    Args:
        app: Folder of the app; a missing host.json means all defaults.
        settings: The app settings, by name.

    Raises:
        ConfigurationError: host.json is not a JSON object, or names a setting that does not exist.
    """
    host_json = _read_json(app / "host.json")
    for name, value in settings.items():
        if name.startswith(_HOST_JSON_OVERRIDE):
            _set_path(host_json, name.removeprefix(_HOST_JSON_OVERRIDE).split("__"), value)
    return expand_settings(host_json, settings)


def expand_settings[T](value: T, settings: Mapping[str, str]) -> T:
    """Replace each `%NAME%` in the strings of a JSON value by the app setting of that name.

    Raises:
        ConfigurationError: A named setting does not exist.
    """
    return cast("T", _expand(value, settings))


def section(host_json: JsonObject, *path: str) -> JsonObject:
    """The object at a path of host.json; empty where it is absent."""
    for name in path:
        host_json = cast("JsonObject", host_json.get(name, {}))
    return host_json


def _expand(value: object, settings: Mapping[str, str]) -> object:
    if isinstance(value, str):
        return _SETTING_REFERENCE.sub(lambda reference: _resolve(reference[1], settings), value)
    if isinstance(value, list):
        return [_expand(item, settings) for item in cast("list[object]", value)]
    if isinstance(value, dict):
        return {name: _expand(item, settings) for name, item in cast("JsonObject", value).items()}
    return value


def _resolve(name: str, settings: Mapping[str, str]) -> str:
    try:
        return settings[name]
    except KeyError:
        raise ConfigurationError(f"'%{name}%' names an app setting that does not exist: set {name}") from None


def _read_json(path: Path) -> JsonObject:
    if not path.exists():
        return {}
    try:
        content: object = json.loads(path.read_text("utf-8"))
    except ValueError as error:
        raise ConfigurationError(f"{path} is not valid JSON: {error}") from error
    if not isinstance(content, dict):
        raise ConfigurationError(f"{path} does not hold a JSON object")
    return cast("JsonObject", content)


def _set_path(tree: JsonObject, path: list[str], value: str) -> None:
    *parents, leaf = path
    for name in parents:
        tree = cast("JsonObject", tree.setdefault(name, {}))
    tree[leaf] = value

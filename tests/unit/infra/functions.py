"""Bicep's own functions, those that the templates call."""

import hashlib
import ipaddress
import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import yaml


class Group(NamedTuple):
    """A resource group; what a template sees of it, too."""

    subscription: str
    name: str
    location: str = "westeurope"

    @property
    def id(self) -> str:
        return f"/subscriptions/{self.subscription}/resourceGroups/{self.name}"

    def id_of(self, type_: str, name: str) -> str:
        """The id of a resource in it; the name of a child says its parent's, too."""
        return f"{self.id}/providers/{_path(type_, *name.split('/'))}"


HERE = Group("00000000-0000-0000-0000-00000000cafe", "reelay")


def _path(type_: str, *names: str) -> str:
    """`A.B/c/d` and `x`, `y` are `A.B/c/x/d/y`."""
    provider, *kinds = type_.split("/")
    return "/".join([provider, *(part for pair in zip(kinds, names, strict=True) for part in pair)])


def hashed(*values: str) -> str:
    """What stands for a name made of these."""
    return hashlib.sha256("/".join(values).encode()).hexdigest()[:13]


def _items(value: Mapping[str, Any]) -> list[dict[str, Any]]:
    return [{"key": key, "value": value[key]} for key in sorted(value)]


def _union(*values: Any) -> Any:
    if isinstance(values[0], list):
        return list({json.dumps(item): item for value in values for item in value}.values())
    merged = dict[str, Any]()
    for value in values:
        for key, item in value.items():
            both = isinstance(item, dict) and isinstance(merged.get(key), dict)
            merged[key] = _union(merged[key], item) if both else item
    return merged


def _cidr_subnet(network: str, prefix: int, index: int) -> str:
    return str(list(ipaddress.ip_network(network).subnets(new_prefix=prefix))[index])


def _resource_id_from(group: Group) -> Callable[..., str]:
    def resource_id(*parts: str) -> str:
        at = next(index for index, part in enumerate(parts) if "/" in part)
        subscription, name = [*[group.subscription, group.name][: 2 - at], *parts[:at]]
        return Group(subscription, name).id_of(parts[at], "/".join(parts[at + 1 :]))

    return resource_id


def functions(folder: Path, group: Group) -> dict[str, Any]:
    """All of them, as a template has them.

    Args:
        folder: Where the template is.
        group: What it is deployed to.
    """
    return {
        "cidrSubnet": _cidr_subnet,
        "concat": lambda *arrays: [item for array in arrays for item in array],
        "contains": lambda whole, part: part in whole,
        "empty": lambda value: not value,
        "endsWith": lambda text, end: text.endswith(end),
        "environment": lambda: {"suffixes": {"storage": "core.windows.net"}},
        "filter": lambda array, predicate: [item for item in array if predicate(item)],
        "flatten": lambda arrays: [item for array in arrays for item in array],
        "guid": hashed,
        "items": _items,
        "join": lambda array, between: between.join(array),
        "length": len,
        "loadJsonContent": lambda path: json.loads((folder / path).read_text()),
        "loadYamlContent": lambda path: yaml.safe_load((folder / path).read_text()),
        "map": lambda array, change: [change(item) for item in array],
        "mapValues": lambda value, change: {key: change(item) for key, item in value.items()},
        "max": max,
        "resourceGroup": lambda *place: Group(*place) if place else group,
        "resourceId": _resource_id_from(group),
        "shallowMerge": lambda values: {key: item for value in values for key, item in value.items()},
        "string": lambda value: value if isinstance(value, str) else json.dumps(value),
        "subscription": lambda: {"subscriptionId": group.subscription},
        "subscriptionResourceId": lambda type_, name: (
            f"/subscriptions/{group.subscription}/providers/{_path(type_, name)}"
        ),
        "tenant": lambda: {"tenantId": "the-tenant"},
        "toObject": lambda array, key, value: {key(item): value(item) for item in array},
        "union": _union,
        "uniqueString": hashed,
    }

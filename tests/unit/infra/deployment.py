"""Works out what a deployment of the templates would make, without Azure and without Bicep's compiler.

What only Azure knows, such as a host name, is made up in `known_later`.
"""

import json
from collections import ChainMap
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.unit.infra.expression import Bicep, Names
from tests.unit.infra.functions import HERE, Group, functions
from tests.unit.infra.known_later import known_later
from tests.unit.infra.template import INFRA, Declaration, Template, read


@dataclass(frozen=True)
class Resource:
    """A resource, as other expressions see it, and what it is made of.

    Attributes:
        type: Such as `Microsoft.Web/sites`.
        name: Of a child, with its parent's.
        group: Where it is.
        body: All it is given.
        is_existing: Whether it was there before.
    """

    type: str
    name: str
    group: Group
    body: Mapping[str, Any]
    is_existing: bool = False

    @property
    def id(self) -> str:
        return self.group.id_of(self.type, self.name)

    @property
    def properties(self) -> Mapping[str, Any]:
        """What is known once it is there."""
        return known_later(self.type, self.name)

    @property
    def given(self) -> Mapping[str, Any]:
        """Its properties in the template."""
        return self.body.get("properties", {})

    @property
    def waits(self) -> list[str]:
        """For which modules it waits besides those whose outputs it takes."""
        return _names(self.body.get("dependsOn", []))


@dataclass
class Deployment:
    """What a deployment makes, with all its modules.

    Attributes:
        resources: Those it makes or refers to.
        outputs: Of the template.
        waits: For which modules a module waits besides those whose outputs it takes, by its name.
    """

    resources: list[Resource] = field(default_factory=list)
    outputs: dict[str, Any] = field(default_factory=dict)
    waits: dict[str, list[str]] = field(default_factory=dict)

    def made(self, type_: str = "") -> list[Resource]:
        """The resources it makes, of a type or of all."""
        return [each for each in self.resources if not each.is_existing and type_ in {"", each.type}]

    def one(self, type_: str) -> Resource:
        """The only one of a type."""
        (found,) = self.made(type_)
        return found


def deploy(file: str = "main.bicep", group: Group = HERE, /, **given: Any) -> Deployment:
    """Deploy a template of `infra` into a group, with these parameters."""
    deployment = Deployment()
    deployment.outputs = _deploy(INFRA / file, given, group, deployment)
    return deployment


class _Symbols(dict[str, Any]):
    """What a template declares, as it is in one deployment; each is worked out when it is first asked for.

    Args:
        template: Which.
        given: Its parameters.
        group: What it is deployed to.
        deployment: Hears of all resources.
    """

    def __init__(self, template: Template, given: Mapping[str, Any], group: Group, deployment: Deployment) -> None:
        super().__init__()
        self._folder, self._given, self._group, self._deployment = template.file.parent, given, group, deployment
        self._declared = {each.name: each for each in template.declarations if each.kind != "output"}
        self.names: Names = ChainMap(self, self._imported(template), functions(self._folder, group))

    def __missing__(self, name: str) -> Any:
        self[name] = self._work_out(self._declared[name])
        return self[name]

    def _imported(self, template: Template) -> dict[str, Any]:
        return {
            each.name: each.value(ChainMap())
            for path, names in template.imports.items()
            for each in read(self._folder / path).of("var")
            if each.name in names and each.value
        }

    def _work_out(self, symbol: Declaration) -> Any:
        if symbol.kind == "param" and symbol.name in self._given:
            return _allowed(symbol, self._given[symbol.name])
        if symbol.kind == "type" or (symbol.condition and not symbol.condition(self.names)):
            return None
        assert symbol.value, f"{symbol.name} has to be given"
        value = symbol.value(self.names)
        if symbol.kind not in {"resource", "module"}:
            return value
        make = self._module if symbol.kind == "module" else self._resource
        return [make(symbol, body) for body in value] if symbol.is_loop else make(symbol, value)

    def _resource(self, symbol: Declaration, body: Mapping[str, Any]) -> Resource:
        parent = body.get("parent")
        name = f"{parent.name}/{body['name']}" if parent else body["name"]
        resource = Resource(symbol.target, name, self._group, body, symbol.is_existing)
        self._deployment.resources.append(resource)
        return resource

    def _module(self, symbol: Declaration, body: Mapping[str, Any]) -> dict[str, Any]:
        deploy_file = _deploy_json if symbol.target.endswith(".json") else _deploy
        there, given = body.get("scope", self._group), body.get("params", {})
        self._deployment.waits[symbol.name] = _names(body.get("dependsOn", []))
        return {
            "name": symbol.name,
            "outputs": deploy_file(self._folder / symbol.target, given, there, self._deployment),
        }


def _names(modules: list[Any]) -> list[str]:
    return [module["name"] for module in modules if isinstance(module, dict)]


def _allowed(parameter: Declaration, value: Any) -> Any:
    for allowed in parameter.decorators.get("allowed", []):
        assert value in allowed(ChainMap()), f"{parameter.name} may not be {value!r}"
    return value


def _deploy(file: Path, given: Mapping[str, Any], group: Group, deployment: Deployment) -> dict[str, Any]:
    template = read(file)
    unknown = given.keys() - {each.name for each in template.of("param")}
    assert not unknown, f"{file.name} has no parameter {unknown}"
    names = _Symbols(template, given, group, deployment).names
    for each in template.declarations:
        if each.kind != "output":
            names[each.name]
    return {each.name: each.value(names) for each in template.of("output") if each.value}


def _deploy_json(file: Path, given: Mapping[str, Any], group: Group, deployment: Deployment) -> dict[str, Any]:
    """A template of Azure itself, as far as ours go: every resource is copied, and there are no outputs."""
    template = json.loads(file.read_text())
    assert given.keys() == template["parameters"].keys()
    names: Names = ChainMap({"parameters": given.__getitem__}, functions(file.parent, group))
    for resource in template["resources"]:
        for index in range(_of_json(resource["copy"]["count"], names)):
            body = _of_json(resource, names.new_child({"copyIndex": lambda index=index: index}))
            deployment.resources.append(Resource(resource["type"], body["name"], group, body))
    return {}


def _of_json(value: Any, names: Names) -> Any:
    if isinstance(value, dict):
        return {key: _of_json(item, names) for key, item in value.items()}
    if isinstance(value, str) and value.startswith("["):
        return Bicep(value[1:-1]).expression()(names)
    return value

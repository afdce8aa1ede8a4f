"""Each template can be read alone."""

from collections import ChainMap, defaultdict
from pathlib import Path

import pytest

from tests.unit.infra.deployment import Deployment, deploy
from tests.unit.infra.functions import HERE
from tests.unit.infra.scenarios import deployed
from tests.unit.infra.template import FILES, INFRA, read

BY_NAME = pytest.mark.parametrize("file", FILES, ids=lambda file: str(file.relative_to(INFRA)))
UNTAGGED = {
    "Microsoft.Authorization/roleAssignments",
    "Microsoft.CognitiveServices/accounts/deployments",
    "Microsoft.Consumption/budgets",
    "Microsoft.DurableTask/schedulers/retentionPolicies",
    "Microsoft.DurableTask/schedulers/taskHubs",
    "Microsoft.Network/privateEndpoints/privateDnsZoneGroups",
    "Microsoft.Storage/storageAccounts/blobServices/containers",
    "Microsoft.Storage/storageAccounts/managementPolicies",
    "Microsoft.Storage/storageAccounts/tableServices/tables",
    "Microsoft.Web/sites/basicPublishingCredentialsPolicies",
}
INSIDE_STORAGE = {
    "Microsoft.Storage/storageAccounts/blobServices/containers",
    "Microsoft.Storage/storageAccounts/tableServices/tables",
}


@BY_NAME
def test_it_says_first_what_it_is(file: Path) -> None:
    assert file.read_text().startswith("// ")


@BY_NAME
def test_every_parameter_output_and_function_is_described(file: Path) -> None:
    for declaration in read(file).declarations:
        if declaration.kind in {"param", "output", "func"}:
            (description,) = declaration.decorators["description"]
            assert description(ChainMap()).endswith("."), f"{declaration.name} in {file.name}"


def test_every_type_has_one_version() -> None:
    versions = defaultdict[str, set[str]](set)
    for file in FILES:
        for resource in read(file).of("resource"):
            versions[resource.target].add(resource.version)
    assert {type_: found for type_, found in versions.items() if len(found) > 1} == {}


def test_every_template_is_used() -> None:
    used = {(file.parent / path).resolve() for file in FILES for path in read(file).imports}
    used |= {(file.parent / module.target).resolve() for file in FILES for module in read(file).of("module")}
    assert set(FILES) - used == {INFRA / "main.bicep", INFRA / "event-subscriptions.bicep"}


def test_everything_has_the_tags_and_the_name_of_the_environment(deployment: Deployment) -> None:
    for resource in deployment.made():
        if resource.type not in UNTAGGED:
            assert resource.body["tags"].get("azd-env-name") == "test", resource.name


def test_nothing_is_made_twice(deployment: Deployment) -> None:
    made = [resource.id for resource in deployment.made()]
    assert len(made) == len(set(made))


def test_what_is_named_within_an_account_comes_after_it(deployment: Deployment) -> None:
    inside = [each for each in deployment.made() if each.type in INSIDE_STORAGE and "parent" not in each.body]
    assert len(inside) == 6
    assert all(each.waits == ["account"] for each in inside)


@pytest.mark.parametrize(("choice", "needed"), [("as it comes", ["roles"]), ("private", ["roles", "privateEndpoints"])])
def test_the_app_comes_after_what_it_cannot_start_without(choice: str, needed: list[str]) -> None:
    assert deployed(choice).waits["functionApp"] == needed


def test_groups_and_environments_have_names_of_their_own_that_are_short_enough() -> None:
    there = deploy("main.bicep", HERE._replace(name="another"), environmentName="one")
    deployments = [deploy(environmentName="one"), deploy(environmentName="other"), there]
    for type_ in ("Microsoft.KeyVault/vaults", "Microsoft.Storage/storageAccounts"):
        names = [each.name for deployment in deployments for each in deployment.made(type_)]
        assert len(names) == len(set(names))
        assert all(3 <= len(name) <= 24 for name in names)


def test_only_the_function_app_is_deployed_to() -> None:
    deployment = deploy(environmentName="test")
    (app,) = [each for each in deployment.made() if "azd-service-name" in each.body.get("tags", {})]
    assert app.type == "Microsoft.Web/sites"
    assert app.name == deployment.outputs["SERVICE_API_NAME"]
    assert deployment.outputs["SERVICE_API_URI"] == f"https://{app.name}.azurewebsites.net/v1"


def test_the_name_of_the_environment_is_all_that_has_to_be_said() -> None:
    required = {each.name for each in read(INFRA / "main.bicep").of("param") if not each.value}
    assert required == {"environmentName"}

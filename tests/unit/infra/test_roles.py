"""Whoever has a role has it for a reason, and on as little as the role can be given on."""

import json
from collections.abc import Iterator
from typing import Any

import pytest
import yaml

from tests.unit.infra.deployment import Deployment
from tests.unit.infra.functions import hashed
from tests.unit.infra.scenarios import ELSEWHERE, deployed
from tests.unit.infra.template import FILES, INFRA, read

TABLE: dict[str, Any] = yaml.safe_load((INFRA / "modules/roles.yaml").read_text())
ASSIGNMENTS = "Microsoft.Authorization/roleAssignments"
CONTAINER = "storageAccounts/blobServices/containers"

BUILT_IN = {
    "Cognitive Services OpenAI User": "5e0bd9bd-7b93-4f28-af87-19fc36ad61bd",
    "Cognitive Services User": "a97b65f3-24c7-4388-baec-2e87135dc908",
    "Durable Task Data Contributor": "0ad04412-c4d5-4796-b79c-f76d14c8d402",
    "EventGrid Data Sender": "d5a91429-5739-47e2-a06b-3470a27159e7",
    "Key Vault Secrets Officer": "b86a8fe4-44ce-4948-aee5-eccb2c155cd7",
    "Key Vault Secrets User": "4633458b-17de-408a-b874-0445c86b69e6",
    "Monitoring Metrics Publisher": "3913510d-42f4-4e42-8a64-420c390055eb",
    "Storage Blob Data Contributor": "ba92f5b4-2d11-453d-a403-e96b0029c9fe",
    "Storage Blob Data Owner": "b7e6dc6d-f1e8-4753-8033-0f276bb0955b",
    "Storage Blob Delegator": "db58b8e5-c6ad-4a2a-8342-4190687cbf4a",
    "Storage Queue Data Contributor": "974c5e8b-45b9-4653-ba55-5f855dd0fb88",
    "Storage Table Data Contributor": "0a9a7e1f-b9d0-4cc4-a60d-0319b160aaa3",
}

# Who has which role on what, as a deployment makes it; the last part of a scope is the resource's name without its end.
ALWAYS = {
    ("app", "Storage Blob Data Owner", "storageAccounts", "sthost"),
    ("app", "Storage Blob Data Contributor", CONTAINER, "videos"),
    ("app", "Storage Blob Data Contributor", CONTAINER, "requests"),
    ("app", "Storage Blob Data Contributor", CONTAINER, "files"),
    ("app", "Storage Table Data Contributor", "storageAccounts/tableServices/tables", "videos"),
    ("app", "Storage Blob Delegator", "storageAccounts", "st"),
    ("app", "Key Vault Secrets User", "vaults", "kv-"),
    ("app", "EventGrid Data Sender", "topics", "evgt-events-"),
    ("app", "Monitoring Metrics Publisher", "components", "appi-"),
    ("events", "Storage Blob Data Contributor", CONTAINER, "undelivered"),
}
ON_SCHEDULER = {("app", "Durable Task Data Contributor", "schedulers/taskHubs", "reelay")}
ON_STORAGE = {
    ("app", "Storage Queue Data Contributor", "storageAccounts", "sthost"),
    ("app", "Storage Table Data Contributor", "storageAccounts", "sthost"),
}
EXPECTED = {
    "in two regions": ALWAYS
    | ON_SCHEDULER
    | {
        ("app", "Cognitive Services OpenAI User", "accounts", "oai-eastus2-"),
        ("app", "Cognitive Services OpenAI User", "accounts", "oai-swedencentral-"),
    },
    "as it comes": ALWAYS | ON_SCHEDULER | {("app", "Cognitive Services OpenAI User", "accounts", "oai-eastus2-")},
    "on Azure Storage": ALWAYS | ON_STORAGE | {("app", "Cognitive Services OpenAI User", "accounts", "oai-eastus2-")},
    "with all there is": ALWAYS
    | ON_SCHEDULER
    | {
        ("app", "Cognitive Services OpenAI User", "accounts", "oai-swedencentral-"),
        ("app", "Cognitive Services OpenAI User", "accounts", "our-resource"),
        ("app", "Cognitive Services User", "accounts", "cs-"),
        ("app", "Key Vault Secrets User", "vaults", "theirs"),
        ("ann", "Key Vault Secrets Officer", "vaults", "kv-"),
        ("ann", "Durable Task Data Contributor", "schedulers/taskHubs", "reelay"),
    },
}


def granted(deployment: Deployment) -> Iterator[tuple[str, str, str, str]]:
    names = {id_: name for name, id_ in BUILT_IN.items()}
    token = deployment.one("Microsoft.Web/sites").name.removeprefix("func-")
    for assignment in deployment.made(ASSIGNMENTS):
        _, type_, *path = assignment.body["scope"].split("/providers/")[1].split("/")
        kinds = "/".join([type_, *path[1::2]])
        who = assignment.given["principalId"].removeprefix("principal of id-").removesuffix(f"-{token}")
        role = names[assignment.given["roleDefinitionId"].rpartition("/")[2]]
        yield who, role, kinds, path[-1].removesuffix(token)


@pytest.mark.parametrize("choice", EXPECTED)
def test_a_deployment_grants_these_roles_and_no_other(choice: str) -> None:
    grants = list(granted(deployed(choice)))
    assert set(grants) == EXPECTED[choice]
    assert len(grants) == len(EXPECTED[choice])


def test_no_role_is_granted_but_by_the_table() -> None:
    declared = [each.target for file in FILES for each in read(file).of("resource")]
    assert not [type_ for type_ in declared if type_.startswith("Microsoft.Authorization/")]
    templates = [json.loads(path.read_text()) for path in INFRA.rglob("role-assignments.json")]
    assert [each["type"] for template in templates for each in template["resources"]] == [ASSIGNMENTS]


def test_every_role_is_the_one_it_is_called() -> None:
    assert TABLE["ids"] == BUILT_IN


def test_every_row_says_who_what_where_and_why() -> None:
    assert all(row.keys() == {"who", "role", "resource", "why"} for row in TABLE["rows"])
    assert all(row["why"].endswith(".") for row in TABLE["rows"])
    assert {row["role"] for row in TABLE["rows"]} == set(BUILT_IN)


def test_no_row_is_there_twice() -> None:
    rows = [(row["who"], row["role"], row["resource"]) for row in TABLE["rows"]]
    assert len(rows) == len(set(rows))


def test_the_reason_is_written_down_beside_each_grant(deployment: Deployment) -> None:
    reasons = {row["why"] for row in TABLE["rows"]}
    assert {assignment.given["description"] for assignment in deployment.made(ASSIGNMENTS)} <= reasons


def test_every_grant_is_on_a_resource_that_is_there(deployment: Deployment) -> None:
    there = {resource.id for resource in deployment.resources}
    foreign = f"/subscriptions/{ELSEWHERE}/resourceGroups/their-group/providers/Microsoft.KeyVault/vaults/theirs"
    assert {assignment.body["scope"] for assignment in deployment.made(ASSIGNMENTS)} <= there | {foreign}


def test_a_grant_is_made_in_the_group_of_its_resource(deployment: Deployment) -> None:
    for assignment in deployment.made(ASSIGNMENTS):
        assert assignment.body["scope"].startswith(assignment.group.id + "/")


def test_every_grant_has_a_name_of_its_own_that_stays(deployment: Deployment) -> None:
    for each in deployment.made(ASSIGNMENTS):
        assert each.name == hashed(each.body["scope"], each.given["principalId"], each.given["roleDefinitionId"])


def test_azure_is_told_what_has_the_role_for_it_may_be_too_new_to_be_looked_up(deployment: Deployment) -> None:
    for each in deployment.made(ASSIGNMENTS):
        is_ann = each.given["principalId"] == "ann"
        assert each.given["principalType"] == ("User" if is_ann else "ServicePrincipal")


def test_event_grid_and_the_app_are_told_apart(deployment: Deployment) -> None:
    (identity,) = deployment.one("Microsoft.Web/sites").body["identity"]["userAssignedIdentities"]
    for type_ in ("Microsoft.EventGrid/topics", "Microsoft.EventGrid/systemTopics"):
        for topic in deployment.made(type_):
            assert identity not in topic.body.get("identity", {}).get("userAssignedIdentities", {})

"""The app is told what was deployed, in words that it understands."""

from typing import Any

import pytest
import yaml

from clients.azure import CONTENTS, FILES, INPUTS, TABLE
from clients.settings import Settings
from domain.auth import ApiKeyAuth, ManagedIdentityAuth
from tests.unit.infra.deployment import Deployment, deploy
from tests.unit.infra.scenarios import CHOICES, EXISTING_ACCOUNT, REGIONS, app_settings, deployed
from tests.unit.infra.template import INFRA

ACCOUNTS = "Microsoft.CognitiveServices/accounts"


def load(deployment: Deployment, monkeypatch: pytest.MonkeyPatch) -> Settings:
    """The settings as the app reads them."""
    for name, value in app_settings(deployment).items():
        monkeypatch.setenv(name, value)
    return Settings()  # pyright: ignore[reportCallIssue]


def test_the_app_takes_its_settings(deployment: Deployment, monkeypatch: pytest.MonkeyPatch) -> None:
    assert load(deployment, monkeypatch).catalog.deployments()


def test_every_setting_is_one_of_ours_and_every_value_a_text(deployment: Deployment) -> None:
    ours = {name for name in app_settings(deployment) if name.startswith("REELAY_")}
    assert ours <= {f"REELAY_{name.upper()}" for name in Settings.model_fields}
    assert all(isinstance(value, str) and value for value in app_settings(deployment).values())


def test_storage_topic_and_vault_are_those_that_were_made(
    deployment: Deployment, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = load(deployment, monkeypatch)
    (account,) = {
        each.name.partition("/")[0]
        for each in deployment.made("Microsoft.Storage/storageAccounts/blobServices/containers")
        if each.name.endswith("/videos")
    }
    assert settings.account_name == account
    assert settings.table_endpoint.host == f"{account}.table.core.windows.net"
    assert str(settings.event_grid_endpoint).startswith(f"https://{deployment.outputs['AZURE_EVENTS_TOPIC_NAME']}.")
    vault = deployment.outputs["AZURE_KEY_VAULT_NAME"]
    assert str(settings.admin_key) == f"keyvault:https://{vault}.vault.azure.net/secrets/reelay-admin-key"
    assert not settings.create_storage
    assert not settings.storage_key


def test_containers_and_table_are_those_of_the_code(deployment: Deployment) -> None:
    account = deployment.outputs["AZURE_STORAGE_ACCOUNT_NAME"]
    containers = deployment.made("Microsoft.Storage/storageAccounts/blobServices/containers")
    inside = {each.name.rpartition("/")[2] for each in containers if each.name.startswith(f"{account}/")}
    assert inside == {CONTENTS, INPUTS, FILES, "undelivered"}
    assert deployment.one("Microsoft.Storage/storageAccounts/tableServices/tables").name == f"{account}/default/{TABLE}"


def test_a_deployment_that_is_made_is_the_one_that_is_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    deployment = deployed("as it comes")
    asked = load(deployment, monkeypatch).catalog.deployments()
    account = deployment.one(ACCOUNTS).name
    made = deployment.made(f"{ACCOUNTS}/deployments")
    assert [f"{account}/{each.upstream_model}" for each in asked] == [each.name for each in made]
    assert [str(each.endpoint) for each in asked] == [f"https://{account}.openai.azure.com/openai/v1/"]
    client_id = deployment.outputs["AZURE_APP_IDENTITY_CLIENT_ID"]
    assert [each.auth for each in asked] == [ManagedIdentityAuth(kind="managed_identity", client_id=client_id)]


def test_a_model_goes_to_new_accounts_existing_ones_and_other_servers(monkeypatch: pytest.MonkeyPatch) -> None:
    deployment = deployed("with all there is")
    catalog = load(deployment, monkeypatch).catalog
    made = deployment.one(f"{ACCOUNTS}/deployments")
    assert made.given == {
        "model": {"format": "OpenAI", "name": "sora-2", "version": "2025-10-06"},
        "versionUpgradeOption": "OnceCurrentVersionExpired",
    }
    assert made.name.endswith("/sora-2-here")
    assert catalog.models["sora-2"].fallback_models == ("wan",)
    assert {each.name: str(each.endpoint) for each in catalog.deployments()} == {
        "new": f"https://{made.name.partition('/')[0]}.openai.azure.com/openai/v1/",
        "existing": "https://domain-of-our-resource.openai.azure.com/openai/v1/",
        "own-server": "https://wan.example/v1/",
    }


def test_each_account_gets_its_own_deployments_and_is_asked_for_them(monkeypatch: pytest.MonkeyPatch) -> None:
    deployment = deployed("in two regions")
    accounts = {each.body["location"]: each.name for each in deployment.made(ACCOUNTS)}
    made = {each.name: each for each in deployment.made(f"{ACCOUNTS}/deployments")}
    assert list(made) == [f"{accounts[region]}/sora-2-here" for region in REGIONS]
    assert [each.body["sku"] for each in made.values()] == [{"name": "GlobalStandard", "capacity": 1}] * 2
    asked = {each.name: str(each.endpoint) for each in load(deployment, monkeypatch).catalog.deployments()}
    assert asked == {region: f"https://{accounts[region]}.openai.azure.com/openai/v1/" for region in REGIONS}


def test_an_account_that_is_made_is_reached_at_a_host_of_its_own(deployment: Deployment) -> None:
    for account in deployment.made(ACCOUNTS):
        assert account.given["customSubDomainName"] == account.name
        assert account.given["publicNetworkAccess"] == "Enabled"
        assert account.body["kind"] == ("ContentSafety" if account.name.startswith("cs-") else "OpenAI")


def test_what_a_deployment_says_of_itself_goes_before(monkeypatch: pytest.MonkeyPatch) -> None:
    catalog = load(deployed("with all there is"), monkeypatch).catalog
    existing = catalog.deployment("existing")
    assert existing
    assert isinstance(existing.auth, ApiKeyAuth)


def test_nothing_is_made_in_an_existing_account() -> None:
    deployments = EXISTING_ACCOUNT["models"]["sora-2"]["deployments"]
    only_theirs: dict[str, Any] = {
        "accounts": {"ours": EXISTING_ACCOUNT["accounts"]["ours"]},
        "models": {"sora-2": {"deployments": [deployments[1]]}},
    }
    deployment = deploy(environmentName="test", upstreams=only_theirs)
    assert not [each for each in deployment.made() if each.type.startswith("Microsoft.CognitiveServices/")]


def test_after_a_lost_region_the_accounts_that_are_left_are_asked_as_before(monkeypatch: pytest.MonkeyPatch) -> None:
    before = deployed("as it comes")
    upstreams = yaml.safe_load((INFRA / "upstreams.yaml").read_text())
    left = {"eastus2": {"name": before.one(ACCOUNTS).name, "resourceGroup": "the-old-group"}}
    old_storage = {name: app_settings(before)[name] for name in ("REELAY_BLOB_ENDPOINT", "REELAY_TABLE_ENDPOINT")}
    after = deploy(environmentName="test-dr", upstreams=upstreams | {"accounts": left}, settings=old_storage)
    assert not [each for each in after.made() if each.type.startswith("Microsoft.CognitiveServices/")]
    assert app_settings(after).items() >= old_storage.items()
    names = [each.name for each in load(before, monkeypatch).catalog.deployments()]
    asked = load(after, monkeypatch).catalog.deployments()
    assert [each.name for each in asked] == names
    assert [each.endpoint.host for each in asked] == [f"domain-of-{before.one(ACCOUNTS).name}.openai.azure.com"]


def test_callers_keys_are_in_the_vault(monkeypatch: pytest.MonkeyPatch) -> None:
    deployment = deployed("with all there is")
    (key,) = load(deployment, monkeypatch).api_keys
    vault = deployment.outputs["AZURE_KEY_VAULT_NAME"]
    assert (key.tenant, key.weight) == ("acme", 2)
    assert str(key.secret) == f"keyvault:https://{vault}.vault.azure.net/secrets/acme-key"


def test_guardrails_find_content_safety_if_it_was_made(monkeypatch: pytest.MonkeyPatch) -> None:
    deployment = deployed("with all there is")
    (account,) = [each for each in deployment.made(ACCOUNTS) if each.body["kind"] == "ContentSafety"]
    endpoint = load(deployment, monkeypatch).content_safety_endpoint
    assert str(endpoint) == account.properties["endpoint"]
    assert "REELAY_CONTENT_SAFETY_ENDPOINT" not in app_settings(deployed("as it comes"))


def test_without_an_admin_key_there_is_no_such_setting() -> None:
    assert "REELAY_ADMIN_KEY" not in app_settings(deploy(environmentName="test", adminKeyName=""))


@pytest.mark.parametrize(("choice", "delivery"), [("as it comes", "redirect"), ("private", "proxy")])
def test_content_goes_through_the_app_where_readers_cannot_reach_storage(choice: str, delivery: str) -> None:
    assert app_settings(deployed(choice))["REELAY_CONTENT_DELIVERY"] == delivery


def test_ones_own_settings_go_before() -> None:
    settings = app_settings(deployed("with all there is"))
    chosen: dict[str, str] = CHOICES["with all there is"]["settings"]
    assert settings.items() >= chosen.items()


def test_every_account_of_upstreams_yaml_is_used_and_every_used_one_is_there() -> None:
    upstreams = yaml.safe_load((INFRA / "upstreams.yaml").read_text())
    used = {each["account"] for model in upstreams["models"].values() for each in model["deployments"]}
    assert used == upstreams["accounts"].keys()

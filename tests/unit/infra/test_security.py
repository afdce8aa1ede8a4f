"""Nothing opens to a key, a password, a stranger or an old protocol, whatever is chosen."""

import re

import pytest

from tests.unit.infra.deployment import Deployment
from tests.unit.infra.scenarios import app_settings, deployed
from tests.unit.infra.template import FILES, INFRA, read


def test_storage_takes_no_key_no_stranger_and_no_old_tls(deployment: Deployment) -> None:
    accounts = deployment.made("Microsoft.Storage/storageAccounts")
    assert len(accounts) == 2
    for account in accounts:
        assert account.given["allowSharedKeyAccess"] is False
        assert account.given["allowBlobPublicAccess"] is False
        assert account.given["minimumTlsVersion"] == "TLS1_2"
        assert account.given["supportsHttpsTrafficOnly"] is True


def test_no_container_is_public(deployment: Deployment) -> None:
    containers = deployment.made("Microsoft.Storage/storageAccounts/blobServices/containers")
    assert len(containers) == 5
    assert all(container.given.get("publicAccess", "None") == "None" for container in containers)


def test_function_app_speaks_nothing_but_https_and_takes_no_password(deployment: Deployment) -> None:
    app = deployment.one("Microsoft.Web/sites")
    assert app.given["httpsOnly"] is True
    assert app.given["siteConfig"]["minTlsVersion"] == "1.2"
    assert app.given["siteConfig"]["scmMinTlsVersion"] == "1.2"
    policies = deployment.made("Microsoft.Web/sites/basicPublishingCredentialsPolicies")
    assert {policy.name.rpartition("/")[2]: policy.given["allow"] for policy in policies} == {
        "ftp": False,
        "scm": False,
    }


def test_function_app_comes_as_its_identity_everywhere(deployment: Deployment) -> None:
    app = deployment.one("Microsoft.Web/sites")
    settings = app_settings(deployment)
    (identity,) = app.body["identity"]["userAssignedIdentities"]
    deployed_by = app.given["functionAppConfig"]["deployment"]["storage"]["authentication"]
    assert deployed_by == {"type": "UserAssignedIdentity", "userAssignedIdentityResourceId": identity}
    assert app.given["keyVaultReferenceIdentity"] == identity
    assert settings["AzureWebJobsStorage__credential"] == "managedidentity"
    assert settings["APPLICATIONINSIGHTS_AUTHENTICATION_STRING"].endswith(";Authorization=AAD")
    assert not {"AzureWebJobsStorage", "WEBSITE_CONTENTAZUREFILECONNECTIONSTRING"} & settings.keys()


def test_openai_takes_no_key(deployment: Deployment) -> None:
    accounts = deployment.made("Microsoft.CognitiveServices/accounts")
    assert accounts
    assert all(account.given["disableLocalAuth"] is True for account in accounts)


def test_event_grid_takes_no_key_and_no_old_tls(deployment: Deployment) -> None:
    topics = deployment.made("Microsoft.EventGrid/topics")
    assert len(topics) == 2
    assert all(topic.given["disableLocalAuth"] is True for topic in topics)
    assert all(topic.given["minimumTlsVersionAllowed"] == "1.2" for topic in topics)


def test_telemetry_takes_no_key(deployment: Deployment) -> None:
    assert deployment.one("Microsoft.Insights/components").given["DisableLocalAuth"] is True
    assert deployment.one("Microsoft.OperationalInsights/workspaces").given["features"]["disableLocalAuth"] is True


def test_vault_goes_by_roles_and_cannot_be_purged(deployment: Deployment) -> None:
    vault = deployment.one("Microsoft.KeyVault/vaults")
    assert vault.given["enableRbacAuthorization"] is True
    assert vault.given["enablePurgeProtection"] is True
    assert vault.given["softDeleteRetentionInDays"] == 7  # which is how long its name stays taken
    assert "accessPolicies" not in vault.given


@pytest.mark.parametrize("choice", ["private", "private, on Azure Storage"])
def test_private_storage_and_vault_have_no_public_address(choice: str) -> None:
    deployment = deployed(choice)
    for type_ in ("Microsoft.Storage/storageAccounts", "Microsoft.KeyVault/vaults"):
        for resource in deployment.made(type_):
            assert resource.given["publicNetworkAccess"] == "Disabled"
            assert resource.given["networkAcls"]["defaultAction"] == "Deny"
            assert resource.given["networkAcls"]["ipRules"] == []


def test_private_storage_and_vault_let_in_nobody_but_those_who_are_named() -> None:
    deployment = deployed("with all there is")
    for type_ in ("Microsoft.Storage/storageAccounts", "Microsoft.KeyVault/vaults"):
        for resource in deployment.made(type_):
            assert resource.given["networkAcls"]["defaultAction"] == "Deny"
            assert [rule["value"] for rule in resource.given["networkAcls"]["ipRules"]] == ["203.0.113.7"]


@pytest.mark.parametrize("file", FILES, ids=lambda file: str(file.relative_to(INFRA)))
def test_no_template_reads_a_secret_or_asks_for_one(file: object) -> None:
    template = read(next(each for each in FILES if each == file))
    assert not re.search(r"\blist\w*\(|\bgetSecret\(", template.file.read_text())
    assert not [each.name for each in template.of("param") if "secure" in each.decorators]
    assert not [each.name for each in template.declarations if each.target == "Microsoft.KeyVault/vaults/secrets"]

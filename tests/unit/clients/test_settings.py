"""The environment is read once; all that is wrong with it is told at once, and no secret is repeated."""

import json
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import yaml

from clients.azure import Azure
from clients.settings import Settings, load_settings
from domain.errors import ConfigurationError
from tests.unit.examples import a_deployment

MODELS = {"sora-2": {"deployments": [a_deployment().model_dump(mode="json") | {"auth": {"kind": "managed_identity"}}]}}
GOOD = {
    "REELAY_MODELS": json.dumps(MODELS),
    "REELAY_BLOB_ENDPOINT": "https://acct.blob.core.windows.net",
    "REELAY_TABLE_ENDPOINT": "https://acct.table.core.windows.net",
}


@pytest.fixture
def environment(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    """An environment that is good; what a test sets in it is undone."""
    for name, value in GOOD.items():
        monkeypatch.setenv(name, value)
    return monkeypatch


def problems() -> tuple[str, ...]:
    with pytest.raises(ConfigurationError) as refused:
        load_settings()
    return refused.value.problems


def test_little_is_needed(environment: pytest.MonkeyPatch):
    settings = load_settings()
    assert settings.catalog.models.keys() == {"sora-2"}
    assert (settings.content_delivery, settings.create_storage, settings.api_keys) == ("redirect", False, ())
    assert settings.history_retention == timedelta(hours=1)


@pytest.mark.parametrize("weight", ["0", "1e-320", "1001", "NaN"])
def test_no_key_weighs_next_to_nothing_or_more_than_all_others(environment: pytest.MonkeyPatch, weight: str):
    environment.setenv("REELAY_API_KEYS", f'[{{"tenant": "acme", "secret": "env:K", "weight": {weight}}}]')
    assert [problem.partition(":")[0] for problem in problems()] == ["api_keys[0].weight"]


@pytest.mark.parametrize("tenant", ["inbox", "dead-letter", "held"])
def test_no_tenant_has_the_name_of_a_folder_that_is_not_its_own(environment: pytest.MonkeyPatch, tenant: str):
    environment.setenv("REELAY_API_KEYS", f'[{{"tenant": "{tenant}", "secret": "env:K"}}]')
    assert [problem.partition(":")[0] for problem in problems()] == ["api_keys[0].tenant"]


@pytest.mark.parametrize(
    ("issuer", "audience", "problem"),
    [
        ("https://login.example/d/v2.0", None, "entra_audience"),
        (None, "api://reelay", "entra_audience"),
        ("http://login.example/d/v2.0", "api://reelay", "entra_issuer"),
    ],
)
def test_who_issues_tokens_is_told_with_whom_they_must_be_for(
    environment: pytest.MonkeyPatch, issuer: str | None, audience: str | None, problem: str
):
    environment.setenv("REELAY_ENTRA_ISSUER", issuer or "")
    environment.setenv("REELAY_ENTRA_AUDIENCE", audience or "")
    assert [told.partition(":")[0] for told in problems()] == [problem]


def test_tokens_can_be_read_where_both_are_told(environment: pytest.MonkeyPatch):
    assert Azure(load_settings()).entra_tokens() is None
    environment.setenv("REELAY_ENTRA_ISSUER", "https://login.example/d/v2.0")
    environment.setenv("REELAY_ENTRA_AUDIENCE", "api://reelay")
    assert Azure(load_settings()).entra_tokens()


@pytest.mark.parametrize(("easy_auth", "role"), [("false", None), ("true", "Reelay.Admin")])
def test_a_role_makes_operators_where_the_platform_tells_who_has_it(
    environment: pytest.MonkeyPatch, easy_auth: str, role: str | None
):
    environment.setenv("REELAY_EASY_AUTH", easy_auth)
    assert load_settings().operator_role == role


def test_every_problem_is_told_in_one_message(environment: pytest.MonkeyPatch):
    environment.delenv("REELAY_BLOB_ENDPOINT")
    environment.setenv("REELAY_MODELS", "{not json")
    environment.setenv("REELAY_API_KEYS", '[{"tenant": "no spaces", "secret": "env:K"}, {"tenant": "b"}]')
    environment.setenv("REELAY_CONTENT_DELIVERY", "by post")
    environment.setenv("REELAY_LINK_LIFETIME_S", "5")
    environment.setenv("REELAY_CREATE_STORAGE", "true")
    assert {problem.partition(":")[0] for problem in problems()} == {
        "models",
        "api_keys[0].tenant",
        "api_keys[1].secret",
        "blob_endpoint",
        "create_storage",
        "content_delivery",
        "link_lifetime_s",
    }


def test_the_message_lists_a_problem_a_line(environment: pytest.MonkeyPatch):
    environment.delenv("REELAY_MODELS")
    environment.setenv("REELAY_MAX_QUEUED_S", "-1")
    with pytest.raises(ConfigurationError) as refused:
        load_settings()
    assert [line[:5] for line in str(refused.value).splitlines()[1:]] == ["  - m", "  - m"]


def test_a_problem_deep_in_the_models_names_its_path(environment: pytest.MonkeyPatch):
    deployment = MODELS["sora-2"]["deployments"][0] | {"seconds": [4, 0], "colour": "blue"}
    environment.setenv("REELAY_MODELS", json.dumps({"sora-2": {"deployments": [deployment]}}))
    paths = {problem.partition(":")[0] for problem in problems()}
    assert paths == {"models.sora-2.deployments[0].seconds[1]", "models.sora-2.deployments[0].colour"}


def test_deployment_names_are_unique_across_models(environment: pytest.MonkeyPatch):
    environment.setenv("REELAY_MODELS", json.dumps({**MODELS, "sora-2-pro": MODELS["sora-2"]}))
    assert problems() == ("models.sora-2-pro.deployments[0].name: deployment names must be unique; repeated: east",)


SECRET = "sk-very-secret"
APP = {"tenant_id": "t", "client_id": "c"}


def test_a_bad_configuration_lists_every_problem_at_once_with_its_path(environment: pytest.MonkeyPatch):
    good = MODELS["sora-2"]["deployments"][0]
    bad: dict[str, dict[str, Any]] = {
        "no spaces": {"name": "no spaces"},
        "literal": {"name": "literal", "auth": {"kind": "api_key", "secret": SECRET}},
        "unknown": {"name": "unknown", "colour": "blue"},
        "too few": {"name": "few", "max_concurrent": 0, "retires_on": "2026-02-30"},
        "same name": {},
        "unpriced": {"name": "unpriced", "usd_per_second": {"720x1280": "0.10"}},
        "no auth": {"name": "anybody", "auth": {}},
    }
    deployments = [good, *(good | changes for changes in bad.values())]
    priceless = {key: value for key, value in good.items() if key != "usd_per_second"} | {"name": "priceless"}
    models = {
        "sora-2": {"deployments": deployments, "fallback_models": ["sora-2-pro", "veo", "sora-2"]},
        "sora-2-pro": {"deployments": [priceless], "fallback_models": ["sora-2"], "owner": SECRET},
        "wan-2.2": {"deployments": []},
    }
    environment.setenv("REELAY_MODELS", json.dumps(models))
    told = problems()
    assert {problem.partition(": ")[0] for problem in told} == {
        "models.sora-2.deployments[1].name",
        "models.sora-2.deployments[2].auth.secret",
        "models.sora-2.deployments[3].colour",
        "models.sora-2.deployments[4].max_concurrent",
        "models.sora-2.deployments[4].retires_on",
        "models.sora-2.deployments[5].name",
        "models.sora-2.deployments[6].usd_per_second",
        "models.sora-2.deployments[7].auth",
        "models.sora-2.fallback_models[1]",
        "models.sora-2.fallback_models[2]",
        "models.sora-2-pro.deployments[0].usd_per_second",
        "models.sora-2-pro.owner",
        "models.wan-2.2.deployments",
    }
    assert len(told) == 13
    assert SECRET not in str(told)


@pytest.mark.parametrize(
    ("auth", "field"),
    [
        ({"kind": "api_key", "secret": SECRET}, "secret"),
        ({"kind": "entra_token", "secret": SECRET}, "secret"),
        ({"kind": "client_secret", **APP, "secret": SECRET}, "secret"),
        ({"kind": "client_certificate", **APP, "certificate": SECRET}, "certificate"),
        ({"kind": "client_certificate", **APP, "certificate": "env:PEM", "password": SECRET}, "password"),
        ({"kind": "username_password", "client_id": "c", "username": "u", "password": SECRET}, "password"),
        ({"kind": "managed_identity", "client_id": ""}, "client_id"),
        ({"kind": "workload_identity", "token_file": ""}, "token_file"),
        ({"kind": "azure_cli", "tenant_id": ""}, "tenant_id"),
        ({"kind": "default", "scope": ""}, "scope"),
        ({"kind": "none", "none": SECRET}, "none"),
        ({"kind": "api_key", "secret": "env:KEY", "api_key": SECRET}, "api_key"),
        ({"kind": "client_secret", **APP, "secret": "env:KEY", "client_secret": SECRET}, "client_secret"),
    ],
)
def test_the_path_to_a_problem_of_an_auth_holds_what_was_written_and_no_more(
    environment: pytest.MonkeyPatch, auth: dict[str, str], field: str
):
    deployment = MODELS["sora-2"]["deployments"][0] | {"auth": auth}
    environment.setenv("REELAY_MODELS", json.dumps({"sora-2": {"deployments": [deployment]}}))
    (problem,) = problems()
    assert problem.partition(": ")[0] == f"models.sora-2.deployments[0].auth.{field}"
    assert SECRET not in problem


@pytest.mark.parametrize("auth", [None, "managed_identity", {}, {"kind": "smile"}])
def test_an_auth_of_no_kind_is_told_by_its_own_path(environment: pytest.MonkeyPatch, auth: object):
    deployment = MODELS["sora-2"]["deployments"][0] | {"auth": auth}
    environment.setenv("REELAY_MODELS", json.dumps({"sora-2": {"deployments": [deployment]}}))
    (problem,) = problems()
    assert problem.partition(": ")[0] == "models.sora-2.deployments[0].auth"


@pytest.mark.parametrize("models", ["[1]", '{"m": null}', '{"m": {"deployments": 3, "fallback_models": {}}}'])
def test_models_of_no_shape_are_told(environment: pytest.MonkeyPatch, models: str):
    environment.setenv("REELAY_MODELS", models)
    assert all(problem.startswith("models") for problem in problems())


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("REELAY_API_KEYS", '[{"tenant": "acme", "secret": "sk-very-secret"}]'),
        ("REELAY_API_KEYS", '[{"tenant": "acme", "secret": "env:K", "key": "sk-very-secret"}]'),
        ("REELAY_API_KEYS", '[{"tenant": "acme", "secret": "sk-very-secret"'),
        ("REELAY_API_KEYS", "sk-very-secret"),
        ("REELAY_STORAGE_KEY", "sk-very-secret"),
        ("REELAY_MODELS", '{"m": {"deployments": [{"auth": {"kind": "api_key", "secret": "sk-very-secret"}}]}}'),
        ("REELAY_MODELS", '{"m": {"deployments": [{"auth": {"kind": "api_key", "key": "sk-very-secret"}}]}}'),
    ],
)
def test_a_literal_secret_is_refused_and_not_repeated(environment: pytest.MonkeyPatch, name: str, value: str):
    environment.setenv(name, value)
    with pytest.raises(ConfigurationError) as refused:
        load_settings()
    assert "sk-very-secret" not in str(refused.value)
    assert refused.value.__cause__ is None
    assert refused.value.__suppress_context__


def test_models_may_be_a_yaml_file(environment: pytest.MonkeyPatch, tmp_path: Path):
    file = tmp_path / "models.yaml"
    file.write_text(yaml.safe_dump(MODELS))
    environment.delenv("REELAY_MODELS")
    environment.setenv("REELAY_MODELS_FILE", str(file))
    assert load_settings().catalog.deployments()[0].name == "east"


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (b"sora-2:\n  key: 'sk-very-secret", "is no YAML, line 2"),
        (b"sora-2: *sk-very-secret", "is no YAML, line 1"),
        ("sk-very-secret".encode("utf-16"), "is no text in UTF-8"),
        (b"", "valid dictionary"),
        (b"sora-2: sk-very-secret", "models.sora-2:"),
    ],
)
def test_a_bad_models_file_is_told_without_quoting_it(
    environment: pytest.MonkeyPatch, tmp_path: Path, content: bytes, told: str
):
    file = tmp_path / "models.yaml"
    file.write_bytes(content)
    environment.delenv("REELAY_MODELS")
    environment.setenv("REELAY_MODELS_FILE", str(file))
    (problem,) = problems()
    assert told in problem
    assert "sk-very-secret" not in problem


def test_a_missing_models_file_is_told_beside_the_rest(environment: pytest.MonkeyPatch):
    environment.delenv("REELAY_MODELS")
    environment.delenv("REELAY_TABLE_ENDPOINT")
    environment.setenv("REELAY_MODELS_FILE", "/nowhere/models.yaml")
    assert problems() == (
        "models: /nowhere/models.yaml cannot be read: No such file or directory",
        "table_endpoint: Field required",
    )


@pytest.mark.parametrize("file", ["", "/etc/models.yaml"])
def test_models_come_from_one_place(environment: pytest.MonkeyPatch, file: str):
    environment.setenv("REELAY_MODELS_FILE", file)
    if not file:
        environment.delenv("REELAY_MODELS")
        environment.delenv("REELAY_MODELS_FILE")
    (problem,) = problems()
    assert "either REELAY_MODELS" in problem
    assert "or REELAY_MODELS_FILE" in problem


@pytest.mark.parametrize(
    ("endpoint", "account"),
    [
        ("https://acct.blob.core.windows.net", "acct"),
        ("https://acct.blob.core.windows.net/", "acct"),
        ("http://127.0.0.1:10000/devstoreaccount1", "devstoreaccount1"),
    ],
)
def test_the_account_is_named_by_its_endpoint(environment: pytest.MonkeyPatch, endpoint: str, account: str):
    environment.setenv("REELAY_BLOB_ENDPOINT", endpoint)
    assert load_settings().account_name == account


def test_settings_do_not_show_what_keys_are(environment: pytest.MonkeyPatch):
    environment.setenv("REELAY_API_KEYS", '[{"tenant": "acme", "secret": "env:CALLER"}]')
    environment.setenv("CALLER", "sk-very-secret")
    settings: Settings = load_settings()
    assert "sk-very-secret" not in repr(settings)


def test_an_empty_topic_is_none(environment: pytest.MonkeyPatch):
    """An environment can then take back what another one sets."""
    environment.setenv("REELAY_EVENT_GRID_ENDPOINT", "")
    assert load_settings().event_grid_endpoint is None

"""What the docs list is what there is."""

import json
import re
from pathlib import Path
from typing import Any, get_args

import pytest
import yaml
from pydantic import BaseModel

from clients.settings import Settings
from domain.access import AccessFault
from domain.auth import Auth
from domain.catalog import Catalog, Deployment
from domain.failures import FailureCode
from examples.import_litellm.__main__ import main as import_litellm
from local.azure_fakes.faults import Effect, Operation
from local.stack.settings import StackSettings

ROOT = Path(__file__).parents[2]
API = (ROOT / "docs/api.md").read_text()
CONFIGURATION = (ROOT / "docs/configuration.md").read_text()
AUTH = CONFIGURATION.partition("### Auth\n")[2]
DEPLOYMENTS = (ROOT / "docs/deployments.md").read_text()
LOCAL = (ROOT / "docs/local.md").read_text()
KINDS: dict[str, type[BaseModel]] = {
    get_args(auth.model_fields["kind"].annotation)[0]: auth for auth in get_args(get_args(Auth.__value__)[0])
}


def fenced(text: str, language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", text, re.DOTALL)


def examples_of_deployments() -> list[dict[str, Any]]:
    """All there are in our own form, which LiteLLM's is not."""
    return [example for text in fenced(DEPLOYMENTS, "yaml") if "model_list" not in (example := yaml.safe_load(text))]


@pytest.mark.parametrize("code", FailureCode)
def test_every_failure_code_is_explained(code: FailureCode) -> None:
    assert f"| `{code}` |" in API


@pytest.mark.parametrize("name", Settings.model_fields)
def test_every_setting_is_explained(name: str) -> None:
    assert f"| `REELAY_{name.upper()}` |" in CONFIGURATION


@pytest.mark.parametrize("name", Deployment.model_fields)
def test_every_field_of_a_deployment_is_explained(name: str) -> None:
    assert f"| `{name}` |" in CONFIGURATION


def test_no_setting_is_explained_that_is_none() -> None:
    explained = re.findall(r"^\| `REELAY_(\w+)`", CONFIGURATION, re.MULTILINE)
    assert {name.lower() for name in explained} == set(Settings.model_fields)


def test_example_of_models_can_be_loaded() -> None:
    (example,) = fenced(CONFIGURATION, "yaml")
    assert list(Catalog(models=yaml.safe_load(example)).models) == ["sora-2", "sora-2-pro"]


@pytest.mark.parametrize(("kind", "auth"), KINDS.items())
def test_every_way_to_say_who_we_are_is_explained(kind: str, auth: type[BaseModel]) -> None:
    (fields,) = re.findall(rf"^\| `{kind}` \| (.*?) \|", AUTH, re.MULTILINE)
    assert set(re.findall(r"`(\w+)\??`", fields)) == auth.model_fields.keys() - {"kind"}


def test_every_way_to_say_who_we_are_has_a_worked_example() -> None:
    catalogs = [Catalog(models=example) for example in examples_of_deployments()]
    kinds = {deployment.auth.kind for catalog in catalogs for deployment in catalog.deployments()}
    assert kinds == set(KINDS)


def test_example_of_a_move_from_litellm_is_what_the_command_makes_and_says(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    move = DEPLOYMENTS.partition("## Moving from LiteLLM\n")[2]
    config, models = fenced(move, "yaml")
    (told,) = fenced(move, "text")
    (tmp_path / "config.yaml").write_text(config)
    assert import_litellm([str(tmp_path / "config.yaml")]) == 0
    assert capsys.readouterr() == (models, told)


@pytest.mark.parametrize("fault", AccessFault)
def test_every_reason_to_be_kept_out_is_explained(fault: AccessFault) -> None:
    assert f"| `{fault}` |" in DEPLOYMENTS


def test_sample_settings_can_be_loaded(monkeypatch: pytest.MonkeyPatch) -> None:
    values = json.loads((ROOT / "local.settings.sample.json").read_text())["Values"]
    for name, value in values.items():
        monkeypatch.setenv(name, value)
    assert list(Settings().catalog.models) == ["sora-2"]


@pytest.mark.parametrize("name", StackSettings.model_fields)
def test_every_setting_of_the_local_stack_is_explained(name: str) -> None:
    assert f"| `{name.upper()}` |" in LOCAL


@pytest.mark.parametrize("word", [*Operation, *Effect])
def test_every_way_to_break_the_local_stack_is_named(word: str) -> None:
    assert f"`{word}`" in LOCAL


def test_links_lead_somewhere() -> None:
    for page in [*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md")]:
        for target in re.findall(r"\]\((?!https?:)([^)#]+)", page.read_text()):
            assert (page.parent / target).exists(), f"{page.name} links to {target}"


def test_every_metric_is_explained_and_no_other() -> None:
    named = re.findall(r'"((?:reelay|http)\.[a-z_.]+)"', (ROOT / "clients/telemetry/metrics.py").read_text())
    explained = re.findall(
        r"^\| `((?:reelay|http)\.[a-z_.]+)` \|", (ROOT / "docs/telemetry.md").read_text(), re.MULTILINE
    )
    assert named
    assert sorted(explained) == sorted(named)

"""The settings of guardrails."""

import json
import re
from pathlib import Path

import pytest

from clients.settings import load_settings
from domain.errors import ConfigurationError
from domain.guardrails import ContentSafetyCheck, HttpsCheck
from domain.prompt_rules import Blocklist
from tests.unit.examples import a_deployment

GUIDE = (Path(__file__).parents[3] / "docs/guardrails.md").read_text()


@pytest.fixture(autouse=True)
def _rest(monkeypatch: pytest.MonkeyPatch) -> None:
    deployments = [a_deployment().model_dump(mode="json") | {"auth": {"kind": "none"}}]
    monkeypatch.setenv("REELAY_MODELS", json.dumps({"sora-2": {"deployments": deployments}}))
    monkeypatch.setenv("REELAY_BLOB_ENDPOINT", "https://acct.blob.core.windows.net")
    monkeypatch.setenv("REELAY_TABLE_ENDPOINT", "https://acct.table.core.windows.net")


def problems() -> tuple[str, ...]:
    with pytest.raises(ConfigurationError) as caught:
        load_settings()
    return caught.value.problems


def test_without_any_nothing_is_checked() -> None:
    assert load_settings().guardrails == ()


def test_they_may_be_json(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REELAY_GUARDRAILS", '[{"blocklist": ["acme"]}]')
    assert load_settings().guardrails == (Blocklist(blocklist=("acme",)),)


def test_they_may_be_in_a_file(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "g.yaml").write_text("- https: https://rules.example\n  at: [video]\n")
    monkeypatch.setenv("REELAY_GUARDRAILS_FILE", str(tmp_path / "g.yaml"))
    (check,) = load_settings().guardrails
    assert isinstance(check, HttpsCheck)


def test_they_are_in_one_of_the_two(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("REELAY_GUARDRAILS", '[{"blocklist": ["acme"]}]')
    monkeypatch.setenv("REELAY_GUARDRAILS_FILE", str(tmp_path / "g.yaml"))
    (problem,) = problems()
    assert problem.startswith("guardrails: set either REELAY_GUARDRAILS (JSON) or REELAY_GUARDRAILS_FILE")


def test_content_safety_has_to_be_somewhere(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REELAY_GUARDRAILS", '[{"content_safety": {}}]')
    assert problems() == ("guardrails: content_safety needs REELAY_CONTENT_SAFETY_ENDPOINT",)
    monkeypatch.setenv("REELAY_CONTENT_SAFETY_ENDPOINT", "https://safety.cognitiveservices.azure.com")
    assert load_settings().guardrails == (ContentSafetyCheck(),)


def test_an_endpoint_is_reached_over_https_unless_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REELAY_GUARDRAILS", '[{"https": "http://rules.internal"}]')
    assert problems() == ("guardrails: https needs an https URL, unless REELAY_ALLOW_PRIVATE_ADDRESSES is set",)
    monkeypatch.setenv("REELAY_ALLOW_PRIVATE_ADDRESSES", "true")
    assert load_settings().guardrails


def test_every_problem_is_told_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(
        "REELAY_GUARDRAILS", '[{"blocklist": []}, {"regex": ["(a"]}, {"https": "x", "bearer": "s3cret"}]'
    )
    told = problems()
    assert [each.partition(":")[0] for each in told] == [
        "guardrails[0].blocklist",
        "guardrails[1].regex[0]",
        "guardrails[2].https",
        "guardrails[2].bearer",
    ]
    assert "s3cret" not in str(told)


@pytest.mark.parametrize("example", re.findall(r"```yaml\n(.*?)```", GUIDE, re.DOTALL))
def test_examples_can_be_loaded(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, example: str) -> None:
    (tmp_path / "guardrails.yaml").write_text(example)
    monkeypatch.setenv("REELAY_GUARDRAILS_FILE", str(tmp_path / "guardrails.yaml"))
    monkeypatch.setenv("REELAY_CONTENT_SAFETY_ENDPOINT", "https://safety.cognitiveservices.azure.com")
    assert load_settings().guardrails

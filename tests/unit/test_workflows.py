"""The workflows run what was looked at, with no more rights than they need."""

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).parents[2]
WORKFLOWS = {path.name: path for path in sorted((ROOT / ".github/workflows").iterdir())}
PINNED = re.compile(r"uses: [\w.-]+/[\w./-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+$")
OURS = re.compile(r"uses: \./\.github/workflows/(\S+)$")


def load(name: str) -> dict[Any, Any]:
    return yaml.safe_load(WORKFLOWS[name].read_text())


def test_there_is_one_for_checks_and_one_that_deploys() -> None:
    assert list(WORKFLOWS) == ["check.yaml", "deploy.yaml"]


@pytest.mark.parametrize("name", WORKFLOWS)
def test_every_action_is_pinned_to_a_commit(name: str) -> None:
    uses = [line.strip(" -") for line in WORKFLOWS[name].read_text().splitlines() if "uses:" in line]
    assert uses
    for line in uses:
        ours = OURS.match(line)
        assert PINNED.match(line) or (ours and ours[1] in WORKFLOWS), line


@pytest.mark.parametrize("name", WORKFLOWS)
def test_a_workflow_may_only_read_unless_a_job_says_more(name: str) -> None:
    workflow = load(name)
    assert workflow["permissions"] == {"contents": "read"}
    more = {job: content["permissions"] for job, content in workflow["jobs"].items() if "permissions" in content}
    assert more == ({"deploy": {"contents": "read", "id-token": "write"}} if name == "deploy.yaml" else {})


@pytest.mark.parametrize("name", WORKFLOWS)
def test_no_workflow_reads_a_secret(name: str) -> None:
    assert "secrets." not in WORKFLOWS[name].read_text()


def test_every_pull_request_is_checked() -> None:
    assert load("check.yaml")[True].keys() == {"pull_request", "workflow_call"}  # YAML takes `on` for a truth value


def test_only_main_is_deployed_and_only_after_its_checks() -> None:
    deploy = load("deploy.yaml")
    assert deploy[True]["push"] == {"branches": ["main"]}
    job = deploy["jobs"]["deploy"]
    assert (job["needs"], job["environment"]) == ("check", "production")
    assert job["if"] == "vars.AZURE_CLIENT_ID != '' && github.ref == 'refs/heads/main'"


def test_a_deployment_logs_in_provisions_deploys_and_looks() -> None:
    steps = load("deploy.yaml")["jobs"]["deploy"]["steps"]
    done = [step["uses"].partition("@")[0] if "uses" in step else step["run"].split("\n")[0] for step in steps]
    assert [re.sub(r" --client.*", "", each) for each in done] == [
        "actions/checkout",
        "azure/login",
        "Azure/setup-azd",
        "azd auth login --federated-credential-provider github",
        "azd provision --no-prompt",
        "azd deploy --no-prompt",
        "api=$(azd env get-value SERVICE_API_URI)",
    ]
    assert re.search(r'^curl --fail .*/healthz"$', steps[-1]["run"], re.MULTILINE)
    assert {name: value for step in steps[1:] for name, value in step.get("with", {}).items()} == {
        f"{of}-id": f"${{{{ vars.AZURE_{of.upper()}_ID }}}}" for of in ("client", "tenant", "subscription")
    }


def test_a_check_brings_all_that_it_needs() -> None:
    jobs = load("check.yaml")["jobs"]
    done = {
        name: [step["uses"].partition("@")[0] if "uses" in step else step["run"] for step in job["steps"]]
        for name, job in jobs.items()
    }
    prepared = ["actions/checkout", "actions/setup-python"]
    assert done == {
        "test": [*prepared, "make test"],
        "infrastructure": [*prepared, "az bicep install", "make infra-check"],
    }
    assert not [step for job in jobs.values() for step in job["steps"] if "continue-on-error" in step]


def test_a_deployment_is_given_what_the_parameters_ask_for() -> None:
    asked = set(re.findall(r"\$\{(\w+)", (ROOT / "infra/main.parameters.json").read_text()))
    assert asked <= load("deploy.yaml")["jobs"]["deploy"]["env"].keys()

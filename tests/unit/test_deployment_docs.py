"""What the docs of running it in Azure say is so, as far as that can be seen from here."""

import re
import subprocess
from pathlib import Path

import pytest
import yaml

from tests.unit.infra.scenarios import deployed

ROOT = Path(__file__).parents[2]
DEPLOY = (ROOT / "docs/deploy.md").read_text()
OPERATIONS = (ROOT / "docs/operations.md").read_text()
SECURITY = (ROOT / "docs/security.md").read_text()
PAGES = {"deploy": DEPLOY, "operations": OPERATIONS, "security": SECURITY}
MAIN = (ROOT / "infra/main.bicep").read_text()
ALERTS = (ROOT / "infra/modules/alerts.bicep").read_text()
LOG_RULES = re.findall(r"^    name: '([a-z-]+)'$", ALERTS, re.MULTILINE)
METRIC_RULES = re.findall(r"^    name: '([a-z-]+)-\$\{i\}", ALERTS, re.MULTILINE)
COSTS = "".join(re.findall(r"```text\n(.*?)```", DEPLOY, re.DOTALL)).splitlines()
SUM = re.compile(r"([\d,. ()*/+-]+) = ([\d,.]+)(?: .*)?")


def shell_blocks() -> list[tuple[str, str]]:
    return [(page, block) for page, text in PAGES.items() for block in re.findall(r"```sh\n(.*?)```", text, re.DOTALL)]


@pytest.mark.parametrize("line", COSTS)
def test_the_arithmetic_of_the_costs_is_right(line: str) -> None:
    left, right = SUM.fullmatch(line.replace(",", "")).groups()
    decimals = len(right.partition(".")[2])
    assert f"{eval(left):.{decimals}f}" == right  # noqa: S307 - numbers and operators


def test_the_idle_costs_count_what_there_is() -> None:
    timers = (ROOT / "function_app.py").read_text().count("schedule=settings.sweep_schedule")
    assert COSTS[0].startswith(f"{timers} * 3 * 60 * 24 * 30 = ")
    assert len([line for line in COSTS if line.startswith(f"({timers} * 60 * 24 * 30 * 2 - ")]) == 1
    made = deployed("as it comes").made
    log, metric = (len(made(f"Microsoft.Insights/{type_}")) for type_ in ("scheduledQueryRules", "metricAlerts"))
    assert f"{log} * 1.50 + {metric} * 0.10 = 7.90 USD for alerts" in COSTS


@pytest.mark.parametrize(("page", "block"), shell_blocks())
def test_commands_can_be_parsed(page: str, block: str) -> None:
    subprocess.run(["sh", "-n"], input=block, text=True, check=True)


def test_outputs_that_the_docs_name_exist() -> None:
    found = set(re.findall(r"(?:output|get-value) ([A-Z_]+)", "".join(PAGES.values())))
    assert found - {"AZURE_RESOURCE_GROUP"} <= set(
        re.findall(r"^output (\w+)", MAIN, re.MULTILINE)
    )  # that is azd's own


def test_without_azd_the_subscriptions_are_given_what_they_take() -> None:
    subscriptions = (ROOT / "infra/event-subscriptions.bicep").read_text()
    assert set(re.findall(r'(\w+)="\$\(output', DEPLOY)) == set(
        re.findall(r"^param (\w+)", subscriptions, re.MULTILINE)
    )


def test_a_workflow_may_assign_the_roles_of_the_table_and_no_others() -> None:
    (setting,) = re.findall(r"^ROLES=.*?^}", DEPLOY, re.MULTILINE | re.DOTALL)
    (given,) = re.findall(r"--condition (\".*\")$", DEPLOY, re.MULTILINE)
    script = f"{setting}\necho {given}"
    said = subprocess.run(["sh", "-eu"], input=script, cwd=ROOT, capture_output=True, text=True, check=True).stdout
    assignments = "Microsoft.Authorization/roleAssignments"
    roles = ",".join(yaml.safe_load((ROOT / "infra/modules/roles.yaml").read_text())["ids"].values())
    either = [
        f"((!(ActionMatches{{'{assignments}/{action}'}})) OR "
        f"(@{whose}[{assignments}:RoleDefinitionId] ForAnyOfAnyValues:GuidEquals {{{roles}}}))"
        for action, whose in [("write", "Request"), ("delete", "Resource")]
    ]
    assert said == " AND ".join(either) + "\n"


def test_azd_is_as_new_as_it_has_to_be() -> None:
    (named,) = re.findall(r"\[azd\]\(\S+\) ([\d.]+) or newer", DEPLOY)
    assert yaml.safe_load((ROOT / "azure.yaml").read_text())["requiredVersions"] == {"azd": f">= {named}"}


def test_every_provider_that_the_templates_use_is_registered() -> None:
    (names,) = re.findall(r"^for PROVIDER in (.*?); do$", DEPLOY, re.MULTILINE | re.DOTALL)
    templates = "".join(path.read_text() for path in (ROOT / "infra").rglob("*.bicep"))
    assert set(names.replace("\\", " ").split()) == set(re.findall(r"'Microsoft\.(\w+)/", templates))


def test_parameters_that_the_docs_name_exist() -> None:
    found = set(re.findall(r"[`\"]([a-z]+[A-Z]\w+)[`\":]", "".join(PAGES.values())))
    assert found
    assert found <= set(re.findall(r"^param (\w+)", MAIN, re.MULTILINE))


def test_words_and_settings_that_the_docs_name_exist() -> None:
    elsewhere = (
        "docs/api.md",
        "docs/configuration.md",
        "docs/events.md",
        "docs/retention.md",
        "front_door/wire.py",
        "infra/main.parameters.json",
    )
    known = "".join((ROOT / page).read_text() for page in elsewhere)
    named = set(re.findall(r"`([a-z]+_[a-z_]+)`|(REELAY_\w+)", "".join(PAGES.values())))
    assert named
    assert [word for either in named for word in either if word not in known] == []


def test_commands_of_the_runbooks_take_what_was_set_before_them() -> None:
    ids = {"VIDEO_ID", "WEBHOOK_ID"}
    known = set[str]()
    for block in re.findall(r"```sh\n(.*?)```", OPERATIONS, re.DOTALL):
        known |= set(re.findall(r"^(?:for )?([A-Z_]+)(?:=| in)", block, re.MULTILINE))
        assert set(re.findall(r"\$\{?([A-Z_]+)", block)) <= known | ids


def test_whoever_comes_after_a_lost_region_says_again_what_a_new_environment_has_to_know() -> None:
    set_first, set_again = (
        set(re.findall(r"^azd env set (REELAY_\w+)", page, re.MULTILINE)) for page in (DEPLOY, OPERATIONS)
    )
    assert set_first
    assert set_again == set_first


def test_the_inbox_is_heard_of_after_a_lost_region_as_before() -> None:
    templates = (ROOT / "infra/event-subscriptions.bicep").read_text()
    (prefix,) = re.findall(r"--subject-begins-with (\S+)", OPERATIONS)
    assert f"subjectBeginsWith: '{prefix}'" in templates
    assert "az eventgrid system-topic event-subscription create" in OPERATIONS
    assert "${app.id}/functions/on_blob_created" in templates
    assert "$FUNCTIONS/on_blob_created" in OPERATIONS


def test_every_alert_says_what_to_do() -> None:
    explained = OPERATIONS.partition("## Alerts\n")[2].partition("\n## ")[0]
    assert set(re.findall(r"^\| `([a-z-]+)` \|", explained, re.MULTILINE)) == {*LOG_RULES, *METRIC_RULES}


@pytest.mark.parametrize(("name", "path"), re.findall(r"\[(test_\w+)\]\(\.\./(\S+?)\)", SECURITY))
def test_what_shows_that_a_threat_is_stopped_exists(name: str, path: str) -> None:
    assert re.search(rf"^(async )?def {name}\(", (ROOT / path).read_text(), re.MULTILINE)


def test_every_threat_is_shown_to_be_stopped() -> None:
    rows = [line for line in SECURITY.splitlines() if line.startswith("| ")]
    assert [row for row in rows[1:] if "[test_" not in row.rsplit("|", 2)[1]] == []


def test_the_docs_say_that_nothing_was_deployed_yet() -> None:
    assert "nothing here was deployed to a real Azure yet" in DEPLOY
    assert "\nazd up\n" in DEPLOY
    assert "**nothing was attacked, or deployed, in a real Azure yet**" in SECURITY
    assert "what is said about Azure was not run yet" in OPERATIONS

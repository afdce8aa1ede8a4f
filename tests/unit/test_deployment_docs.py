"""What the docs of running it in Azure say is so, as far as that can be seen from here."""

import re
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
DEPLOY = (ROOT / "docs/deploy.md").read_text()
OPERATIONS = (ROOT / "docs/operations.md").read_text()
SECURITY = (ROOT / "docs/security.md").read_text()
PAGES = {"deploy": DEPLOY, "operations": OPERATIONS, "security": SECURITY}
MAIN = (ROOT / "infra/main.bicep").read_text()
COSTS = "".join(re.findall(r"```text\n(.*?)```", DEPLOY, re.DOTALL)).splitlines()
SUM = re.compile(r"([\d,. ()*/+-]+) = ([\d,.]+)(?: .*)?")


def shell_blocks() -> list[tuple[str, str]]:
    return [(page, block) for page, text in PAGES.items() for block in re.findall(r"```sh\n(.*?)```", text, re.DOTALL)]


@pytest.mark.parametrize("line", COSTS)
def test_the_arithmetic_of_the_costs_is_right(line: str) -> None:
    left, right = SUM.fullmatch(line.replace(",", "")).groups()
    decimals = len(right.partition(".")[2])
    assert f"{eval(left):.{decimals}f}" == right  # noqa: S307 - numbers and operators


@pytest.mark.parametrize(("page", "block"), shell_blocks())
def test_commands_can_be_parsed(page: str, block: str) -> None:
    subprocess.run(["sh", "-n"], input=block, text=True, check=True)


def test_parameters_and_outputs_that_the_docs_name_exist() -> None:
    outputs = set(re.findall(r"output ([A-Z_]+)\)|get-value (\w+)", "".join(PAGES.values())))
    named = {name for found in outputs for name in found if name} - {"AZURE_RESOURCE_GROUP"}  # azd's own
    assert named
    assert named <= set(re.findall(r"^output (\w+)", MAIN, re.MULTILINE))
    chosen = set(re.findall(r'"(\w+)": \{"value"', DEPLOY))
    assert chosen
    assert chosen <= set(re.findall(r"^param (\w+)", MAIN, re.MULTILINE))


def test_every_alert_says_what_to_do() -> None:
    alerts = (ROOT / "infra/modules/alerts.bicep").read_text()
    names = re.findall(r"^    name: '([a-z-]+)(?:'|-\$)", alerts, re.MULTILINE)
    assert sorted(names) == sorted(
        re.findall(
            r"^\| `([a-z-]+)` \|.* \|.* \|", OPERATIONS.partition("## Alerts")[2].partition("##")[0], re.MULTILINE
        )
    )


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

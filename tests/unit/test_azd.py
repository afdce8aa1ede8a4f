"""azd's side of a deployment fits the templates, and its hook does the same in both shells."""

import json
import os
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).parents[2]
AZD: dict[str, Any] = yaml.safe_load((ROOT / "azure.yaml").read_text())
GIVEN: dict[str, Any] = json.loads((ROOT / "infra/main.parameters.json").read_text())["parameters"]
HOOK: dict[str, Path] = {system: ROOT / hook["run"] for system, hook in AZD["hooks"]["postdeploy"].items()}
OF_AZD = {"AZURE_SUBSCRIPTION_ID", "AZURE_RESOURCE_GROUP"}
ENVIRONMENT = {
    "AZURE_SUBSCRIPTION_ID": "the subscription",  # a space shows whatever is not quoted
    "AZURE_RESOURCE_GROUP": "the group",
    "AZURE_FUNCTION_APP_NAME": "the app",
    "AZURE_REQUESTS_TOPIC_NAME": "requests",
    "AZURE_STORAGE_TOPIC_NAME": "storage",
    "AZURE_STORAGE_ACCOUNT_NAME": "account",
    "AZURE_EVENTS_IDENTITY_ID": "identity",
}
POWERSHELL = shutil.which("pwsh")
RUN = {
    "posix": ["/bin/sh", HOOK["posix"]],
    "windows": [
        *(POWERSHELL or "pwsh", "-NoProfile", "-Command"),
        f"function Start-Sleep {{}}; & '{HOOK['windows']}'; exit $LASTEXITCODE",
    ],
}
IN_BOTH_SHELLS = pytest.mark.parametrize(
    "shell",
    ["posix", pytest.param("windows", marks=pytest.mark.skipif(not POWERSHELL, reason="PowerShell is not here"))],
)
# Writes down its arguments, and finds a function when it is asked the third time.
AZ = """#!/bin/sh
(IFS='|'; echo "$*") >>"$JOURNAL"
[ "$1" != functionapp ] || [ "$(/bin/grep -c "${11}" "$JOURNAL")" -ge 3 ]
"""


def template(name: str) -> str:
    return (ROOT / "infra" / name).read_text()


def parameters(bicep: str, *, required: bool = False) -> set[str]:
    found = re.findall(r"^param (\w+) [^=\n]+?( =.*)?$", bicep, re.MULTILINE)
    return {name for name, default in found if not (required and default)}


def az_commands(script: str) -> list[str]:
    """The calls of the Azure CLI, written as a POSIX shell would have them."""
    joined = re.sub(r"\s*[\\`]\n\s*", " ", script.replace("$env:", "$").replace('"$Function"', '"$1"'))
    return [line.partition(" # ")[0].strip() for line in joined.splitlines() if line.strip().startswith("az ")]


def run_hook(folder: Path, shell: str, az: str) -> tuple[int, list[str]]:
    """Run the hook where there is nothing but this `az` and waiting takes no time."""
    for name, script in {"az": az, "sleep": "#!/bin/sh\n"}.items():
        (folder / name).write_text(script)
        (folder / name).chmod(0o755)
    journal = folder / "journal"
    environment = ENVIRONMENT | {"PATH": str(folder), "HOME": str(folder), "JOURNAL": str(journal)}
    done = subprocess.run(RUN[shell], cwd=ROOT, env=environment, check=False, capture_output=True, timeout=60)
    return done.returncode, journal.read_text().splitlines()


def how_it_ends(folder: Path, shell: str, works: str) -> tuple[int, list[str]]:
    """The hook's exit code and the kinds of its calls, each of which works if this is true of its arguments."""
    return run_hook(folder, shell, f'#!/bin/sh\necho "$1" >>"$JOURNAL"\n{works}\n')


def test_azd_is_given_the_function_app() -> None:
    assert AZD["services"] == {"api": {"project": ".", "language": "python", "host": "function"}}
    assert "'azd-service-name': 'api'" in "".join(path.read_text() for path in (ROOT / "infra").rglob("*.bicep"))


def test_every_given_parameter_exists_and_every_required_one_is_given() -> None:
    main = template("main.bicep")
    assert parameters(main, required=True) <= GIVEN.keys() <= parameters(main)


def test_parameters_are_read_from_azds_environment() -> None:
    assert {name: given["value"] for name, given in GIVEN.items()} == {
        "environmentName": "${AZURE_ENV_NAME}",
        "location": "${AZURE_LOCATION}",
        "operatorPrincipalId": "${REELAY_OPERATOR_ID}",
        "operatorPrincipalType": "${REELAY_OPERATOR_TYPE=User}",
        "callers": "${REELAY_CALLERS=[]}",
        "alertEmails": "${REELAY_ALERT_EMAILS=[]}",
    }


def test_nobody_is_given_a_role_for_having_deployed() -> None:
    assert "AZURE_PRINCIPAL_" not in json.dumps(GIVEN)
    assert "deployer()" not in "".join(path.read_text() for path in (ROOT / "infra").rglob("*.bicep"))


def test_a_hook_is_there_for_every_system() -> None:
    shells = {system: hook["shell"] for system, hook in AZD["hooks"]["postdeploy"].items()}
    assert shells == {"posix": "sh", "windows": "pwsh"}
    assert all(os.access(path, os.X_OK) for path in HOOK.values())


def test_both_hooks_give_the_same_commands() -> None:
    posix, windows = (az_commands(HOOK[system].read_text()) for system in ("posix", "windows"))
    assert len(posix) == 3
    assert posix == windows


@pytest.mark.parametrize("system", ["posix", "windows"])
def test_either_hook_waits_for_the_same_and_as_long(system: str) -> None:
    script = HOOK[system].read_text()
    assert re.findall(r"\bon_\w+", script) == ["on_video_requested", "on_blob_created"]
    assert re.findall(r"looks\W+eq (\d+)", script) == ["30"]
    assert re.findall(r"[Ss]leep (?:-Seconds )?(\d+)", script) == ["10"]
    assert '"The function $function is not there yet. Later, run: azd hooks run postdeploy"' in script


def test_the_hook_for_windows_fails_as_its_commands_do() -> None:
    steps = r"^ *(\$|if|exit|return|while|throw|az|Assert-)(.*?)(?: --.*| \"The function.*| # .*)?$"
    found = ["".join(step) for step in re.findall(steps, HOOK["windows"].read_text(), re.MULTILINE)]
    assert found == [
        "$ErrorActionPreference = 'Stop'",
        "$PSNativeCommandUseErrorActionPreference = $false",
        "if ($LASTEXITCODE -ne 0) {",
        "exit $LASTEXITCODE",
        "az functionapp function show",
        "return $LASTEXITCODE -eq 0",
        "az account show",
        "Assert-Success",
        "$looks = 0",
        "while (-not (Test-Exists $function)) {",
        "$looks += 1",
        "if ($looks -eq 30) {",
        "throw",
        "az deployment group create",
        "Assert-Success",
    ]


def test_the_hook_gives_the_subscriptions_what_they_take() -> None:
    subscribe = az_commands(HOOK["posix"].read_text())[-1]
    assert set(re.findall(r"(\w+)=\"", subscribe)) == parameters(template("event-subscriptions.bicep"))


def test_the_hook_reads_what_the_templates_tell() -> None:
    outputs = set(re.findall(r"^output (\w+)", template("main.bicep"), re.MULTILINE))
    read = {name for path in HOOK.values() for name in re.findall(r"\bAZURE_\w+", path.read_text())}
    assert read == ENVIRONMENT.keys()
    assert read - OF_AZD <= outputs


@IN_BOTH_SHELLS
def test_the_hook_waits_for_both_functions_and_subscribes_them(tmp_path: Path, shell: str) -> None:
    code, calls = run_hook(tmp_path, shell, AZ)
    assert code == 0
    looks = [re.findall(r"on_\w+", call) for call in calls[1:-1]]
    assert looks == [*[["on_video_requested"]] * 3, *[["on_blob_created"]] * 3]
    assert "|show|--subscription|the subscription|--resource-group|the group|--name|the app|" in calls[1]
    assert "|infra/event-subscriptions.bicep|" in calls[-1]


@IN_BOTH_SHELLS
@pytest.mark.parametrize(
    ("works", "code", "calls"),
    [
        pytest.param('[ "$1" != functionapp ]', 1, ["account", *["functionapp"] * 30], id="a function never comes"),
        pytest.param('[ "$1" != account ]', 1, ["account"], id="nobody is logged in"),
        pytest.param(
            '[ "$1" != deployment ]', 1, ["account", *["functionapp"] * 2, "deployment"], id="a subscription fails"
        ),
    ],
)
def test_the_hook_fails_when(tmp_path: Path, shell: str, works: str, code: int, calls: list[str]) -> None:
    assert how_it_ends(tmp_path, shell, works) == (code, calls)

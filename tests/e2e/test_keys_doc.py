"""What docs/keys-and-budgets.md says of keys can be done, and leaves what it says."""

import json
import re
import subprocess
from pathlib import Path

import httpx

from tests.e2e.running_stack import RunningStack

PAGE = (Path(__file__).parents[2] / "docs/keys-and-budgets.md").read_text()
KEYS = PAGE.partition("\n## Budgets")[0]
BLOCKS = re.findall(r"```sh\n(.*?)```", KEYS, re.DOTALL)
OBEDIENT_CURL = 'curl() { command curl --fail-with-body -w "\\n" "$@"; }\n'


def test_every_command_is_answered_and_the_audit_tells_of_it(stack: RunningStack) -> None:
    environment = {
        "PATH": "/usr/bin:/bin",
        "BASE_URL": stack.base_url,
        "ADMIN_KEY": stack.admin_key,
        "UPSTREAM": stack.upstream,
        "ENTRA": stack.entra,
    }
    commands = OBEDIENT_CURL + "".join(block for block in BLOCKS if "export" not in block)
    done = subprocess.run(
        ["sh", "-eu"], input=commands, text=True, env=environment, capture_output=True, timeout=60, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    answers = [json.loads(line) for line in done.stdout.splitlines() if line]
    first, changed, rotated, revoked, tenant, application, models, audit = answers
    assert first["secret"].startswith("sk-")
    assert changed["limits"]["budget_usd"] == {"day": "50"}
    assert (rotated["id"], len(rotated["secrets"]), revoked["deleted"]) == (changed["id"], 2, True)
    assert tenant["weight"] == 2
    assert application["name"].startswith("6666")
    assert models["data"]
    assert [entry["action"] for entry in audit["data"]] == ["tenant.change"]
    answer = httpx.get(f"{stack.base_url}/models", headers={"api-key": first["secret"]})
    assert answer.status_code == 200


def test_an_answer_shows_what_there_is(stack: RunningStack) -> None:
    shown = [json.loads(block) for block in re.findall(r"```json\n(.*?)```", KEYS, re.DOTALL)]
    headers = {"api-key": stack.admin_key}
    fields = {"tenant": "shown", "name": "research"}
    with httpx.Client(base_url=f"{stack.base_url}/admin", headers=headers) as admin:
        key = admin.post("/keys", json=fields).raise_for_status().json()
        admin.patch("/tenants/shown", json={"weight": 2}).raise_for_status()
        audit = admin.get("/audit", params={"subject": "shown", "limit": 1}).raise_for_status().json()
    assert key.keys() == shown[0].keys()
    assert audit.keys() == shown[1].keys()
    (entry,), (example,) = audit["data"], shown[1]["data"]
    assert entry.keys() == example.keys()
    assert entry["after"].keys() == example["after"].keys()

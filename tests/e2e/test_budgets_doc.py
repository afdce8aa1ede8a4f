"""What docs/keys-and-budgets.md says of money can be done, and looks as it says."""

import json
import re
import subprocess
from pathlib import Path

from tests.e2e.running_stack import RunningStack

PAGE = (Path(__file__).parents[2] / "docs/keys-and-budgets.md").read_text().partition("\n## Budgets")[2]
BLOCKS = re.findall(r"```sh\n(.*?)```", PAGE, re.DOTALL)
OBEDIENT_CURL = 'curl() { command curl --fail-with-body -w "\\n" "$@"; }\n'


def test_every_command_is_answered_as_it_is_shown(stack: RunningStack) -> None:
    keys = {"API_KEY": stack.api_key, "ADMIN_KEY": stack.admin_key, "BASE_URL": stack.base_url}
    commands = OBEDIENT_CURL + "".join(BLOCKS)
    done = subprocess.run(
        ["sh", "-eu"], input=commands, text=True, env={"PATH": "/usr/bin:/bin"} | keys, capture_output=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    answers = [json.loads(line) for line in done.stdout.splitlines() if line.startswith("{")]
    _, usage, verification = [json.loads(block) for block in re.findall(r"```json\n(.*?)```", PAGE, re.DOTALL)]
    assert [answer.keys() for answer in answers] == [usage.keys(), usage.keys(), verification.keys()]
    assert "model,requested,paid,unpaid,seconds,cost_usd" in done.stdout

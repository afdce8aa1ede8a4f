"""The README's first screen does what it says."""

import re
from pathlib import Path

import pytest
from openai import OpenAI

from tests.e2e.running_stack import RunningStack

README = (Path(__file__).parents[2] / "README.md").read_text()


def test_three_lines_of_client_code(
    stack: RunningStack, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, recwarn: pytest.WarningsRecorder
) -> None:
    (code,) = re.findall(r"```python\n(.*?)```", README, re.DOTALL)
    here = re.sub(r'base_url="[^"]*"', f'base_url="{stack.base_url}"', code)
    here = re.sub(r'api_key="[^"]*"', f'api_key="{stack.api_key}"', here)
    monkeypatch.chdir(tmp_path)
    exec(here, {"OpenAI": OpenAI})  # noqa: S102 - the README's own lines
    assert (tmp_path / "fox.mp4").read_bytes()[4:8] == b"ftyp"

"""The local stack: what it tells, what it survives, and that it leaves nothing behind."""

import hashlib
import os
import re
import signal
import socket
import subprocess
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.e2e.running_stack import RunningStack, launch, launched, running_stack, wait_until


def answers(url: str) -> bool:
    """Whether somebody speaks HTTP there, whatever the answer is."""
    return httpx.get(url).status_code > 0


def front_door(stack: RunningStack) -> httpx.Client:
    return httpx.Client(base_url=stack.base_url, headers={"Authorization": f"Bearer {stack.api_key}"})


def made_video(stack: RunningStack) -> dict[str, Any]:
    """A video that has ended: the front door, the engine, a deployment and the store did their work together."""
    with front_door(stack) as client:
        created = client.post("/videos", json={"model": "sora-2", "prompt": "a kite"}).raise_for_status().json()

        def ended() -> dict[str, Any] | None:
            video = client.get(f"/videos/{created['id']}").raise_for_status().json()
            return video if video["status"] in {"completed", "failed"} else None

        return wait_until(ended, "the video has ended")


def pid_of(stack: RunningStack, service: str) -> int:
    pid = stack.pids[service]
    return pid[0] if isinstance(pid, list) else pid


def test_describes_itself(stack: RunningStack):
    described = stack.description()

    urls = {name: described[name] for name in ("host", "upstream", "blob", "table", "eventgrid", "identity")}
    assert all(answers(url) for url in urls.values())
    assert len({httpx.URL(described[name]).port for name in ("host", "upstream", "blob", "table")}) == 4
    assert described["base_url"] == f"{urls['host']}/v1"
    assert described["api_key"].startswith("sk-reelay-")
    assert described["admin_key"] != described["api_key"]
    pids = described["pids"]
    assert sorted([*pids["host"], pids["engine"], pids["azurite"], pids["fakes"], stack.process.pid]) == sorted(
        stack.processes()
    )


def test_last_line_of_the_start_says_where_and_with_which_key(stack: RunningStack):
    ready = [line for line in stack.output.splitlines() if line.startswith("ready ")]

    assert ready == [f"ready base_url={stack.base_url} api_key={stack.api_key}"]


def test_keys_are_the_owners_alone(stack: RunningStack):
    for name in ("stack.json", "memory.json"):
        assert (stack.state / name).stat().st_mode & 0o077 == 0


def test_fakes_take_the_stacks_settings(stack: RunningStack):
    settings = httpx.get(f"{stack.upstream}/_control/settings").json()

    assert settings["render_time_s"] == 0.3
    assert settings["secrets"]["sora-pro-key"] == settings["api_keys"]["sora-2-pro-swedencentral"]


@pytest.mark.parametrize("service", ["host", "engine", "fakes"])
def test_killed_process_is_replaced_at_the_same_address(stack: RunningStack, service: str):
    before, killed = stack.description(), pid_of(stack, service)

    os.kill(killed, signal.SIGKILL)

    wait_until(lambda: pid_of(stack, service) != killed, f"the {service} is a new one")
    wait_until(lambda: all(answers(before[name]) for name in ("host", "upstream")), "both answer again")
    assert made_video(stack)["status"] == "completed"
    after = stack.description()
    assert {**after, "pids": None} == {**before, "pids": None}
    assert {**after["pids"], service: None} == {**before["pids"], service: None}


def test_killed_store_is_replaced_at_the_same_address(tmp_path: Path):
    with running_stack(tmp_path / "state") as stack:
        killed = stack.pids["azurite"]
        os.kill(killed, signal.SIGKILL)

        wait_until(lambda: stack.pids["azurite"] != killed, "there is a new one")
        wait_until(lambda: answers(stack.blob) and answers(stack.table), "it answers")


def test_replaced_fakes_get_their_settings_again(stack: RunningStack):
    httpx.post(f"{stack.upstream}/_control/settings", json={"render_time_s": 99}).raise_for_status()
    os.kill(stack.pids["fakes"], signal.SIGKILL)

    wait_until(
        lambda: httpx.get(f"{stack.upstream}/_control/settings").json()["render_time_s"] == 0.3,
        "the fakes render as fast as the stack says",
    )


def test_second_stack_runs_beside_the_first(stack: RunningStack, tmp_path: Path):
    with running_stack(tmp_path / "second", WORKERS="2") as second:
        assert len(set(second.pids["host"])) == 2
        ports = [
            {httpx.URL(it.description()[name]).port for name in ("host", "upstream", "blob")} for it in (stack, second)
        ]
        assert not ports[0] & ports[1]
        assert second.api_key != stack.api_key
        assert answers(stack.host)
        assert answers(second.host)


def test_state_outlives_a_killed_stack(tmp_path: Path):
    with running_stack(tmp_path / "state") as killed:
        before, video = killed.description(), made_video(killed)

        killed.send(signal.SIGKILL)
        wait_until(lambda: not killed.processes(), "all processes of the killed stack are gone")

    with running_stack(tmp_path / "state") as restarted:
        after = restarted.description()
        stable = ("api_key", "admin_key", "blob", "table", "upstream")
        assert {name: after[name] for name in stable} == {name: before[name] for name in stable}
        with front_door(restarted) as client:
            assert client.get(f"/videos/{video['id']}").json() == video
            content = client.get(f"/videos/{video['id']}/content", follow_redirects=True).raise_for_status().content
            assert hashlib.sha256(content).hexdigest() == video["reelay"]["sha256"]


@pytest.mark.parametrize("signal_number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_stopped_stack_leaves_no_process(tmp_path: Path, signal_number: signal.Signals):
    with running_stack(tmp_path / "state") as stack:
        assert stack.send(signal_number) == 0

        assert stack.processes() == []
        assert not (stack.state / "stack.json").exists()


def test_stack_stopped_while_it_starts_leaves_no_process(tmp_path: Path):
    with launched(tmp_path / "state") as stack:
        wait_until(lambda: len(stack.processes()) > 1, "the first children run")

        assert stack.send(signal.SIGTERM) == 0

        assert stack.processes() == []


def test_taken_port_is_named(tmp_path: Path):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with launched(tmp_path / "state", PORT=str(port)) as stack:
            assert stack.process.wait(timeout=30) == 1

    assert stack.output.splitlines()[-1] == (
        f"port {port} is taken, perhaps by another stack: choose one with PORT=…, or any with PORT=0"
    )


def test_app_that_cannot_start_says_why(tmp_path: Path):
    keys = '[{"tenant": "local", "secret": "not a reference"}]'
    with launched(tmp_path / "state", REELAY_API_KEYS=keys) as stack:
        assert stack.process.wait(timeout=60) == 1

        assert "host-0 ended with exit code 1 before it was ready" in stack.output
        assert "api_keys[0].secret" in stack.output.splitlines()[-1]
        assert stack.processes() == []


def test_state_folder_is_for_one_stack(stack: RunningStack):
    second = launch(stack.state, subprocess.PIPE)
    output, _ = second.communicate(timeout=30)

    assert second.returncode == 1
    assert f"another stack runs on {stack.state}" in output.decode()
    assert answers(stack.host)


@pytest.mark.parametrize(("name", "value"), [("PORT", "seventy"), ("WORKERS", "0"), ("RENDER_TIME_S", "-1")])
def test_bad_setting_is_named(tmp_path: Path, name: str, value: str):
    with launched(tmp_path / "state", **{name: value}) as stack:
        assert stack.process.wait(timeout=30) == 1

    assert re.search(rf"^{name.lower()}$", stack.output, re.MULTILINE)

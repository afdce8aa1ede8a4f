"""With --auth the host asks for keys as Azure does; without, it lets everybody in."""

import json

import pytest

from tests.integration.functions_host.host_kit import APPS, Start


@pytest.fixture(scope="module")
def guarded(start: Start, tmp_path_factory):
    state = tmp_path_factory.mktemp("state")
    host = start("--app", APPS / "web", "--port", 0, "--auth", "--state", state)
    return host.http, json.loads((state / "keys.json").read_text())


def status(http, path, key=None):
    by_header = http.get(path, headers={"x-functions-key": key} if key else {}).status_code
    by_query = http.get(path, params={"code": key} if key else {}).status_code
    assert by_header == by_query
    return by_query


def test_anonymous_functions_need_no_key(guarded):
    http, _ = guarded
    assert status(http, "/api/ping") == 200


def test_functions_of_level_function_take_the_function_key_and_the_master_key(guarded):
    http, keys = guarded
    answers = [status(http, "/api/of-function", key) for key in (None, "wrong", keys["function"], keys["master"])]
    assert answers == [401, 401, 200, 200]


@pytest.mark.parametrize("path", ["/api/of-admin", "/admin/host/status"])
def test_only_the_master_key_opens_what_is_for_administrators(guarded, path):
    http, keys = guarded
    assert [status(http, path, key) for key in (None, keys["function"], keys["master"])] == [401, 401, 200]


def test_the_durable_api_takes_its_system_key(guarded):
    http, keys = guarded
    path = "/runtime/webhooks/durabletask/instances"
    answers = [status(http, path, key) for key in (None, keys["function"], keys["durabletask_extension"])]
    assert answers == [401, 401, 200]


def test_the_event_grid_webhook_takes_its_system_key(guarded):
    http, keys = guarded
    path = "/runtime/webhooks/eventgrid?functionName=none"
    answers = [
        http.post(path, headers={"x-functions-key": key}).status_code
        for key in (keys["durabletask_extension"], keys["eventgrid_extension"])
    ]
    assert answers == [401, 404]


def test_the_keys_stay_the_same_over_a_restart(start, tmp_path):
    arguments = ("--app", APPS / "web", "--port", 0, "--auth", "--state", tmp_path)
    start(*arguments).close()
    before = (tmp_path / "keys.json").read_text()
    start(*arguments).close()
    assert (tmp_path / "keys.json").read_text() == before
    assert (tmp_path / "keys.json").stat().st_mode & 0o077 == 0


def test_keys_that_are_kept_nowhere_are_told(start):
    host = start("--app", APPS / "web", "--port", 0, "--auth")
    keys = json.loads(host.log.read_text().removeprefix("keys of this run: "))
    assert status(host.http, "/api/of-function", keys["function"]) == 200


def test_without_auth_every_door_is_open(start):
    http = start("--app", APPS / "web", "--port", 0).http
    assert [http.get(path).status_code for path in ("/api/of-function", "/api/of-admin", "/admin/host/status")] == [
        200,
        200,
        200,
    ]

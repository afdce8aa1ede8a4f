"""The host starts, or says why it cannot; stops when asked, and lets running work end."""

import signal
import socket
from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.integration.functions_host.host_kit import APPS, Start, last_words, wait_until


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_the_host_with_status_0_and_without_a_word(start: Start, number):
    host = start("--app", APPS / "web", "--port", 0)
    host.http.get("/api/ping")
    assert host.end(number) == 0
    assert host.log.read_text() == ""


def test_a_running_request_is_answered_while_new_connections_are_refused(start: Start):
    host = start("--app", APPS / "web", "--port", 0)
    with ThreadPoolExecutor() as threads:
        slow = threads.submit(host.http.get, "/api/slow", params={"seconds": "1"})
        wait_until(lambda: "slow started" in host.log.read_text())
        host.process.send_signal(signal.SIGTERM)
        wait_until(lambda: not accepts_connections(host.port))
        assert slow.result().text == "slow is done"
    assert host.process.wait(timeout=10) == 0


def accepts_connections(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def test_a_running_activity_ends_before_the_host_does(start: Start, journal):
    host = start("--app", APPS / "durable", "--port", 0, HUB="h", JOURNAL=str(journal))
    host.orchestration("long_activity", "graceful")
    wait_until(lambda: "graceful started" in journal.read_text())
    host.process.send_signal(signal.SIGTERM)
    wait_until(lambda: not accepts_connections(host.port))
    journal.with_name("graceful").touch()
    assert host.process.wait(timeout=10) == 0
    assert "graceful ended" in journal.read_text()


def test_a_synchronous_function_that_does_not_end_keeps_no_host_alive(start: Start, app):
    source = """
import threading
import azure.functions as func

app = func.FunctionApp(http_auth_level=func.AuthLevel.ANONYMOUS)

@app.timer_trigger(arg_name="timer", schedule="0 0 0 1 1 *", run_on_startup=True)
def never(timer: func.TimerRequest) -> None:
    print("never ends", flush=True)
    threading.Event().wait()
"""
    host = start("--app", app(source), "--port", 0)
    assert host.process.stdout.readline() == b"never ends\n"
    assert host.end(signal.SIGTERM) == 0


def test_a_taken_port_is_named():
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        said = last_words("--app", APPS / "web", "--port", port)
    assert said == f"functions host: port {port} cannot be taken (Address already in use): choose another --port\n"


FUNCTION = """
import azure.functions as func
app = func.FunctionApp(http_auth_level=func.AuthLevel.ANONYMOUS)
{decorator}
def function({arguments}):
    return None
"""


@pytest.mark.parametrize(
    ("decorator", "arguments", "message"),
    [
        (
            '@app.timer_trigger(arg_name="timer", schedule="%NO_SUCH_SETTING%")',
            "timer: func.TimerRequest",
            "'%NO_SUCH_SETTING%' names an app setting that does not exist: set NO_SUCH_SETTING",
        ),
        (
            '@app.timer_trigger(arg_name="timer", schedule="often")',
            "timer: func.TimerRequest",
            "'often' is no schedule",
        ),
        ('@app.route("{id:nonsense}")', "req: func.HttpRequest", "unknown route constraint 'nonsense'"),
        (
            '@app.queue_trigger(arg_name="message", queue_name="q", connection="c")',
            "message: func.QueueMessage",
            "function 'function': the local host runs functions of one trigger of",
        ),
        ('@app.route("x")', "wrong: func.HttpRequest", "cannot load the function function"),
    ],
)
def test_an_app_that_cannot_be_run_is_told_why_in_one_line(app, decorator, arguments, message):
    said = last_words("--app", app(FUNCTION.format(decorator=decorator, arguments=arguments)), "--port", 0)
    last_line = said.splitlines()[-1]
    assert last_line.startswith("functions host: ")
    assert message in last_line
    assert "Traceback" not in said


def test_a_host_json_that_is_none_is_told(app):
    said = last_words("--app", app("", host="{"), "--port", 0)
    assert "host.json is not valid JSON" in said


def test_an_app_that_fails_to_import_shows_its_traceback(app):
    said = last_words("--app", app("import no_such_module"), "--port", 0)
    assert said.startswith("Traceback")
    assert said.endswith("ModuleNotFoundError: No module named 'no_such_module'\n")


def test_host_json_takes_app_settings_and_overrides(start: Start, app):
    source = """
import json
import azure.functions as func

app = func.FunctionApp(http_auth_level=func.AuthLevel.ANONYMOUS)

@app.route("hub")
@app.generic_input_binding(arg_name="client", type="durableClient")
async def hub(req: func.HttpRequest, client: str) -> func.HttpResponse:
    return func.HttpResponse(client)
"""
    host_json = '{"extensions": {"http": {"routePrefix": "%PREFIX%"}, "durableTask": {"hubName": "from-file"}}}'
    settings = '{"Values": {"PREFIX": "v1"}}'
    override = {"AzureFunctionsJobHost__extensions__durableTask__hubName": "from-setting"}
    folder = app(source, host=host_json, **{"local.settings": settings})
    host = start("--app", folder, "--port", 0, **override)
    configuration = host.http.get("/v1/hub").json()
    assert configuration["taskHubName"] == "from-setting"
    assert configuration["httpBaseUrl"] == f"{host.url}/runtime/webhooks/durabletask"
    assert configuration["rpcBaseUrl"].startswith("http://127.0.0.1:")

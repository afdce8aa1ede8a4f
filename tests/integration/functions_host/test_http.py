"""HTTP functions get what clients send, and clients get what functions return."""

import os
import socket

import httpx
import pytest

from tests.integration.functions_host.host_kit import APPS, Child, Start, wait_until


@pytest.fixture(scope="module")
def host(start: Start) -> Child:
    return start("--app", APPS / "web", "--port", 0, FUNCTIONS_REQUEST_BODY_SIZE_LIMIT="1000000")


@pytest.fixture
def http(host: Child) -> httpx.Client:
    return host.http


def test_async_and_synchronous_functions_answer(http):
    assert http.get("/api/ping").text == "pong"
    assert http.put("/api/sync").text == "PUT"


def test_routes_are_chosen_by_constraint_and_method(http):
    assert http.get("/api/items/7").text == "number 7"
    assert http.get("/api/items/seven").text == "name seven"
    assert http.get("/api/items/!").status_code == 404
    assert http.delete("/api/items/!").status_code == 204
    assert http.post("/api/ping").status_code == 404
    assert http.get("/ping").status_code == 404


def test_a_catch_all_gets_the_rest_of_the_path_decoded(http):
    assert http.get("/api/files/a/b%20c/").text == "a/b c/"


def test_a_head_answer_keeps_the_length_its_function_gives(http):
    head = http.head("/api/files/x")
    assert (head.status_code, head.headers["content-length"], head.content) == (200, "12345", b"")
    assert http.get("/api/files/x").headers["content-length"] == "1"


def test_bodies_pass_unchanged(http):
    body = os.urandom(300_000)
    assert http.post("/api/echo", content=body).content == body
    assert http.post("/api/echo", content=iter([body, body])).content == body * 2


def test_the_url_query_and_repeated_headers_reach_the_function(http):
    headers = [("x-twice", "1"), ("x-twice", "2")]
    answer = http.post("/api/echo?q=a%20b&q=c&empty=", content=b"", headers=headers)
    assert answer.headers["x-url"] == f"{http.base_url}/api/echo?q=a%20b&q=c&empty=".replace("//api", "/api")
    assert answer.headers["x-query"] == "a b,c"
    assert answer.headers["x-header"] == "1,2"


def test_the_trace_of_the_request_reaches_the_function(http):
    traceparent = f"00-{'1' * 32}-{'2' * 16}-01"
    assert http.post("/api/echo", headers={"traceparent": traceparent}).headers["x-trace"] == traceparent
    assert http.post("/api/echo").headers["x-trace"] == ""


def test_an_asgi_app_behind_the_middleware_sets_several_cookies(http):
    cookies = http.get("/api/asgi/cookies").headers.get_list("set-cookie")
    assert [cookie.split(";")[0] for cookie in cookies] == ["first=1", "second=2"]


def test_a_failed_function_is_a_500_without_its_secrets_and_a_readable_log(http, host):
    answer = http.get("/api/boom")
    assert (answer.status_code, answer.content) == (500, b"")
    log = wait_until(lambda: "boom" in (text := host.log.read_text()) and text)
    assert log.count("function 'boom' failed: ValueError: first line\n") == 1
    assert log.count("Traceback") == 1


def test_what_the_app_logs_at_info_passes(http, host):
    http.get("/api/slow", params={"seconds": "0"})
    assert "INFO web: slow started" in host.log.read_text()


@pytest.mark.parametrize("announced", [True, False])
def test_a_body_over_the_limit_is_refused(http, announced):
    body = b"x" * 1_000_001
    assert http.post("/api/echo", content=body if announced else iter([body])).status_code == 413


def test_a_client_that_disconnects_is_no_error(http, host):
    before = host.log.read_text()
    address = (http.base_url.host, http.base_url.port)
    for request in [
        b"POST /api/echo HTTP/1.1\r\nhost: x\r\ncontent-length: 100\r\n\r\nhalf",
        b"GET /api/slow?seconds=0.05 HTTP/1.1\r\nhost: x\r\n\r\n",
    ]:
        with socket.create_connection(address) as connection:
            connection.sendall(request)
    assert http.get("/api/slow?seconds=0.2").text == "slow is done"
    assert "Traceback" not in host.log.read_text().removeprefix(before)

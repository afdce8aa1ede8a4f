"""Reference images from the web, fetched once and bounded; here the web is this machine, which a setting allows."""

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import httpx
import pytest

from tests.contract.caller_kit import ended, error_of, image

MAX_BYTES = 32 * 1024 * 1024


class Web(BaseHTTPRequestHandler):
    """A few pages."""

    def do_GET(self) -> None:
        match self.path:
            case "/boat.png":
                self._answer(200, image())
            case "/small.png":
                self._answer(200, image(64, 64))
            case "/elsewhere.png":
                self._answer(302, b"", location="/boat.png")
            case "/round.png":
                self._answer(302, b"", location="/round.png")
            case "/endless.png":
                self._answer(200, bytes(MAX_BYTES + 1))
            case _:
                self._answer(404, b"")

    def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
        """Say nothing."""

    def _answer(self, status: int, body: bytes, **headers: str) -> None:
        self.send_response(status)
        for name, value in {"content-length": str(len(body)), **headers}.items():
            self.send_header(name, value)
        self.end_headers()
        try:
            self.wfile.write(body)
        except ConnectionError:
            self.close_connection = True  # the reader has had enough


@pytest.fixture(scope="module")
def web() -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Web)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()


def create(api: httpx.Client, url: str) -> httpx.Response:
    return api.post("/videos", json={"prompt": "a", "size": "1280x720", "input_reference": {"image_url": url}})


@pytest.mark.parametrize("page", ["boat", "elsewhere"])
def test_image_is_fetched_through_redirects(private_api: httpx.Client, web: str, page: str):
    answer = create(private_api, f"{web}/{page}.png")

    assert ended(private_api, answer.raise_for_status().json()["id"])["status"] == "completed"


@pytest.mark.parametrize(
    ("page", "status", "code", "word"),
    [
        ("small", 400, "invalid_image_size", "64x64"),
        ("missing", 400, "invalid_image_url", "404"),
        ("round", 400, "invalid_image_url", "TooManyRedirects"),
        ("endless", 413, "payload_too_large", str(MAX_BYTES)),
    ],
)
def test_image_that_cannot_be_had(private_api: httpx.Client, web: str, *, page: str, status: int, code: str, word: str):
    answer = create(private_api, f"{web}/{page}.png")

    error = error_of(answer)
    assert (answer.status_code, error["param"], error["code"]) == (status, "input_reference", code)
    assert word in error["message"]


def test_server_that_does_not_answer(private_api: httpx.Client):
    error = error_of(create(private_api, "http://127.0.0.1:1/boat.png"))

    assert (error["param"], error["code"]) == ("input_reference", "invalid_image_url")

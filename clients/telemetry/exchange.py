"""One exchange with a deployment: its span, its request id for the log, and the count of its refusals."""

from collections.abc import Callable, Generator
from contextlib import contextmanager
from http import HTTPStatus

import httpx
from opentelemetry.trace import SpanKind

from clients.telemetry.logs import note
from clients.telemetry.metrics import THROTTLED
from clients.telemetry.spans import pass_on, span
from domain.catalog import Deployment

_REQUEST_IDS = ("apim-request-id", "x-request-id")
"""Azure's, and OpenAI's: what their own people will ask for."""


@contextmanager
def exchange(request: httpx.Request, deployment: Deployment) -> Generator[Callable[[httpx.Response], None]]:
    """Ask a deployment something; it is told of which trace that is a part, so that one of our own can go on with it.

    Args:
        request: What is asked. Of its URL, the query is not noted: what a deployment takes there may be a secret.
        deployment: Who is asked.

    Yields:
        What to tell of the answer's head.
    """
    attributes = {
        "http.request.method": request.method,
        "server.address": request.url.host,
        "url.path": request.url.path,
        "reelay.deployment": deployment.name,
        "gen_ai.request.model": deployment.upstream_model,
    }
    with span(f"{request.method} {deployment.name}", attributes, kind=SpanKind.CLIENT) as opened:
        pass_on(request.headers)

        def answered(response: httpx.Response) -> None:
            opened.set_attribute("http.response.status_code", response.status_code)
            for name in _REQUEST_IDS:
                if request_id := response.headers.get(name):
                    opened.set_attribute("reelay.upstream_request_id", request_id)
                    note(upstream_request_id=request_id)
            if response.status_code == HTTPStatus.TOO_MANY_REQUESTS:
                THROTTLED.add(1, {"deployment": deployment.name})

        yield answered

"""One operation of a faked service: counted, hit by faults, answered."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from http import HTTPStatus
from uuid import uuid4

from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from local.azure_fakes.effects import exchange, injected_answer
from local.azure_fakes.errors import AzureError
from local.azure_fakes.faults import Effect, Fault, Operation
from local.azure_fakes.world import World


@dataclass(frozen=True)
class Call:
    """A request to an operation.

    Attributes:
        deployment: The deployment it concerns, if that can be told.
        fault: The fault that hit it.
    """

    request: Request
    deployment: str | None = None
    fault: Fault | None = None


type Handler = Callable[[Call], Awaitable[Response]]
type Locate = Callable[[Request], Awaitable[str | None]]


async def _nowhere(_request: Request) -> str | None:
    return None


class Endpoint:
    """An ASGI app that is one operation.

    Args:
        world: Keeps the counters and the faults.
        operation: Which operation it is.
        handle: Carries the request out; may raise `AzureError`.
        locate: Tells the deployment a request concerns.
    """

    def __init__(self, world: World, operation: Operation, handle: Handler, locate: Locate = _nowhere) -> None:
        self._world = world
        self._operation = operation
        self._handle = handle
        self._locate = locate

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        request = Request(scope, receive)
        self._world.requests[self._operation] += 1
        try:
            await request.body()  # which a caller who has gone before the effect takes along
            call = await self._read(request)
            await exchange(call.fault, lambda: self._answer(call), scope, receive, send)
        finally:
            await request.close()

    async def _read(self, request: Request) -> Call:
        try:
            deployment = await self._locate(request)
        except AzureError:
            deployment = None  # the handler will meet the same error and answer it
        return Call(request, deployment, self._world.faults.take(self._operation, deployment))

    async def _answer(self, call: Call) -> Response:
        try:
            _refuse_if_so_injected(call.fault)
            response = await self._handle(call)
        except AzureError as error:
            response = error.response()
        self._count(response)
        response.headers["apim-request-id"] = str(uuid4())
        return response

    def _count(self, response: Response) -> None:
        refused = response.status_code >= HTTPStatus.BAD_REQUEST
        self._world.counters[f"rejected_{response.status_code}" if refused else self._operation] += 1


def _refuse_if_so_injected(fault: Fault | None) -> None:
    if fault and fault.effect is Effect.STATUS:
        raise injected_answer(fault)

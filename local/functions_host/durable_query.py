"""What the Durable HTTP API reads from a query string."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from http import HTTPStatus

from durabletask.client import OrchestrationStatus

from local.functions_host.durable_status import status_name
from local.functions_host.http_messages import HttpError, Request

_STATUSES = {status_name(status).lower(): status for status in OrchestrationStatus}


@dataclass(frozen=True, slots=True)
class InstanceFilter:
    """Which orchestrations a request means; None leaves a side open.

    Attributes:
        created_from: The earliest creation time.
        created_to: The latest creation time.
        statuses: The states to include.
    """

    created_from: datetime | None
    created_to: datetime | None
    statuses: list[OrchestrationStatus] | None


def read_filter(request: Request) -> InstanceFilter:
    """Read `createdTimeFrom`, `createdTimeTo` and `runtimeStatus`.

    Raises:
        HttpError: 400; one of them cannot be read.
    """
    return InstanceFilter(
        created_from=_parse(request, "createdTimeFrom", datetime.fromisoformat),
        created_to=_parse(request, "createdTimeTo", datetime.fromisoformat),
        statuses=_parse(request, "runtimeStatus", _read_statuses),
    )


def flag(request: Request, name: str, *, default: bool = False) -> bool:
    """A parameter that is `true` or `false`."""
    return request.query.get(name, str(default)).lower() == "true"


def number(request: Request, name: str, *, default: int) -> int:
    """A parameter that is a whole number.

    Raises:
        HttpError: 400; it is none.
    """
    return _parse(request, name, int) or default


def _read_statuses(names: str) -> list[OrchestrationStatus]:
    return [_STATUSES[name.strip().lower()] for name in names.split(",")]


def _parse[T](request: Request, name: str, read: Callable[[str], T]) -> T | None:
    try:
        return read(request.query[name]) if request.query.get(name) else None
    except (ValueError, LookupError) as error:
        raise HttpError(HTTPStatus.BAD_REQUEST, f"'{name}' cannot be read: {error}") from error

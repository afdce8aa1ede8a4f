"""Puts the fakes together."""

from collections.abc import Sequence

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Mount

from local.azure_fakes import (
    collector,
    content_safety,
    control,
    entra,
    event_grid,
    identity,
    key_vault,
    videos,
    webhooks,
)
from local.azure_fakes.world import World


def create_app(world: World) -> Starlette:
    """Return the app with everything that is served over http.

    The videos API is at `/{deployment}/openai/v1`, and at `/openai/v1` for deployments named by the `model` field.
    """
    api = videos.routes(world)
    services = (identity, event_grid, content_safety, webhooks, collector, control)
    plain = [route for service in services for route in service.routes(world)]
    return _starlette([*plain, Mount("/openai/v1", routes=api), Mount("/{deployment}/openai/v1", routes=api)])


def create_vault_app(world: World) -> Starlette:
    """Return the app that is served over https, for their SDKs insist on it: the Key Vault, and Entra's tokens."""
    return _starlette([*key_vault.routes(world), *entra.routes(world)])


def _starlette(routes: Sequence[BaseRoute]) -> Starlette:
    return Starlette(routes=routes, exception_handlers={404: _resource_not_found})


def _resource_not_found(_request: Request, _error: Exception) -> Response:
    """Return what Azure says to a path it does not know."""
    return JSONResponse({"error": {"code": "404", "message": "Resource not found"}}, 404)

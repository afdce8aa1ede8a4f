"""Puts the fakes together."""

from starlette.applications import Starlette
from starlette.routing import Mount

from local.azure_fakes import control, event_grid, identity, key_vault, videos, webhooks
from local.azure_fakes.world import World


def create_app(world: World) -> Starlette:
    """Return the app with everything that is served over http.

    The videos API is at `/{deployment}/openai/v1`, and at `/openai/v1` for deployments named by the `model` field.
    """
    api = videos.routes(world)
    plain = [*identity.routes(world), *event_grid.routes(world), *webhooks.routes(world), *control.routes(world)]
    return Starlette(
        routes=[*plain, Mount("/openai/v1", routes=api), Mount("/{deployment}/openai/v1", routes=api)],
    )


def create_vault_app(world: World) -> Starlette:
    """Return the app that is served over https: the Key Vault."""
    return Starlette(routes=key_vault.routes(world))

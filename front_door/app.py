"""The HTTP API: the same routes for OpenAI's, Azure OpenAI's and LiteLLM's clients."""

from fastapi import FastAPI
from fastapi.telemetry import TelemetryConfig

from front_door.auth import ADMIN_PREFIXES, Door
from front_door.error_answers import install_error_answers
from front_door.routers import (
    admin,
    aliases,
    batches,
    characters,
    files,
    health,
    metrics,
    models,
    remakes,
    usage,
    videos,
)
from front_door.services import FrontDoorServices
from front_door.wire import ErrorAnswer

PREFIXES = ("/v1", "/openai/v1", "/openai")
"""OpenAI's clients; Azure's v1 base URL; Azure's classic clients, which send an api-version that needs no reading."""
_NO_TELEMETRY: TelemetryConfig = {"tracing": False, "metrics": False, "logs": False}
"""`front_door.request_spans` knows better what to tell."""
_RESOURCES = (videos, remakes, characters, aliases, models, files, batches, usage)


def create_app(services: FrontDoorServices) -> FastAPI:
    """Make the API.

    Args:
        services: What requests may need.
    """
    app = FastAPI(
        title="Reelay",
        summary="A front door for AI video generation: OpenAI's videos API, durable and in your own storage.",
        redoc_url=None,
        telemetry=_NO_TELEMETRY,
        responses={"4XX": {"model": ErrorAnswer}, "5XX": {"model": ErrorAnswer}},
    )
    app.state.services = services
    app.add_middleware(Door, callers=services.callers, operators=services.operators)
    install_error_answers(app)
    app.include_router(health.router)
    app.include_router(metrics.router)
    for prefix in PREFIXES:
        for resource in _RESOURCES:
            app.include_router(resource.router, prefix=prefix, include_in_schema=prefix == PREFIXES[0])
    for prefix in ADMIN_PREFIXES:
        app.include_router(admin.router, prefix=prefix, include_in_schema=prefix == ADMIN_PREFIXES[0])
    return app

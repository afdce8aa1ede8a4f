"""/healthz and /readyz: whether the process lives, and whether it can do its work."""

import asyncio
from http import HTTPStatus

from azure.core.exceptions import AzureError
from fastapi import APIRouter, Response

from domain.catalog import Deployment
from domain.errors import CredentialUnavailable, NoCredential
from domain.retirement import retirement_warnings
from front_door.services import FrontDoorServices, Services
from front_door.wire import CheckedReadiness, DeploymentReadiness, Readiness

router = APIRouter(tags=["health"])


@router.get("/healthz")
async def healthz() -> dict[str, str]:
    """The process answers."""
    return {"status": "ok"}


@router.get("/readyz", responses={503: {"model": Readiness}})
async def readyz(response: Response, services: Services, deep: bool = False) -> Readiness:  # noqa: FBT001, FBT002 - a query parameter
    """Say whether storage answers, and for each deployment whether a token or key can be had; `deep` tries it out.

    A retired deployment makes nothing unready, even the last one of its model: nobody mends that by taking this process
    out of use, and the other models need it.
    """
    deployments, today = services.catalog.deployments(), services.clock().date()
    look = _access if deep else _credential
    storage = await _storage_answers(services)
    found = await asyncio.gather(*(look(deployment, services) for deployment in deployments))
    told = zip(deployments, found, strict=True)
    ready = storage and all(one.reason is None or deployment.is_retired(today) for deployment, one in told)
    response.status_code = HTTPStatus.OK if ready else HTTPStatus.SERVICE_UNAVAILABLE
    return Readiness(
        status="ready" if ready else "not_ready",
        storage="ok" if storage else "unavailable",
        deployments={deployment.name: one for deployment, one in zip(deployments, found, strict=True)},
        warnings=retirement_warnings(services.catalog, today),
    )


async def _storage_answers(services: FrontDoorServices) -> bool:
    try:
        await services.videos.page("readyz", after=None, limit=1)
    except AzureError:
        return False
    return True


async def _credential(deployment: Deployment, services: FrontDoorServices) -> DeploymentReadiness:
    try:
        await services.credentials.headers(deployment.auth)
    except CredentialUnavailable as error:
        return DeploymentReadiness(credential="unavailable", reason=str(error))
    return DeploymentReadiness(credential="ok")


async def _access(deployment: Deployment, services: FrontDoorServices) -> DeploymentReadiness:
    try:
        problem = await services.api.check(deployment)
    except NoCredential as error:
        return DeploymentReadiness(credential="unavailable", reason=str(error))
    if problem:
        return CheckedReadiness(credential="ok", access=problem.fault, reason=problem.reason)
    return CheckedReadiness(credential="ok", access="ok")

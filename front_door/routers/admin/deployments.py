"""/admin/deployments: how each deployment is doing."""

import asyncio

from fastapi import APIRouter
from grpc.aio import AioRpcError

from domain.capacity import Pool
from domain.errors import Busy
from front_door.admin_wire import DeploymentList, DeploymentState
from front_door.services import FrontDoorServices, Services

router = APIRouter(prefix="/deployments")

_RETRY_AFTER_S = 5


@router.get("")
async def list_deployments(services: Services) -> DeploymentList:
    """Show what each deployment has to do, what troubles it, and how long its renders take."""
    models = services.catalog.models
    pools = await asyncio.gather(*(_pool(name, services) for name in models))
    learnt, now = await services.render_times.learnt(), services.clock()
    return DeploymentList(
        data=[
            DeploymentState.of(deployment, name, pool, learnt.get(deployment.name), now)
            for (name, model), pool in zip(models.items(), pools, strict=True)
            for deployment in model.deployments
        ]
    )


async def _pool(model: str, services: FrontDoorServices) -> Pool:
    try:
        return await services.capacity_pools.state(model)
    except (AioRpcError, TimeoutError) as error:
        raise Busy("The engine that keeps the pools cannot be reached.", retry_after_s=_RETRY_AFTER_S) from error

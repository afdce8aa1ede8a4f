"""The capacity pool as a durable entity: keeps the state, and lets `domain.capacity` decide."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

from durabletask.entities import EntityContext

from domain.capacity import RECLAIM, Fleet, Pool, Reclaim, fallback_for
from domain.catalog import Catalog
from domain.slot import TOOK
from domain.workflow import CAPACITY_POOL, PoolCall, Step, StepResult

type Entity = Callable[[EntityContext, dict[str, Any]], dict[str, Any] | None]


def capacity_pool(catalog: Catalog, max_queued: timedelta) -> Entity:
    """Make the entity; its key is a model's public name.

    Its operations are the steps of the workflow that are the pool's (a `PoolCall` in, a `StepResult` out), and the
    sweeper's `Reclaim`.

    Args:
        catalog: Who renders what. An entity is not replayed, so the configuration may change between operations.
        max_queued: How long a video may wait for a slot.
    """

    def entity(context: EntityContext, call: dict[str, Any]) -> dict[str, Any] | None:
        pool, model = Pool.model_validate(context.get_state(dict) or {}), context.entity_id.key
        fleet = Fleet.of(catalog, model, max_queued)
        if context.operation == RECLAIM:
            reclaim = Reclaim.model_validate(call)
            pool.reclaim(reclaim.leases, fleet, reclaim.now)
            answer = None
        else:
            result = serve(PoolCall.model_validate(call), pool, fleet, catalog, model)
            answer = result.model_dump(mode="json", exclude_defaults=True)
        context.set_state(pool.model_dump(mode="json", exclude_defaults=True))
        return answer

    entity.__name__ = CAPACITY_POOL
    return entity


def serve(call: PoolCall, pool: Pool, fleet: Fleet, catalog: Catalog, model: str) -> StepResult:
    """Do a step of the workflow.

    Args:
        call: Whose step, and when.
        pool: The model's; it changes.
        fleet: The model's.
        catalog: To find other models, should this one have nobody to render it.
        model: Public name.
    """
    request = call.request
    match request.step:
        case Step.ACQUIRE:
            home = catalog.model_of(request.demand.running_on)
            if home and home != model:
                return StepResult.elsewhere(home)
            fallback = fallback_for(request.demand, catalog, after=model, today=call.now.date())
            return pool.acquire(request.video, request.demand, fleet, call.now, fallback=fallback)
        case Step.REPORT:
            return StepResult.done(wake=pool.report(request.video, request.verdict or TOOK, fleet, call.now))
        case _:
            return StepResult.done(wake=pool.release(request.video, fleet, call.now, verdict=request.verdict))

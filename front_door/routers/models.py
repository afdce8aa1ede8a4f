"""/models: what can be asked for."""

from fastapi import APIRouter

from domain.errors import NotFound
from domain.offer import Offer
from front_door.services import FrontDoorServices, Services
from front_door.wire import ModelAnswer, ModelList

router = APIRouter(prefix="/models", tags=["models"])


@router.get("")
async def list_models(services: Services) -> ModelList:
    """List the models, and the sizes and lengths each can render itself."""
    return ModelList(data=[_answer(name, services) for name in services.catalog.models])


@router.get("/{name}")
async def retrieve(name: str, services: Services) -> ModelAnswer:
    """Read one model."""
    if name not in services.catalog.models:
        known = ", ".join(services.catalog.models)
        raise NotFound(f"The model '{name}' does not exist here. Available: {known}.", code="model_not_found")
    return _answer(name, services)


def _answer(name: str, services: FrontDoorServices) -> ModelAnswer:
    model, today = services.catalog.models[name], services.clock().date()
    offer = Offer(model.living(today))
    return ModelAnswer(
        id=name,
        sizes=offer.sizes(),
        seconds=offer.seconds(),
        retires_on=model.last_day(),
        retired=not offer.deployments,
    )

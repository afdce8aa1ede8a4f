"""/models: what can be asked for."""

from fastapi import APIRouter

from domain.catalog import Model
from domain.errors import NotFound
from front_door.services import Services
from front_door.wire import ModelAnswer, ModelList

router = APIRouter(prefix="/models", tags=["models"])


@router.get("")
async def list_models(services: Services) -> ModelList:
    """List the models, and the sizes and lengths each can render."""
    return ModelList(data=[_answer(name, model) for name, model in services.catalog.models.items()])


@router.get("/{name}")
async def retrieve(name: str, services: Services) -> ModelAnswer:
    """Read one model."""
    model = services.catalog.models.get(name)
    if model is None:
        known = ", ".join(services.catalog.models)
        raise NotFound(f"The model '{name}' does not exist here. Available: {known}.", code="model_not_found")
    return _answer(name, model)


def _answer(name: str, model: Model) -> ModelAnswer:
    return ModelAnswer(id=name, sizes=model.sizes(), seconds=model.seconds())

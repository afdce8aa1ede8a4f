"""What may be asked of a model today, and who may render it."""

from datetime import date
from itertools import chain
from typing import NamedTuple

from domain.catalog import Catalog, Deployment, Operation
from domain.errors import ModelRetired


class Offer(NamedTuple):
    """The living deployments that may render what is asked of a model.

    Attributes:
        deployments: The model's own first, then those of its fallback models; each model's by priority.
    """

    deployments: tuple[Deployment, ...]

    def sizes(self) -> tuple[str, ...]:
        """Every size some deployment renders, in order of preference."""
        return tuple(dict.fromkeys(size for deployment in self.deployments for size in deployment.sizes))

    def seconds(self) -> tuple[int, ...]:
        """Every length some deployment renders, in order of preference."""
        return tuple(dict.fromkeys(seconds for deployment in self.deployments for seconds in deployment.seconds))

    def only(self, deployment: str) -> "Offer":
        """What is left of it when only this one may render."""
        return Offer(tuple(each for each in self.deployments if each.name == deployment))

    def renders(self, *, size: str, seconds: int, with_image: bool = False, operation: Operation = "create") -> bool:
        """Whether some deployment can make such a video."""
        return any(
            each.renders(size=size, seconds=seconds, with_image=with_image, operation=operation)
            for each in self.deployments
        )


def offer_of(name: str, catalog: Catalog, *, may_fall_back: bool, today: date) -> Offer:
    """What is offered under the name of a model.

    Args:
        name: The model's.
        catalog: All models.
        may_fall_back: Whether its fallback models may render, too; theirs are not asked.
        today: In UTC.

    Raises:
        InvalidRequest: There is no such model.
        ModelRetired: Nobody is left to render it.
    """
    model = catalog.model(name)
    models = [model, *(catalog.models[other] for other in model.fallback_models if may_fall_back)]
    living = (sorted(each.living(today), key=lambda deployment: deployment.priority) for each in models)
    if deployments := tuple(chain.from_iterable(living)):
        return Offer(deployments)
    others = dict.fromkeys((*model.fallback_models, *catalog.models))
    alive = ", ".join(other for other in others if catalog.models[other].living(today)) or "none is left"
    raise ModelRetired(
        f"The model '{name}' is retired: its last day was {model.last_day()}. Models to ask for instead: {alive}.",
        param="model",
    )

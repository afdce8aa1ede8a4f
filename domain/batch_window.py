"""How many videos of a batch are started ahead: what the pools of its models can use, and a few spare ones."""

from collections.abc import Iterable
from datetime import date
from typing import Final

from domain.catalog import Catalog

SPARE: Final = 4
"""So many wait for a slot, that none is idle until the batch has heard of an end."""
WIDEST: Final = 400
"""The record of a batch names all of them, and has no room for more."""


def window(models: Iterable[str], catalog: Catalog, today: date) -> int:
    """How many videos of a batch may be in flight.

    Args:
        models: What its lines ask for.
        catalog: Who renders it; a model that is no longer there adds nothing.
        today: In UTC.
    """
    known = (catalog.models[name] for name in models if name in catalog.models)
    slots = sum(deployment.max_concurrent for model in known for deployment in model.living(today))
    return min(slots + SPARE, WIDEST)

"""Which deployments retire, and who renders then: told a week before, and as long as they are configured."""

from datetime import date, timedelta

from domain.catalog import Catalog

NOTICE = timedelta(days=7)
_DAY = timedelta(days=1)


def retirement_warnings(catalog: Catalog, today: date) -> list[str]:
    """A sentence for each deployment that retires within the notice or has retired.

    Args:
        catalog: All models.
        today: In UTC.
    """
    return [
        f"{deployment.name} {_when(day, today)}: {_who_is_left(name, catalog, max(day + _DAY, today))}"
        for name, model in catalog.models.items()
        for deployment in model.deployments
        if (day := deployment.retires_on) and day - today <= NOTICE
    ]


def _when(day: date, today: date) -> str:
    match (day - today).days:
        case 0:
            return f"retires on {day}, today"
        case 1:
            return f"retires on {day}, tomorrow"
        case days if days > 1:
            return f"retires on {day}, in {days} days"
        case _:
            return f"retired on {day}"


def _who_is_left(name: str, catalog: Catalog, day: date) -> str:
    model = catalog.models[name]
    if living := [deployment.name for deployment in model.living(day)]:
        return f"{name} is left to {', '.join(living)}"
    if others := [other for other in model.fallback_models if catalog.models[other].living(day)]:
        return f"{name} is left to its fallback models {', '.join(others)}"
    return f"nobody is left to render {name}, which is answered with 410: give it a deployment or fallback_models"

"""What a video may cost, before anybody knows who renders it."""

from datetime import date
from decimal import Decimal

from domain.catalog import Catalog, Deployment
from domain.video_request import VideoRequest


def highest_price_usd(asked: VideoRequest, catalog: Catalog, today: date) -> Decimal:
    """What a video costs at the dearest deployment that may render it.

    Args:
        asked: What is asked for.
        catalog: Who renders it.
        today: In UTC.
    """
    model = catalog.model(asked.model)
    models = [model, *(catalog.models[other] for other in model.fallback_models if asked.may_fall_back)]
    prices = [
        deployment.price_per_second(asked.size)
        for each in models
        for deployment in each.living(today)
        if _may_render(deployment, asked)
    ]
    return max(prices, default=Decimal(0)) * asked.seconds


def _may_render(deployment: Deployment, asked: VideoRequest) -> bool:
    return deployment.renders(size=asked.size, seconds=asked.seconds, operation=asked.operation)

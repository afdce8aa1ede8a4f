"""What a render costs: rendered seconds times the deployment's price for the size. Money is an exact Decimal in USD."""

from decimal import Decimal

from domain.catalog import Deployment


def cost_usd(deployment: Deployment, *, size: str, seconds: int) -> Decimal:
    """The price of one render."""
    return deployment.price_per_second(size) * seconds

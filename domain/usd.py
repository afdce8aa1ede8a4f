"""Amounts of money that are configured."""

from decimal import Decimal
from typing import Annotated

from pydantic import AfterValidator, Field


def _written_out(amount: Decimal) -> Decimal:
    """The same without an exponent, so that whatever is reckoned with it prints as people write amounts."""
    return Decimal(format(amount, "f"))


type Usd = Annotated[Decimal, Field(ge=0, max_digits=12, decimal_places=6), AfterValidator(_written_out)]
"""US dollars, to a millionth."""

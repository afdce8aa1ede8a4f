"""Tells the log which deployments retire."""

import logging
from datetime import date, datetime

from domain.catalog import Catalog
from domain.retirement import retirement_warnings

_log = logging.getLogger(__name__)


class RetirementNotice:
    """Warns at most once a day, however often it is given.

    Args:
        catalog: All models.
    """

    def __init__(self, catalog: Catalog) -> None:
        self._catalog = catalog
        self._given_on: date | None = None

    def give(self, now: datetime) -> None:
        """Warn of every retirement, unless that was done today."""
        today = now.date()
        if today == self._given_on:
            return
        self._given_on = today
        for warning in retirement_warnings(self._catalog, today):
            _log.warning(warning)

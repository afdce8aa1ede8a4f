"""When a timer fires: NCRONTAB expressions and plain intervals, in UTC.

https://learn.microsoft.com/azure/azure-functions/functions-bindings-timer#ncrontab-expressions
"""

import re
from collections.abc import Callable
from datetime import datetime, timedelta

from croniter import CroniterError, croniter

from local.functions_host.configuration import ConfigurationError

type Schedule = Callable[[datetime], datetime]

_FIELDS_WITH_SECONDS = 6
_INTERVAL = re.compile(r"(?:(?P<days>\d+)\.)?(?P<hours>\d+):(?P<minutes>\d+):(?P<seconds>\d+)")


def read_schedule(expression: str) -> Schedule:
    """A function from a time to the next one at which the timer fires.

    Args:
        expression: Six fields with seconds, five without, or a .NET TimeSpan such as `00:05:00`.

    Raises:
        ConfigurationError: It is none of these.
    """
    interval = _INTERVAL.fullmatch(expression)
    if interval is not None:
        period = timedelta(**{unit: int(value or 0) for unit, value in interval.groupdict().items()})
        return lambda now: now + period
    try:
        croniter(expression, second_at_beginning=_has_seconds(expression))
    except CroniterError as error:
        raise ConfigurationError(f"'{expression}' is no schedule: {error}") from error
    return lambda now: _next(expression, now)


def _next(expression: str, now: datetime) -> datetime:
    # NCRONTAB wants both the day of the month and the day of the week to match, where cron wants either.
    iterator = croniter(expression, now, second_at_beginning=_has_seconds(expression), day_or=False)
    return iterator.get_next(datetime)


def _has_seconds(expression: str) -> bool:
    return len(expression.split()) == _FIELDS_WITH_SECONDS

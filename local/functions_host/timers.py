"""Timer functions: each runs by its schedule, never beside itself."""

import asyncio
import json
from datetime import UTC, datetime

from azure.functions.meta import Datum

from local.functions_host.background import BackgroundTasks
from local.functions_host.functions import Function
from local.functions_host.schedules import Schedule, read_schedule
from local.functions_host.worker import invoke


class Timer:
    """One function with a timer trigger.

    Args:
        function: The function.
        background: Where its invocations run.

    Raises:
        ConfigurationError: Its schedule cannot be read.
    """

    def __init__(self, function: Function, background: BackgroundTasks) -> None:
        declared = function.trigger.properties
        self._function = function
        self._background = background
        self._schedule: Schedule = read_schedule(str(declared["schedule"]))
        self._run_on_startup = bool(declared.get("runOnStartup"))
        self._last: datetime | None = None

    async def run(self) -> None:
        """Fire by the schedule until cancelled; a run that takes longer than the interval delays the next."""
        if self._run_on_startup:
            await self._fire()
        due = datetime.now(UTC)
        while True:
            # The loop's clock is coarse: it may wake up just before the time that it then must not count again.
            due = self._schedule(max(due, datetime.now(UTC)))
            await asyncio.sleep((due - datetime.now(UTC)).total_seconds())
            await self._fire()

    def invoke_now(self) -> asyncio.Task[Datum | None]:
        """Start one invocation, whatever the schedule says."""
        now = datetime.now(UTC)
        last = (self._last or now).isoformat()
        status = {"Last": last, "Next": self._schedule(now).isoformat(), "LastUpdated": last}
        trigger = {"Schedule": {}, "ScheduleStatus": status, "IsPastDue": False}
        self._last = now
        return self._background.start(invoke(self._function, Datum(json.dumps(trigger), "json")))

    async def _fire(self) -> None:
        # `wait` neither raises what the function raised, nor cancels it together with the schedule.
        await asyncio.wait({self.invoke_now()})

"""Takes `Reelay.VideoRequested` events: each asks for one video."""

import json
from dataclasses import dataclass

from clients.callers import Callers
from domain.errors import InvalidRequest
from event_sources.accept_once import REFUSALS, accept_once
from event_sources.dead_letters import DeadLetters
from event_sources.grid_event import GridEvent
from event_sources.rejections import Rejections
from intake.fields import read_json_fields
from intake.services import Intake

VIDEO_REQUESTED = "Reelay.VideoRequested"


@dataclass(frozen=True)
class VideoRequests:
    """Accepts what the events ask for.

    Attributes:
        intake: What accepting works with.
        callers: Who may ask.
        dead_letters: Where those events end that can never work.
        rejections: Tells whoever asked in vain.
        insists: Whether what would have to wait is refused.
    """

    intake: Intake
    callers: Callers
    dead_letters: DeadLetters
    rejections: Rejections
    insists: bool = False

    async def receive(self, event: GridEvent) -> None:
        """Accept a video, or put the event away.

        Raises:
            NotNow: It has to wait.
            Exception: It is our fault, and the event is to be delivered again.
        """
        if event.type != VIDEO_REQUESTED:  # it may be one of our own: to tell of it would go on for ever
            message = f"The event's type is '{event.type}', not '{VIDEO_REQUESTED}'."
            await self.dead_letters.put(event, InvalidRequest(message, param="type"))
            return
        try:
            await self._accept(event)
        except REFUSALS as error:
            blob = await self.dead_letters.put(event, error)
            await self.rejections.publish(event, error, blob, of=event.digest)

    async def _accept(self, event: GridEvent) -> None:
        if not (event.id and event.source):
            raise InvalidRequest("The event has no id and source to be known by.", param="id")
        fields = read_json_fields(json.dumps(event.data).encode())
        tenant, key_id = fields.pop("tenant", None), fields.pop("key_id", None)
        if not (isinstance(tenant, str) and isinstance(key_id, str | None)):
            raise InvalidRequest("The event's data have a tenant, and perhaps a key_id: texts.", param="tenant")
        caller = await self.callers.by_id(tenant, key_id)
        if caller is None:
            raise InvalidRequest("The event's data name no tenant and key that are accepted here.", param="tenant")
        await accept_once(fields, caller=caller, key=f"event-{event.digest}", insists=self.insists, intake=self.intake)

"""An order: a POST that makes a video."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any

from fastapi import Depends, Header, Request, Response

from domain.caller import Caller
from domain.catalog import Operation
from front_door.request_fields import read_fields
from front_door.services import FromCaller, FrontDoorServices, Services
from front_door.terms import TermsHeaders
from front_door.video_answers import video_answer
from front_door.wire import VideoAnswer
from intake.accept import Terms, accept_video


@dataclass(frozen=True)
class PlacedOrder:
    """Somebody's wish for a video.

    Attributes:
        request: Its body has the fields.
        response: Takes the headers of the answer.
        caller: Whose.
        terms: What the headers said.
        services: Clients and settings.
    """

    request: Request
    response: Response
    caller: Caller
    terms: Terms
    services: FrontDoorServices

    async def fields(self) -> dict[str, Any]:
        """What was sent."""
        return await read_fields(self.request, max_bytes=self.services.max_body_bytes)

    async def accept(self, fields: Mapping[str, Any], operation: Operation) -> VideoAnswer:
        """Have it made.

        Raises:
            InvalidRequest: It can never be.
            LimitReached: The caller's limits leave no room for it.
        """
        intake = self.services.intake
        video = await accept_video(fields, caller=self.caller, terms=self.terms, intake=intake, operation=operation)
        if rate := self.services.ledger.rate(self.caller):
            self.response.headers.update(rate.headers())
        return video_answer(video, self.response, self.services)


async def _order(
    request: Request,
    response: Response,
    caller: FromCaller,
    services: Services,
    headers: Annotated[TermsHeaders, Header()],
) -> PlacedOrder:
    return PlacedOrder(request, response, caller, headers.terms(), services)


type Order = Annotated[PlacedOrder, Depends(_order)]

"""A Content Safety resource: a text is as harmful as its words say (`violence_4`), a picture as a setting says.

Protocol: https://learn.microsoft.com/rest/api/contentsafety/
"""

import re
from collections.abc import Mapping
from io import BytesIO
from typing import Annotated, Any, Final, Literal

from PIL import Image
from pydantic import Base64Bytes, BaseModel, ConfigDict, Field, ValidationError
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from local.azure_fakes.credentials import bearer
from local.azure_fakes.errors import AzureError, access_denied
from local.azure_fakes.faults import Operation
from local.azure_fakes.service import Call, Endpoint
from local.azure_fakes.world import World

SCOPE: Final = "https://cognitiveservices.azure.com"
CATEGORIES: Final = {"hate": "Hate", "self_harm": "SelfHarm", "sexual": "Sexual", "violence": "Violence"}
MOST_CHARACTERS: Final = 10_000
MOST_BYTES: Final = 4 << 20
SIDES: Final = range(50, 2_049)
_WORD: Final = re.compile(rf"\b({'|'.join(CATEGORIES)})_([0-7])\b")


class _Body(BaseModel):
    model_config = ConfigDict(extra="ignore")


class TextBody(_Body):
    """What text:analyze takes."""

    text: Annotated[str, Field(max_length=MOST_CHARACTERS)]
    output_type: Annotated[Literal["FourSeverityLevels", "EightSeverityLevels"], Field(alias="outputType")] = (
        "FourSeverityLevels"
    )


class ImageContent(_Body):
    """A picture."""

    content: Annotated[Base64Bytes, Field(max_length=MOST_BYTES)]


class ImageBody(_Body):
    """What image:analyze takes."""

    image: ImageContent


class ContentSafety:
    """Tells how harmful something is."""

    def __init__(self, world: World) -> None:
        self._world = world

    async def analyze_text(self, call: Call) -> Response:
        """POST /contentsafety/text:analyze."""
        self._check_access(call.request)
        try:
            body = TextBody.model_validate_json(await call.request.body())
        except ValidationError as error:
            raise _invalid(error) from error
        found = {category: int(severity) for category, severity in _WORD.findall(body.text)}
        step = 2 if body.output_type == "FourSeverityLevels" else 1
        return JSONResponse({"blocklistsMatch": [], **_analysis(found, step=step)})

    async def analyze_image(self, call: Call) -> Response:
        """POST /contentsafety/image:analyze."""
        self._check_access(call.request)
        try:
            body = ImageBody.model_validate_json(await call.request.body())
            with Image.open(BytesIO(body.image.content)) as image:
                size = image.size
        except (ValidationError, OSError) as error:
            raise _invalid(error) from error
        if any(side not in SIDES for side in size):
            raise AzureError(400, _error("InvalidImageSize", f"The image has {size} pixels."))
        return JSONResponse(_analysis(self._world.settings.image_severities, step=2))

    def _check_access(self, request: Request) -> None:
        key, token = request.headers.get("ocp-apim-subscription-key"), bearer(request.headers)
        if key is not None and key == self._world.settings.content_safety_key:
            return
        if token is None or not self._world.tokens.accepts(token, [SCOPE]):
            raise access_denied()


def _analysis(found: Mapping[str, int], *, step: int) -> dict[str, Any]:
    return {
        "categoriesAnalysis": [
            {"category": name, "severity": found.get(category, 0) // step * step}
            for category, name in CATEGORIES.items()
        ]
    }


def _invalid(error: Exception) -> AzureError:
    return AzureError(400, _error("InvalidRequestBody", f"The request body cannot be used: {error}"))


def _error(code: str, message: str) -> dict[str, Any]:
    return {"error": {"code": code, "message": message, "details": []}}


def routes(world: World) -> list[Route]:
    """Return the routes of the resource."""
    service = ContentSafety(world)
    handlers = {
        "text": Endpoint(world, Operation.ANALYZE_TEXT, service.analyze_text),
        "image": Endpoint(world, Operation.ANALYZE_IMAGE, service.analyze_image),
    }
    return [Route(f"/contentsafety/{kind}:analyze", endpoint, methods=["POST"]) for kind, endpoint in handlers.items()]

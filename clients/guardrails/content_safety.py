"""Azure AI Content Safety: how harmful texts and pictures are.

Protocol: https://learn.microsoft.com/rest/api/contentsafety/
"""

import asyncio
from collections.abc import AsyncGenerator, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Any

from azure.ai.contentsafety.aio import ContentSafetyClient
from azure.ai.contentsafety.models import (
    AnalyzeImageOptions,
    AnalyzeTextOptions,
    AnalyzeTextOutputType,
    ImageCategoriesAnalysis,
    ImageData,
    TextCategoriesAnalysis,
)
from azure.core.credentials import AzureKeyCredential
from azure.core.credentials_async import AsyncTokenCredential
from azure.core.exceptions import AzureError, ClientAuthenticationError

from clients.guardrails.picture import analysable
from clients.service_key import ServiceKey
from domain.errors import CheckImpossible, CredentialUnavailable

_MOST_CHARACTERS = 10_000
_OVERLAP = 200
"""What is cut in two is looked at whole in one of the parts."""
_CATEGORIES = {"Hate": "hate", "SelfHarm": "self_harm", "Sexual": "sexual", "Violence": "violence"}

type Severities = Mapping[str, int]


class ContentSafety:
    """One resource.

    Args:
        client: Of the resource.
        key: Its key; None if it knows us by our identity.
    """

    def __init__(self, client: ContentSafetyClient, key: ServiceKey | None = None) -> None:
        self._client = client
        self._key = key

    async def of_text(self, text: str, *, fine: bool) -> Severities:
        """How harmful a text is, by category.

        Args:
            text: Of any length; a long one is looked at in parts.
            fine: Whether to tell eight levels, not four.

        Raises:
            CheckImpossible: Nobody knows.
        """
        levels = AnalyzeTextOutputType.EIGHT_SEVERITY_LEVELS if fine else AnalyzeTextOutputType.FOUR_SEVERITY_LEVELS
        async with self._asking():
            asked = [AnalyzeTextOptions(text=part, output_type=levels) for part in _parts(text)]
            answers = await asyncio.gather(*(self._client.analyze_text(each) for each in asked))
        return _worst(answer.categories_analysis for answer in answers)

    async def of_picture(self, content: bytes) -> Severities:
        """How harmful a picture is, by category.

        Raises:
            CheckImpossible: Nobody knows.
        """
        fitting = await asyncio.to_thread(analysable, content)
        async with self._asking():
            answer = await self._client.analyze_image(AnalyzeImageOptions(image=ImageData(content=fitting)))
        return _worst([answer.categories_analysis])

    async def close(self) -> None:
        """Close the connections."""
        await self._client.close()

    @asynccontextmanager
    async def _asking(self) -> AsyncGenerator[None]:
        """What the SDK says of an error may quote what was sent, so it is not repeated."""
        try:
            if self._key:
                await self._key.read()
            yield
        except CredentialUnavailable as error:
            raise CheckImpossible(f"Content Safety cannot be asked: {error}") from error
        except AzureError as error:
            if self._key and isinstance(error, ClientAuthenticationError):
                self._key.forget()
            status = getattr(error, "status_code", None)
            raise CheckImpossible(f"Content Safety failed ({status or type(error).__name__})") from None


def connect(endpoint: str, credential: AzureKeyCredential | AsyncTokenCredential) -> ContentSafetyClient:
    """A client that gives up soon: somebody waits for the answer."""
    transport: dict[str, Any] = {"use_env_settings": False, "retry_total": 2, "retry_backoff_factor": 0.2}
    return ContentSafetyClient(endpoint.rstrip("/"), credential, **transport)


def _parts(text: str) -> Sequence[str]:
    step = _MOST_CHARACTERS - _OVERLAP
    return [text[start : start + _MOST_CHARACTERS] for start in range(0, max(1, len(text) - _OVERLAP), step)]


def _worst(analyses: Iterable[Iterable[TextCategoriesAnalysis | ImageCategoriesAnalysis]]) -> Severities:
    severities = dict[str, int]()
    for analysis in analyses:
        for each in analysis:
            name = _CATEGORIES.get(str(each.category), str(each.category))
            severities[name] = max(severities.get(name, 0), each.severity or 0)
    return severities

"""Sends webhooks as Standard Webhooks (https://www.standardwebhooks.com) has it."""

import asyncio
import logging
import time
from collections.abc import Callable
from datetime import datetime

import httpx
from standardwebhooks import Webhook
from standardwebhooks.webhooks import EmptyWebhookSecretError

from clients.guarded_transport import ForbiddenAddress
from clients.secret_store import SecretStore
from domain.errors import CredentialUnavailable
from domain.webhook import Attempt, SigningSecret, WebhookEndpoint

LIMIT_S = 5.0
"""How long an endpoint may take to answer."""
_OLD_SECRET_LIMIT_S = 1.0
_log = logging.getLogger(__name__)


class WebhookSender:
    """Signs and sends.

    Args:
        http: Follows no redirects, and sends through a `GuardedTransport`.
        secrets: Reads the secrets that are kept elsewhere.
        clock: The present time, UTC.
    """

    def __init__(self, http: httpx.AsyncClient, secrets: SecretStore, clock: Callable[[], datetime]) -> None:
        self._http = http
        self._secrets = secrets
        self._clock = clock

    async def send(self, endpoint: WebhookEndpoint, event_id: str, body: str) -> Attempt:
        """Send an event once; whatever goes wrong is in the answer."""
        now, started = self._clock(), time.perf_counter()
        status_code, error = None, None
        try:
            async with asyncio.timeout(LIMIT_S):
                headers = {
                    "content-type": "application/json",
                    "user-agent": "reelay",
                    "webhook-id": event_id,
                    "webhook-timestamp": str(int(now.timestamp())),
                    "webhook-signature": await self._signatures(endpoint, event_id, body, now),
                }
                status_code = await self._post(endpoint.url, body, headers)
            error = None if httpx.codes.is_success(status_code) else f"HTTP {status_code}"
        except (CredentialUnavailable, ForbiddenAddress) as failure:
            error = str(failure)
        except TimeoutError:
            error = f"No answer within {LIMIT_S:g} s"
        except (httpx.HTTPError, httpx.InvalidURL) as failure:
            error = f"The request failed ({type(failure).__name__})"
        took_ms = round((time.perf_counter() - started) * 1000)
        return Attempt(at=now, status_code=status_code, error=error, took_ms=took_ms)

    async def _post(self, url: str, body: str, headers: dict[str, str]) -> int:
        """The answer's status; nothing else of it is read."""
        async with self._http.stream("POST", url, content=body, headers=headers) as response:
            return response.status_code

    async def _signatures(self, endpoint: WebhookEndpoint, event_id: str, body: str, now: datetime) -> str:
        newest, *older = endpoint.signing_secrets(now)
        signatures = [await self._signature(newest, event_id, body, now)]
        for secret in older:
            try:
                async with asyncio.timeout(_OLD_SECRET_LIMIT_S):
                    signatures.append(await self._signature(secret, event_id, body, now))
            except (CredentialUnavailable, TimeoutError) as failure:
                _log.warning("%s does without the secret before: %r", endpoint.endpoint_id, failure)
        return " ".join(signatures)

    async def _signature(self, secret: SigningSecret, event_id: str, body: str, now: datetime) -> str:
        value = secret.value or (await self._secrets.get(secret.reference) if secret.reference else "")
        try:
            return Webhook(value).sign(event_id, now, body)
        except (ValueError, EmptyWebhookSecretError):  # what they say could show the secret
            raise CredentialUnavailable("The signing secret is not whsec_ and base64.") from None

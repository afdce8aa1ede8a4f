"""Decides whether a caller may use a deployment of the videos API."""

from starlette.requests import Request

from local.azure_fakes.credentials import bearer
from local.azure_fakes.errors import access_denied, unknown_deployment
from local.azure_fakes.world import World


class Access:
    """What the credential of one request opens: `api-key: KEY` or `Authorization: Bearer KEY-or-token`.

    A deployment named in the path is a resource of its own. Those named by the `model` field share one resource, where
    a deployment that has no key does not exist for a caller whose key opens another one.

    Raises:
        AzureError: 401, there is no credential.
    """

    def __init__(self, world: World, request: Request) -> None:
        credential = request.headers.get("api-key") or bearer(request.headers)
        if credential is None:
            raise access_denied()
        self._credential = credential
        self._world = world
        self._shares_resource = "deployment" not in request.path_params

    def require(self, deployment: str) -> None:
        """Check that the caller may use a deployment, and that it exists.

        Raises:
            AzureError: 401 or 404.
        """
        settings = self._world.deployment(deployment)
        if self.opens(deployment):
            if not settings.exists:
                raise unknown_deployment(deployment)
        elif self._shares_resource and settings.api_key is None and self._is_a_key():
            raise unknown_deployment(deployment)
        else:
            raise access_denied()

    def require_any(self) -> None:
        """Check that the credential is good for something.

        Raises:
            AzureError: 401.
        """
        if not self._is_a_key() and not self._world.tokens.accepts(
            self._credential, self._world.settings.accepted_scopes
        ):
            raise access_denied()

    def opens(self, deployment: str) -> bool:
        """Say whether the credential is good for a deployment."""
        settings = self._world.deployment(deployment)
        return self._credential == settings.api_key or self._world.tokens.accepts(
            self._credential, settings.accepted_scopes
        )

    def _is_a_key(self) -> bool:
        return self._credential in self._world.settings.all_keys()

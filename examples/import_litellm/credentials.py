"""The `auth` of a deployment, from what LiteLLM logs in with. No secret is carried over, only where to find it."""

import re
from collections.abc import Iterator
from typing import Any, Final

from examples.import_litellm.report import Report
from examples.import_litellm.source import Params, variable_of

SCOPE: Final = "https://cognitiveservices.azure.com/.default"
"""The scope LiteLLM asks for unless told otherwise."""
FILL_IN: Final = "FILL-IN"

type Auth = dict[str, Any]

_KEY: Final = ("api_key",)
_TOKEN: Final = ("azure_ad_token",)
_APP: Final = ("tenant_id", "client_id", "client_secret")
_USER: Final = ("client_id", "azure_username", "azure_password")
_FIELDS: Final = tuple(dict.fromkeys((*_KEY, *_TOKEN, *_APP, *_USER, "azure_scope")))


class Credential:
    """Says who we are to one deployment.

    Args:
        name: The deployment's name; variables for secrets that were written out are called after it.
        params: What LiteLLM knows.
        path: Where it is written down.
        report: Told what is left to do.
    """

    def __init__(self, name: str, params: Params, path: str, report: Report) -> None:
        self._name = name
        self._params = params
        self._path = path
        self._report = report

    def azure(self, *, default_identity: bool) -> Auth:
        """The auth of an Azure deployment; of several ways, LiteLLM's first is taken."""
        given = self._params.model_dump(exclude_none=True)
        if given.get("api_key"):
            return self._only(_KEY, {"kind": "api_key", "secret": self._secret("api_key", "KEY")})
        if given.get("client_secret"):
            app = self._named("tenant_id", "client_id") | {"secret": self._secret("client_secret", "SECRET")}
            return self._only((*_APP, "azure_scope"), {"kind": "client_secret", **app, **self._scope()})
        if given.get("azure_password"):
            return self._only((*_USER, "tenant_id", "azure_scope"), self._user())
        if given.get("azure_ad_token"):
            return self._only(_TOKEN, self._token(given["azure_ad_token"]))
        if default_identity:
            return self._only(("azure_scope",), {"kind": "default", **self._scope()})
        self._report.decide(f"{self._path}.api_key", "there is no credential; AZURE_API_KEY is taken, as LiteLLM does")
        return self._only((), {"kind": "api_key", "secret": "env:AZURE_API_KEY"})

    def openai(self, *, own_server: bool) -> Auth:
        """The auth of a server with OpenAI's API.

        Args:
            own_server: Whether it is another than OpenAI's.
        """
        if self._params.api_key:
            auth = {"kind": "api_key", "secret": self._secret("api_key", "KEY"), "sent_as": "bearer"}
            return self._only(_KEY, auth)
        if own_server:
            self._report.decide(f"{self._path}.api_key", "there is none, so the server is taken to be open")
            return self._only((), {"kind": "none"})
        self._report.decide(f"{self._path}.api_key", "there is none; OPENAI_API_KEY is taken, as LiteLLM does")
        return self._only((), {"kind": "api_key", "secret": "env:OPENAI_API_KEY", "sent_as": "bearer"})

    def _user(self) -> Auth:
        self._report.decide(f"{self._path}.azure_password", "a user's password is deprecated: use managed_identity")
        tenant = {"tenant_id": self._params.tenant_id} if self._params.tenant_id else {}
        user = self._named("client_id") | {"username": self._params.azure_username or self._missing("azure_username")}
        password = {"password": self._secret("azure_password", "PASSWORD")}
        return {"kind": "username_password", **user, **password, **tenant, **self._scope()}

    def _token(self, token: str) -> Auth:
        if not token.startswith("oidc/"):
            return {"kind": "entra_token", "secret": self._secret("azure_ad_token", "TOKEN")}
        self._report.decide(
            f"{self._path}.azure_ad_token", "exchanged through OIDC there: check the fields of workload_identity"
        )
        given = {name: getattr(self._params, name) for name in ("tenant_id", "client_id")}
        return {"kind": "workload_identity", **{name: value for name, value in given.items() if value}, **self._scope()}

    def _scope(self) -> dict[str, str]:
        return {"scope": self._params.azure_scope or SCOPE}

    def _named(self, *fields: str) -> dict[str, str]:
        return {field: getattr(self._params, field) or self._missing(field) for field in fields}

    def _missing(self, field: str) -> str:
        self._report.decide(f"{self._path}.{field}", f"there is none: replace {FILL_IN}")
        return FILL_IN

    def _secret(self, field: str, what: str) -> str:
        variable = variable_of(getattr(self._params, field))
        if variable is None:
            variable = re.sub(r"\W+", "_", f"UPSTREAM_{self._name}_{what}".upper(), flags=re.ASCII)
            self._report.decide(f"{self._path}.{field}", f"was written out: set {variable}, to a new one if you can")
        return f"env:{variable}"

    def _only(self, used: tuple[str, ...], auth: Auth) -> Auth:
        for field in self._unused(used, auth):
            self._report.lose(f"{self._path}.{field}", f"not used, for the credential is a {auth['kind']}")
        return auth

    def _unused(self, used: tuple[str, ...], auth: Auth) -> Iterator[str]:
        return (field for field in _FIELDS if getattr(self._params, field) and field not in {*used, *auth})

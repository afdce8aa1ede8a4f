"""The ways to tell a deployment who we are. Whatever is secret is a reference, never the secret itself."""

from typing import Annotated, Literal

from pydantic import Field

from domain.configuration import Configuration
from domain.secret_reference import SecretRef, SecretReference

TOKEN_SCOPE = "https://ai.azure.com/.default"  # noqa: S105 - a public scope; older docs name cognitiveservices.azure.com

type _Name = Annotated[str, Field(min_length=1)]


class NoAuth(Configuration):
    """Nothing at all, for a server that is open to whoever reaches it."""

    kind: Literal["none"]


class ApiKeyAuth(Configuration):
    """A key of the resource.

    Attributes:
        sent_as: The header: `api-key` as Azure has it, or `bearer` as vLLM and most gateways do.
    """

    kind: Literal["api_key"]
    secret: SecretRef
    sent_as: Literal["api-key", "bearer"] = "api-key"


class EntraTokenAuth(Configuration):
    """An access token that somebody else fetches and renews, such as a sidecar that writes it to a file."""

    kind: Literal["entra_token"]
    secret: SecretRef


class _IdentityAuth(Configuration):
    """An identity of Microsoft Entra, for which tokens are fetched and renewed.

    Attributes:
        scope: The tokens' audience, with `/.default`.
    """

    scope: _Name = TOKEN_SCOPE


class ManagedIdentityAuth(_IdentityAuth):
    """The identity of the function app itself.

    Attributes:
        client_id: A user-assigned identity; None for the system-assigned one.
    """

    kind: Literal["managed_identity"]
    client_id: _Name | None = None


class ClientSecretAuth(_IdentityAuth):
    """An app registration with a client secret."""

    kind: Literal["client_secret"]
    tenant_id: _Name
    client_id: _Name
    secret: SecretRef


class ClientCertificateAuth(_IdentityAuth):
    """An app registration with a certificate.

    Attributes:
        certificate: The certificate with its private key: PEM, or PKCS#12 in base64 as Key Vault hands it out.
        password: Of the private key, if it has one.
    """

    kind: Literal["client_certificate"]
    tenant_id: _Name
    client_id: _Name
    certificate: SecretRef
    password: SecretRef | None = None


class WorkloadIdentityAuth(_IdentityAuth):
    """A federated identity of Kubernetes; what is left out is read from the variables that its webhook sets.

    Attributes:
        tenant_id: Else `AZURE_TENANT_ID`.
        client_id: Else `AZURE_CLIENT_ID`.
        token_file: Else `AZURE_FEDERATED_TOKEN_FILE`.
    """

    kind: Literal["workload_identity"]
    tenant_id: _Name | None = None
    client_id: _Name | None = None
    token_file: _Name | None = None


class UsernamePasswordAuth(_IdentityAuth):
    """A user's password: deprecated by Microsoft, and impossible where multi-factor authentication is asked for."""

    kind: Literal["username_password"]
    client_id: _Name
    username: _Name
    password: SecretRef
    tenant_id: _Name | None = None


class AzureCliAuth(_IdentityAuth):
    """Whoever has logged in with `az login` on this machine."""

    kind: Literal["azure_cli"]
    tenant_id: _Name | None = None


class DefaultAuth(_IdentityAuth):
    """Whatever azure-identity's DefaultAzureCredential finds.

    Attributes:
        client_id: The user-assigned identity to take if it finds managed identities.
    """

    kind: Literal["default"]
    client_id: _Name | None = None


# No `type` statement: pydantic would take the alias for one member of the union below, and try all of its kinds.
IdentityAuth = (
    ManagedIdentityAuth
    | ClientSecretAuth
    | ClientCertificateAuth
    | WorkloadIdentityAuth
    | UsernamePasswordAuth
    | AzureCliAuth
    | DefaultAuth
)
type Auth = Annotated[NoAuth | ApiKeyAuth | EntraTokenAuth | IdentityAuth, Field(discriminator="kind")]


def secrets_of(auth: Auth) -> tuple[SecretReference, ...]:
    """Every secret that an auth refers to."""
    return tuple(value for _, value in auth if isinstance(value, SecretReference))

"""Why a deployment does not let us in, in words that say what to change."""

from enum import StrEnum

from pydantic import BaseModel, ConfigDict


class AccessFault(StrEnum):
    """What is wrong between a deployment and us."""

    BAD_KEY = "bad_key"
    WRONG_ENDPOINT = "wrong_endpoint"
    MISSING_ROLE = "missing_role"
    WRONG_SCOPE = "wrong_scope"
    NETWORK_RULE = "network_rule"
    UNAVAILABLE = "unavailable"

    @property
    def remedy(self) -> str:
        """What the operator can do about it."""
        return _REMEDIES[self]


class AccessProblem(BaseModel):
    """One deployment's answer to whether we may use it, when it is no.

    Attributes:
        reason: The remedy, and what the deployment said; it holds no secret.
    """

    model_config = ConfigDict(frozen=True)
    fault: AccessFault
    reason: str


_REMEDIES = {
    AccessFault.BAD_KEY: "Bad key: it is not accepted. Put a valid one where auth's secret is looked for.",
    AccessFault.WRONG_ENDPOINT: (
        "Wrong endpoint: there is no videos API. Check the deployment's endpoint; on Azure it ends in /openai/v1/."
    ),
    AccessFault.MISSING_ROLE: (
        "Missing role: the identity is known but may not do this. "
        "Give it the role Cognitive Services OpenAI User on the resource."
    ),
    AccessFault.WRONG_SCOPE: (
        "Wrong scope: the token is not accepted. Try another auth.scope (https://ai.azure.com/.default, or "
        "https://cognitiveservices.azure.com/.default for older resources), and check the tenant."
    ),
    AccessFault.NETWORK_RULE: (
        "Network rule: the resource does not let this network in. "
        "Allow it in the resource's firewall, or reach it by its private endpoint."
    ),
    AccessFault.UNAVAILABLE: "The deployment does not work just now; nothing is known to be wrong with the credential.",
}

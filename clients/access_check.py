"""Tells from a deployment's answer to a harmless call why it does not let us in.

Of the wordings below, only that of an invalid key was seen on the live service; the others tell roles, networks,
tenants and switched-off keys apart as far as they hold. What the server said is passed on beside our reading of it.
"""

from http import HTTPStatus

import httpx

from clients.upstream_wire import read_jobs, to_error
from domain.access import AccessFault, AccessProblem
from domain.auth import ApiKeyAuth, Auth, EntraTokenAuth, NoAuth
from domain.errors import UpstreamUnavailable

_ROLE_WORDS = ("lacks the required data action", "permissiondenied", "authorizationfailed")
_NETWORK_WORDS = ("virtual network", "firewall", "public access is disabled", "private endpoint")
_TENANT_WORDS = ("tenant provided in token", "audience is incorrect")
_KEYS_OFF_WORDS = ("key based authentication is disabled", "authenticationtypedisabled")
_LETS_US_IN = {HTTPStatus.TOO_MANY_REQUESTS, HTTPStatus.METHOD_NOT_ALLOWED, HTTPStatus.NOT_IMPLEMENTED}
"""It is too busy, or has no list; it has not refused us."""


def problem_of(response: httpx.Response, auth: Auth) -> AccessProblem | None:
    """What the answer to the list call says about our access; None if we are let in."""
    fault = _fault(response, auth)
    if fault is None:
        return None
    said = f"HTTP {response.status_code}" if response.is_success else to_error(response).message
    return AccessProblem(fault=fault, reason=f"{fault.remedy} ({response.request.url.host} said: {said})")


def problem_of_silence(error: httpx.RequestError, host: str) -> AccessProblem:
    """What it means that there was no answer."""
    match error:
        case httpx.ConnectTimeout():
            fault = AccessFault.NETWORK_RULE
        case httpx.ConnectError() | httpx.UnsupportedProtocol():
            fault = AccessFault.WRONG_ENDPOINT
        case _:
            fault = AccessFault.UNAVAILABLE
    return AccessProblem(fault=fault, reason=f"{fault.remedy} ({host} gave no answer: {type(error).__name__})")


def _fault(response: httpx.Response, auth: Auth) -> AccessFault | None:
    status = response.status_code
    if status in _LETS_US_IN:
        return None
    if response.is_success:
        return None if _is_a_list(response) else AccessFault.WRONG_ENDPOINT
    if status in {HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN} or _says(response, _TENANT_WORDS):
        return _refusal(response, auth)
    if isinstance(to_error(response), UpstreamUnavailable):
        return AccessFault.UNAVAILABLE
    return AccessFault.WRONG_ENDPOINT


def _refusal(response: httpx.Response, auth: Auth) -> AccessFault:
    if _says(response, _ROLE_WORDS):
        return AccessFault.MISSING_ROLE
    if _says(response, _NETWORK_WORDS):
        return AccessFault.NETWORK_RULE
    if isinstance(auth, ApiKeyAuth | NoAuth) or _says(response, _KEYS_OFF_WORDS):
        return AccessFault.BAD_KEY
    if response.status_code == HTTPStatus.FORBIDDEN:
        return AccessFault.MISSING_ROLE
    return AccessFault.BAD_KEY if isinstance(auth, EntraTokenAuth) else AccessFault.WRONG_SCOPE


def _says(response: httpx.Response, words: tuple[str, ...]) -> bool:
    text = response.text.lower()
    return any(word in text for word in words)


def _is_a_list(response: httpx.Response) -> bool:
    try:
        read_jobs(response)
    except ValueError:
        return False
    return True

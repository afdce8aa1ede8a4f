"""/readyz?deep=1 asks the deployments themselves, with the real identity and Key Vault clients."""

from typing import Any

import pytest

from domain.access import AccessFault
from tests.integration.app.workflow import KEYED, MANAGED, Workflow

FIREWALL = {"error": {"code": "403", "message": "Access denied due to Virtual Network/Firewall rules."}}
NO_ROLE = {"error": {"code": "PermissionDenied", "message": "The principal lacks the required data action."}}


async def fault_of(workflow: Workflow, name: str) -> AccessFault | None:
    deployment = workflow.services.catalog.deployment(name)
    assert deployment
    problem = await workflow.services.api.check(deployment)
    return problem and problem.fault


@pytest.mark.parametrize("name", [MANAGED, KEYED])
async def test_everything_is_right(workflow: Workflow, name: str):
    assert await fault_of(workflow, name) is None


@pytest.mark.parametrize(
    ("name", "settings", "fault"),
    [
        (KEYED, {"api_keys": {KEYED: "another key"}}, AccessFault.BAD_KEY),
        (MANAGED, {"accepted_scopes": ["https://cognitiveservices.azure.com"]}, AccessFault.WRONG_SCOPE),
        (MANAGED, {"deployments": {MANAGED: {"exists": False}}}, AccessFault.WRONG_ENDPOINT),
    ],
)
async def test_what_is_set_wrongly_is_named(
    workflow: Workflow, name: str, settings: dict[str, Any], fault: AccessFault
):
    workflow.fakes.world.change_settings(settings)

    assert await fault_of(workflow, name) is fault


@pytest.mark.parametrize(
    ("status", "body", "fault"),
    [
        (403, FIREWALL, AccessFault.NETWORK_RULE),
        (401, NO_ROLE, AccessFault.MISSING_ROLE),
        (403, NO_ROLE, AccessFault.MISSING_ROLE),
        (503, None, AccessFault.UNAVAILABLE),
    ],
)
async def test_what_azure_answers_is_named(workflow: Workflow, status: int, body: Any, fault: AccessFault):
    answer = {"body": body} if body else {}
    await workflow.faults({"operation": "list", "effect": "status", "status": status, "times": 2, **answer})

    assert await fault_of(workflow, MANAGED) is fault


async def test_rotated_key_is_found_by_the_check(workflow: Workflow):
    assert await fault_of(workflow, KEYED) is None
    workflow.fakes.world.change_settings({"api_keys": {KEYED: "new key"}, "secrets": {"pro-key": "new key"}})

    assert await fault_of(workflow, KEYED) is None

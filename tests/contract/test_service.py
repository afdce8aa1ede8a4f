"""What the service says of itself."""

import httpx

from tests.e2e.running_stack import RunningStack


def test_health_needs_nothing_but_the_process(stack: RunningStack):
    assert httpx.get(f"{stack.host}/healthz").json() == {"status": "ok"}


def test_readiness_says_whose_credential_can_be_had_and_shows_none(stack: RunningStack):
    answer = httpx.get(f"{stack.host}/readyz", headers={"api-key": stack.api_key})

    assert answer.status_code == 200
    ready = {"credential": "ok", "reason": None}
    assert answer.json() == {
        "status": "ready",
        "storage": "ok",
        "deployments": {"sora-2-eastus2": ready, "sora-2-pro-swedencentral": ready},
        "warnings": [],
    }


def test_models_say_what_they_can_render(api: httpx.Client):
    models = {model["id"]: model for model in api.get("/models").raise_for_status().json()["data"]}

    assert list(models) == ["sora-2", "sora-2-pro"]
    assert models["sora-2"]["sizes"] == ["720x1280", "1280x720"]
    assert models["sora-2"]["seconds"] == [4, 8, 12]
    assert api.get("/models/sora-2").json() == models["sora-2"]


def test_unknown_model_names_the_known_ones(api: httpx.Client):
    answer = api.get("/models/veo")

    assert answer.status_code == 404
    assert "sora-2, sora-2-pro" in answer.json()["error"]["message"]


def test_documentation_lists_every_operation_once(stack: RunningStack):
    described = httpx.get(f"{stack.host}/openapi.json").json()

    assert "swagger-ui" in httpx.get(f"{stack.host}/docs").text
    assert {path: sorted(methods) for path, methods in described["paths"].items()} == {
        "/healthz": ["get"],
        "/metrics": ["get"],
        "/readyz": ["get"],
        "/v1/admin/audit": ["get"],
        "/v1/admin/deployments": ["get"],
        "/v1/admin/keys": ["get", "post"],
        "/v1/admin/keys/{key_id}": ["delete", "get", "patch"],
        "/v1/admin/keys/{key_id}/rotate": ["post"],
        "/v1/admin/ledger/verify": ["get"],
        "/v1/admin/tenants": ["get", "post"],
        "/v1/admin/tenants/{name}": ["get", "patch"],
        "/v1/admin/usage": ["get"],
        "/v1/admin/webhooks": ["get", "post"],
        "/v1/admin/webhooks/{endpoint_id}": ["delete", "get", "patch"],
        "/v1/admin/webhooks/{endpoint_id}/deliveries": ["get"],
        "/v1/admin/webhooks/{endpoint_id}/rotate": ["post"],
        "/v1/admin/webhooks/{endpoint_id}/test": ["post"],
        "/v1/batches": ["get", "post"],
        "/v1/batches/{batch_id}": ["get"],
        "/v1/batches/{batch_id}/cancel": ["post"],
        "/v1/batches/{batch_id}/retry": ["post"],
        "/v1/files": ["get", "post"],
        "/v1/files/{file_id}": ["delete", "get"],
        "/v1/files/{file_id}/content": ["get"],
        "/v1/models": ["get"],
        "/v1/models/{name}": ["get"],
        "/v1/usage": ["get"],
        "/v1/videos": ["get", "post"],
        "/v1/videos/characters": ["post"],
        "/v1/videos/characters/{character_id}": ["get"],
        "/v1/videos/edits": ["post"],
        "/v1/videos/extensions": ["post"],
        "/v1/videos/generations": ["post"],
        "/v1/videos/remix": ["post"],
        "/v1/videos/retrieval": ["post"],
        "/v1/videos/status": ["post"],
        "/v1/videos/{video_id}": ["delete", "get"],
        "/v1/videos/{video_id}/cancel": ["post"],
        "/v1/videos/{video_id}/content": ["get"],
        "/v1/videos/{video_id}/remix": ["post"],
    }

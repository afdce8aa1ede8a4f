"""What the tests send, and how they wait."""

import base64
import io
from typing import Any

import httpx
from PIL import Image

from tests.e2e.running_stack import RunningStack, wait_until


def image(width: int = 1280, height: int = 720, kind: str = "PNG") -> bytes:
    file = io.BytesIO()
    Image.new("RGB", (width, height)).save(file, kind)
    return file.getvalue()


def data_url(content: bytes) -> str:
    return f"data:image/png;base64,{base64.b64encode(content).decode()}"


def ended(api: httpx.Client, video_id: str) -> dict[str, Any]:
    """Wait until a video is completed or failed."""

    def look() -> dict[str, Any]:
        return api.get(f"/videos/{video_id}").raise_for_status().json()

    wait_until(lambda: look()["status"] in {"completed", "failed"}, f"{video_id} has ended")
    return look()


def deployments(stack: RunningStack) -> dict[str, Any]:
    """What the operator sees, by the deployment's name."""
    answer = httpx.get(f"{stack.base_url}/admin/deployments", headers={"api-key": stack.admin_key})
    return {deployment["name"]: deployment for deployment in answer.raise_for_status().json()["data"]}


def error_of(answer: httpx.Response) -> dict[str, Any]:
    """The error of an answer, which must be in OpenAI's envelope."""
    body = answer.json()
    assert body.keys() == {"error"}, body
    assert body["error"].keys() == {"message", "type", "param", "code"}, body
    assert answer.headers["content-type"] == "application/json"
    return body["error"]

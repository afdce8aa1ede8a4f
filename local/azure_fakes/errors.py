"""The error answers of Azure's videos API, word for word where they were seen on the live service."""

import math
from collections.abc import Mapping
from typing import Any, Final

from starlette.responses import JSONResponse

MODERATION_BLOCKED: Final = {
    "code": "moderation_blocked",
    "message": "Your request was blocked by our moderation system.",
}
GENERATION_FAILED: Final = {"code": "internal_error", "message": "Video generation failed."}


class AzureError(Exception):
    """An answer that is an error.

    Args:
        status: The HTTP status.
        body: The JSON body.
        headers: Headers beyond the usual ones.
    """

    def __init__(self, status: int, body: Mapping[str, Any], headers: Mapping[str, str] | None = None) -> None:
        super().__init__(f"{status}: {body}")
        self.status = status
        self.body = body
        self.headers = dict(headers or {})

    def response(self) -> JSONResponse:
        """Return the error as an answer."""
        return JSONResponse(self.body, self.status, self.headers)


def user_error(status: int, message: str, headers: Mapping[str, str] | None = None) -> AzureError:
    """Return an error of the video service itself."""
    error = {"message": message, "type": "video_generation_user_error", "param": None, "code": None}
    return AzureError(status, {"error": error}, headers)


def invalid_request(message: str) -> AzureError:
    """Return a 400."""
    return user_error(400, message)


def missing_parameter(name: str) -> AzureError:
    """Return the 400 for a parameter that must be there."""
    return invalid_request(f"Missing required parameter: '{name}'.")


def invalid_value(name: str, value: object, allowed: tuple[str, ...]) -> AzureError:
    """Return the 400 for a parameter with a value out of a fixed list."""
    supported = ", ".join(f"'{choice}'" for choice in allowed)
    return invalid_request(f"Invalid value for '{name}': '{value}'. Supported values are: {supported}.")


def access_denied() -> AzureError:
    """Return the 401."""
    message = (
        "Access denied due to invalid subscription key or wrong API endpoint. Make sure to provide a valid key for an "
        "active subscription and use a correct regional API endpoint for your resource."
    )
    return AzureError(401, {"error": {"code": "401", "message": message}})


def unknown_deployment(name: str) -> AzureError:
    """Return the 404 for a deployment that is not there."""
    return user_error(
        404,
        f"The API deployment '{name}' for this resource does not exist. If you created the deployment within the last "
        "5 minutes, please wait a moment and try again.",
    )


def unknown_video(video_id: str) -> AzureError:
    """Return the 404 for a video that is not there, or not yours."""
    return user_error(404, f"Video with id '{video_id}' not found.")


def content_expired(video_id: str) -> AzureError:
    """Return the 404 for content that was kept its time."""
    return user_error(404, f"The content of video '{video_id}' has expired.")


def content_not_ready() -> AzureError:
    """Return the 400 for content of a video that is not completed."""
    return invalid_request("Video is not ready yet, use GET /v1/videos/{video_id} to check status.")


def content_filtered() -> AzureError:
    """Return the 400 of the content filter that reads prompts."""
    message = (
        "The response was filtered due to the prompt triggering Azure OpenAI's content management policy. Please "
        "modify your prompt and retry. To learn more about our content filtering policies please read our "
        "documentation: https://go.microsoft.com/fwlink/?linkid=2198766"
    )
    result = {
        "hate": {"filtered": False, "severity": "safe"},
        "self_harm": {"filtered": False, "severity": "safe"},
        "sexual": {"filtered": False, "severity": "safe"},
        "violence": {"filtered": True, "severity": "high"},
    }
    inner = {"code": "ResponsibleAIPolicyViolation", "content_filter_result": result}
    error = {"message": message, "type": None, "param": "prompt", "code": "content_filter", "status": 400}
    return AzureError(400, {"error": error | {"innererror": inner}})


def too_many_running(retry_after_s: float) -> AzureError:
    """Return the 429 of the cap on concurrently running jobs."""
    return user_error(429, "Too many running tasks", retry_headers(retry_after_s))


def too_many_requests(retry_after_s: float, headers: Mapping[str, str]) -> AzureError:
    """Return the 429 of the limit on requests a minute."""
    message = (
        "Requests to the Videos_Create Operation under Azure OpenAI API have exceeded call rate limit of your current "
        f"AIServices S0 pricing tier. Please retry after {math.ceil(retry_after_s)} seconds."
    )
    return AzureError(429, {"error": {"code": "429", "message": message}}, {**headers, **retry_headers(retry_after_s)})


def retry_headers(retry_after_s: float) -> dict[str, str]:
    """Return both spellings of "come back later"."""
    return {"retry-after-ms": str(math.ceil(1000 * retry_after_s)), "retry-after": str(math.ceil(retry_after_s))}

"""A stack of one's own, its front door and its upstream, to break things in."""

import hashlib
import os
import signal
from typing import Any

import httpx

from tests.e2e.running_stack import RunningStack, wait_until

ENDS = {"completed", "failed"}


class World:
    """One stack, seen from both its ends."""

    def __init__(self, stack: RunningStack) -> None:
        self.stack = stack
        self.api = httpx.Client(base_url=stack.base_url, headers={"api-key": stack.api_key}, timeout=30)
        self.control = httpx.Client(base_url=stack.upstream, timeout=30)

    def reset(self, **settings: Any) -> None:
        self.control.delete("/_control/faults")
        self.control.post("/_control/reset").raise_for_status()
        self.control.post("/_control/settings", json=settings).raise_for_status()

    def mend(self) -> None:
        self.control.delete("/_control/faults").raise_for_status()

    def fault(self, **fault: Any) -> None:
        self.control.post("/_control/faults", json=[fault]).raise_for_status()

    def create(self, prompt: str) -> str:
        return self.api.post("/videos", json={"prompt": prompt, "seconds": "4"}).raise_for_status().json()["id"]

    def video(self, video_id: str) -> dict[str, Any]:
        return self.api.get(f"/videos/{video_id}").raise_for_status().json()

    def upstream(self) -> dict[str, Any]:
        return self.control.get("/_control/state").json()

    def kill(self, service: str) -> None:
        pids = self.stack.pids[service]
        os.kill(pids[0] if isinstance(pids, list) else pids, signal.SIGKILL)

    def ended(self, video_id: str) -> dict[str, Any]:
        def has_ended() -> dict[str, Any] | None:
            response = self.api.get(f"/videos/{video_id}")
            return video if response.is_success and (video := response.json())["status"] in ENDS else None

        return wait_until(has_ended, f"{video_id} has ended", limit_s=60)

    def assert_whole(self, video: dict[str, Any]) -> None:
        """The caller gets what the upstream rendered, and the upstream rendered once."""
        assert video["status"] == "completed", video["error"]
        content = self.api.get(f"/videos/{video['id']}/content", follow_redirects=True).content
        jobs = self.upstream()["jobs"]
        assert [job["sha256"] for job in jobs] == [video["reelay"]["sha256"]] == [hashlib.sha256(content).hexdigest()]

    def assert_books_agree(self) -> None:
        """No movement of money is lost or doubled."""

        def verified() -> dict[str, Any] | None:
            response = self.api.get("/admin/ledger/verify", headers={"api-key": self.stack.admin_key})
            return response.json() if response.is_success else None

        assert wait_until(verified, "the ledger is verified")["differences"] == []

    def waiting(self) -> int:
        """How many videos wait for a slot."""
        key = {"api-key": self.stack.admin_key}
        deployments = self.api.get("/admin/deployments", headers=key).raise_for_status().json()["data"]
        return max(deployment["waiting"] for deployment in deployments)

    def terminate(self, video_id: str) -> None:
        """End a video's orchestration as an operator can, and remove all that was known of it."""
        instance = f"{self.stack.host}/runtime/webhooks/durabletask/instances/{video_id}"
        httpx.post(f"{instance}/terminate", timeout=30).raise_for_status()
        wait_until(lambda: httpx.get(instance).json()["runtimeStatus"] == "Terminated", f"{video_id} is terminated")
        httpx.delete(instance, timeout=30).raise_for_status()

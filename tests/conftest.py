"""What several kinds of tests share: one running stack with two tenants."""

import json
import secrets
from collections.abc import Iterator
from pathlib import Path

import httpx
import openai
import pytest

from tests.e2e.running_stack import RunningStack, running_stack


def pytest_report_header() -> str:
    return f"openai client: {openai.__version__} from {Path(openai.__file__).parents[1]}"


@pytest.fixture(scope="session")
def other_tenants_key() -> str:
    """Opens the stack's front door for a tenant that is not the one of `stack.api_key`."""
    return f"sk-other-{secrets.token_hex(16)}"


@pytest.fixture(scope="session")
def stack(tmp_path_factory: pytest.TempPathFactory, other_tenants_key: str) -> Iterator[RunningStack]:
    """One stack for all tests that do not need one of their own; its books are right when they are through."""
    keys = [
        {"tenant": "local", "secret": "env:REELAY_LOCAL_API_KEY"},
        {"tenant": "other", "secret": "env:REELAY_OTHER_API_KEY"},
    ]
    settings = {
        "REELAY_API_KEYS": json.dumps(keys),
        "REELAY_OTHER_API_KEY": other_tenants_key,
        "REELAY_GUARDRAILS": json.dumps([{"blocklist": ["unspeakable"], "category": "manners"}]),
    }
    with running_stack(tmp_path_factory.mktemp("stack") / "state", **settings) as stack:
        yield stack
        headers = {"api-key": stack.admin_key}
        books = httpx.get(f"{stack.base_url}/admin/ledger/verify", headers=headers, timeout=60).raise_for_status()
        assert books.json()["differences"] == []

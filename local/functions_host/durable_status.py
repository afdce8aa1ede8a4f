"""How the Durable HTTP API shows an orchestration."""

import json
from datetime import UTC, datetime
from typing import Any

from azure.durable_functions.internal.compat.history_projection import project_history
from durabletask.client import OrchestrationState, OrchestrationStatus
from durabletask.history import HistoryEvent

TERMINAL = frozenset({OrchestrationStatus.COMPLETED, OrchestrationStatus.FAILED, OrchestrationStatus.TERMINATED})


def status_name(status: OrchestrationStatus) -> str:
    """The name of a status in the API, for example `ContinuedAsNew`."""
    return status.name.title().replace("_", "")


def describe(state: OrchestrationState, *, show_input: bool) -> dict[str, Any]:
    """An orchestration as the API's JSON object; a failed one's output is the message of its failure."""
    failure = state.failure_details
    output = failure.message if failure is not None else _payload(state.serialized_output)
    return {
        "name": state.name,
        "instanceId": state.instance_id,
        "runtimeStatus": status_name(state.runtime_status),
        "input": _payload(state.serialized_input) if show_input else None,
        "customStatus": _payload(state.serialized_custom_status),
        "output": output,
        "createdTime": _timestamp(state.created_at),
        "lastUpdatedTime": _timestamp(state.last_updated_at),
        "historyEvents": None,
    }


def describe_history(events: list[HistoryEvent], *, show_output: bool) -> list[dict[str, Any]]:
    """A history as the API's JSON array."""
    return project_history(events, show_input=True, show_history_output=show_output)


def _payload(serialized: str | None) -> Any:
    """A payload as JSON; one that is none stays text, as the real extension leaves it."""
    if serialized is None:
        return None
    try:
        return json.loads(serialized)
    except ValueError:
        return serialized


def _timestamp(moment: datetime) -> str:
    # The engine's client gives naive datetimes that are UTC.
    return moment.replace(tzinfo=UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")

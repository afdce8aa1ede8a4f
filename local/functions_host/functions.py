"""What an indexed function is to the host: a name, a trigger and the values of its other inputs."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from azure.functions.meta import Datum

from local.functions_host.configuration import ConfigurationError, expand_settings

HTTP_TRIGGER = "httpTrigger"
TIMER_TRIGGER = "timerTrigger"
EVENT_GRID_TRIGGER = "eventGridTrigger"
ORCHESTRATION_TRIGGER = "orchestrationTrigger"
ACTIVITY_TRIGGER = "activityTrigger"
ENTITY_TRIGGER = "entityTrigger"

_DURABLE_CLIENT = "durableClient"
_HTTP_OUTPUT = "http"

# The property of its binding under which a durable function may carry a name other than its own.
_DURABLE_NAME = {ORCHESTRATION_TRIGGER: "orchestration", ACTIVITY_TRIGGER: "activity", ENTITY_TRIGGER: "entityName"}

TRIGGERS = {HTTP_TRIGGER, TIMER_TRIGGER, EVENT_GRID_TRIGGER, *_DURABLE_NAME}


@dataclass(frozen=True, slots=True)
class Binding:
    """One binding of a function, as the app declares it.

    Attributes:
        name: The parameter it is bound to; `$return` for a returned value.
        type: The binding's type, for example `httpTrigger`.
        properties: Everything else it declares, with app settings expanded.
    """

    name: str
    type: str
    properties: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Function:
    """One function of the app.

    Attributes:
        id: What the worker library knows it by.
        name: Its name in the app.
        trigger: What starts it.
        inputs: Its inputs that are the same in every invocation, by parameter: the durable clients.
    """

    id: str
    name: str
    trigger: Binding
    inputs: tuple[tuple[str, Datum], ...]

    @property
    def durable_name(self) -> str:
        """The name that a durable function is called by, in lower case."""
        declared: object = self.trigger.properties.get(_DURABLE_NAME.get(self.trigger.type, ""))
        return str(declared or self.name).lower()


def describe_function(
    function_id: str,
    name: str,
    raw_bindings: list[str],
    settings: Mapping[str, str],
    client_configuration: Callable[[Binding], str],
) -> Function:
    """Read what the app's decorators declared.

    Args:
        function_id: What the worker library knows the function by.
        name: The function's name.
        raw_bindings: Each binding as the JSON text that the app would send to the real host.
        settings: The app settings, for `%NAME%` in a binding.
        client_configuration: What to hand to a durable client binding.

    Raises:
        ConfigurationError: A binding is none that this host plays, or names a missing app setting.
    """
    bindings = [_read_binding(expand_settings(json.loads(raw), settings)) for raw in raw_bindings]
    triggers = [binding for binding in bindings if binding.type in TRIGGERS]
    unsupported = sorted({binding.type for binding in bindings} - TRIGGERS - {_DURABLE_CLIENT, _HTTP_OUTPUT})
    if unsupported or len(triggers) != 1:
        raise ConfigurationError(
            f"function '{name}': the local host runs functions of one trigger of {sorted(TRIGGERS)} with"
            f" {_DURABLE_CLIENT} inputs, not {unsupported or [binding.type for binding in bindings]}"
        )
    clients = (binding for binding in bindings if binding.type == _DURABLE_CLIENT)
    inputs = tuple((client.name, Datum(client_configuration(client), "string")) for client in clients)
    return Function(id=function_id, name=name, trigger=triggers[0], inputs=inputs)


def _read_binding(raw: dict[str, Any]) -> Binding:
    return Binding(name=raw.pop("name"), type=raw.pop("type"), properties=raw)

"""The app inside Microsoft's own Python worker library: indexing and invoking, without the worker's gRPC host."""

import importlib
import logging
import os
import sys
from collections.abc import Callable, Mapping
from contextvars import ContextVar
from enum import IntEnum
from pathlib import Path
from typing import Any, Protocol, cast
from uuid import uuid4

import azure_functions_runtime  # pyright: ignore[reportMissingTypeStubs] # Microsoft ships none
from azure.functions.meta import Datum
from azure_functions_runtime import (  # pyright: ignore[reportMissingTypeStubs] # Microsoft ships none
    handle_event,
    loader,
    native_invocation,
)
from azure_functions_runtime.bindings.meta import (  # pyright: ignore[reportMissingTypeStubs] # Microsoft ships none
    load_binding_registry,
)
from azure_functions_runtime.functions import (  # pyright: ignore[reportMissingTypeStubs] # Microsoft ships none
    FunctionLoadError,
)

from local.functions_host.configuration import ConfigurationError
from local.functions_host.functions import Binding, Function, describe_function

_logger = logging.getLogger(__name__)

_SCRIPT_FILE = "function_app.py"

# Orchestrators and entities of azure-functions-durable 2.x run in these threads, synchronous functions too.
_DEFAULT_THREADS = 32


class InvocationFailedError(Exception):
    """A function raised.

    Attributes:
        error_type: Name of the exception's class, without its module.
        error_message: First line of its message, as the real Durable extension keeps it; never empty.
        traceback: The formatted traceback.
    """

    def __init__(self, function: Function, error: BaseException, traceback: str) -> None:
        self.error_type = type(error).__name__
        self.error_message = str(error).strip().partition("\n")[0].rstrip() or self.error_type
        self.traceback = traceback
        super().__init__(f"function '{function.name}' failed: {self.error_type}: {self.error_message}")


class _Invoke(Protocol):
    async def __call__(
        self,
        invocation_id: str,
        function_id: str,
        inputs: list[tuple[str, Datum]],
        trigger_metadata: Mapping[str, Datum],
        trace_parent: str,
    ) -> tuple[bool, Datum | None, list[tuple[str, Datum]], str | None, str | None]: ...


class _IndexedFunction(Protocol):
    def get_function_name(self) -> str: ...
    def get_raw_bindings(self) -> list[str]: ...


class _FunctionInfo(Protocol):
    function_id: str


class _BindingDirections:
    """The little of the worker's generated `protos` module that indexing looks at."""

    class BindingInfo(IntEnum):
        undefined = -1
        out = 1
        inout = 2


_invoke = cast("_Invoke", native_invocation.invocation_request_native)

# What the running invocation raised. The library returns only `repr()` of it, but logs it in the same task first.
_raised: ContextVar[list[BaseException] | None] = ContextVar("raised", default=None)


def index_app(app: Path, settings: Mapping[str, str], client_configuration: Callable[[Binding], str]) -> list[Function]:
    """Import the app and register its functions with the worker library.

    The registry is global to the library, so a process runs one app.

    Args:
        app: Folder of the app; becomes the working folder and the first place that imports are looked for.
        settings: The app settings.
        client_configuration: What to hand to a durable client binding.

    Raises:
        ConfigurationError: A function is declared wrongly, or with a binding that this host does not play.
        Exception: Whatever importing the app raises.
    """
    os.environ.setdefault("PYTHON_THREADPOOL_THREAD_COUNT", str(_DEFAULT_THREADS))
    os.chdir(app)
    sys.path.insert(0, str(app))
    load_binding_registry()
    azure_functions_runtime.start_threadpool_executor()
    logging.getLogger("azure.functions").addFilter(_keep_raised)
    script = app / settings.get("PYTHON_SCRIPT_FILE_NAME", _SCRIPT_FILE)
    # Imported here first, an app that cannot be imported shows its own traceback and nothing else.
    importlib.import_module(script.stem)
    indexed = cast("list[_IndexedFunction]", loader.index_function_app(str(script)))
    return [_register(function, settings, client_configuration) for function in indexed]


async def invoke(function: Function, trigger: Datum, trace_parent: str = "") -> Datum | None:
    """Run one invocation of a function and return what it returned; a failure is logged with its traceback.

    Args:
        function: A function that `index_app` gave.
        trigger: The value of its trigger.
        trace_parent: The W3C `traceparent` of whoever caused it, for the function's context.

    Raises:
        InvocationFailedError: The function raised, or its inputs or output could not be converted.
    """
    raised: list[BaseException] = []
    token = _raised.set(raised)
    try:
        inputs = [(function.trigger.name, trigger), *function.inputs]
        succeeded, returned, _, text, traceback = await _invoke(str(uuid4()), function.id, inputs, {}, trace_parent)
    finally:
        _raised.reset(token)
    if succeeded:
        return returned
    failure = InvocationFailedError(function, raised[0] if raised else RuntimeError(text), traceback or "")
    _logger.error("%s\n%s", failure, failure.traceback.rstrip())
    raise failure


def _register(
    function: _IndexedFunction, settings: Mapping[str, str], client_configuration: Callable[[Binding], str]
) -> Function:
    registry: Any = handle_event._functions  # noqa: SLF001 # pyright: ignore[reportPrivateUsage] # no public name
    try:
        info = cast("_FunctionInfo", registry.add_indexed_function(function=function, protos=_BindingDirections))
    except FunctionLoadError as error:
        raise ConfigurationError(str(error)) from error
    name, raw_bindings = function.get_function_name(), function.get_raw_bindings()
    return describe_function(info.function_id, name, raw_bindings, settings, client_configuration)


def _keep_raised(record: logging.LogRecord) -> bool:
    raised = _raised.get()
    if raised is None or record.exc_info is None or record.exc_info[1] is None:
        return True
    raised.append(record.exc_info[1])
    return False

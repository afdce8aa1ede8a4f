"""Orchestrations, activities, an entity and timers, as the host must run them."""

import asyncio
import os
from collections.abc import Generator
from datetime import timedelta
from pathlib import Path
from typing import Any

import azure.durable_functions as df
import azure.functions as func
from durabletask import entities, task
from opentelemetry import context as trace
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

app = df.DFApp(http_auth_level=func.AuthLevel.ANONYMOUS)

JOURNAL = Path(os.environ["JOURNAL"])


def note(line: str) -> None:
    with JOURNAL.open("a") as journal:
        journal.write(f"{line}\n")


@app.route("start/{name}", methods=["POST"])
@app.generic_input_binding(arg_name="client", type="durableClient")
async def start(req: func.HttpRequest, client: str) -> func.HttpResponse:
    durable = df.DurableFunctionsClient(client)
    trace.attach(TraceContextTextMapPropagator().extract(req.headers))
    try:
        instance_id = await durable.schedule_new_orchestration(req.route_params["name"], input=req.get_json())
        return durable.create_check_status_response(req, instance_id)
    finally:
        await durable.close()


@app.orchestration_trigger(context_name="context")
def greet_all(context: task.OrchestrationContext, names: list[str]) -> Generator[task.Task[Any], Any, Any]:
    yield context.create_timer(timedelta(milliseconds=10))
    greetings = yield task.when_all([context.call_activity("greet", input=name) for name in names])
    shouted = yield context.call_sub_orchestrator("shout_all", input=greetings)
    total = yield context.call_entity(COUNTER, "add", len(names))
    return {"greetings": shouted, "total": total}


@app.orchestration_trigger(context_name="context")
def shout_all(context: task.OrchestrationContext, words: list[str]) -> Generator[task.Task[Any], Any, Any]:
    return (yield task.when_all([context.call_activity("shout", input=word) for word in words]))


@app.orchestration_trigger(context_name="context")
def show_trace(context: task.OrchestrationContext, _: Any) -> Generator[task.Task[Any], Any, Any]:
    return (yield context.call_activity("trace_of", input=None))


@app.activity_trigger("nothing")
def trace_of(nothing: str, context: func.Context) -> str:
    return context.trace_context.trace_parent


@app.orchestration_trigger(context_name="context")
def wait_for_approval(context: task.OrchestrationContext, _: Any) -> Generator[task.Task[Any], Any, Any]:
    context.set_custom_status("waiting")
    answer = yield context.wait_for_external_event("approval")
    return {"answer": answer}


@app.orchestration_trigger(context_name="context")
def failing(context: task.OrchestrationContext, _: Any) -> Generator[task.Task[Any], Any, Any]:
    yield context.call_activity("fail", input=None)


@app.orchestration_trigger(context_name="context")
def recoverable(context: task.OrchestrationContext, flag: str) -> Generator[task.Task[Any], Any, Any]:
    return (yield context.call_activity("read_flag", input=flag))


@app.orchestration_trigger(context_name="context")
def long_activity(context: task.OrchestrationContext, label: str) -> Generator[task.Task[Any], Any, Any]:
    return (yield context.call_activity("take_long", input=label))


@app.activity_trigger(input_name="name")
async def greet(name: str) -> str:
    await asyncio.sleep(0)
    return f"hello {name}"


@app.activity_trigger(input_name="word")
def shout(word: str) -> str:
    return word.upper()


@app.activity_trigger(input_name="nothing")
async def fail(nothing: Any) -> None:
    raise LookupError("first line\nsecond line")


@app.activity_trigger(input_name="flag")
async def read_flag(flag: str) -> str:
    return await asyncio.to_thread(Path(flag).read_text)


@app.activity_trigger(input_name="label")
async def take_long(label: str) -> str:
    """Runs until the test puts a file of the label's name beside the journal."""
    note(f"{label} started in {os.getpid()}")
    while not JOURNAL.with_name(label).exists():
        await asyncio.sleep(0.02)
    note(f"{label} ended in {os.getpid()}")
    return label


class Counter(entities.DurableEntity):
    def add(self, amount: int) -> int:
        total = self.get_state(int, 0) + amount
        self.set_state(total)
        return total


app.entity_trigger(context_name="context", entity_name="Counter")(Counter)
COUNTER = entities.EntityInstanceId("Counter", "all")


@app.orchestration_trigger(context_name="context")
def calls_nobody(context: task.OrchestrationContext, _: Any) -> Generator[task.Task[Any], Any, Any]:
    yield context.call_activity("nobody")

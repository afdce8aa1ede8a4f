"""Timers and Event Grid functions that write down what they got."""

import json
import os
from pathlib import Path
from typing import Any

import azure.functions as func

app = func.FunctionApp()

JOURNAL = Path(os.environ["JOURNAL"])


def note(**entry: Any) -> None:
    with JOURNAL.open("a") as journal:
        journal.write(json.dumps(entry) + "\n")


@app.timer_trigger(arg_name="timer", schedule="%TICK%")
async def tick(timer: func.TimerRequest) -> None:
    note(function="tick", next=timer.schedule_status["Next"])


@app.timer_trigger(arg_name="timer", schedule="0 0 0 1 1 *", run_on_startup=True)
def at_startup(timer: func.TimerRequest) -> None:
    note(function="at_startup", past_due=timer.past_due)


@app.timer_trigger(arg_name="timer", schedule="0 0 0 1 1 *")
async def yearly(timer: func.TimerRequest) -> None:
    note(function="yearly")


@app.event_grid_trigger(arg_name="event")
async def on_event(event: func.EventGridEvent) -> None:
    if event.subject == "poison":
        raise ValueError("cannot take this")
    note(function="on_event", id=event.id, subject=event.subject, data=event.get_json())


@app.event_grid_trigger(arg_name="event")
async def on_cloud_event(event: func.CloudEvent) -> None:
    note(function="on_cloud_event", id=event.id, source=event.source, data=event.get_json())

"""The Durable engine of the local host: Microsoft's in-memory backend, mended and made crash-safe.

`durabletask.testing.in_memory_backend` knows the protocol's small print but is meant for short tests. `TaskHub` is a
subclass of it; each module of the chain mends one side:

    instances       an instance's life; ids are reused, start times kept, as Durable Functions does
    orchestrations  a turn's actions become history, and history is attended to: activities, timers, children
    interventions   terminate and rewind, with children and activities under way
    entities        batches, locks that hold others off, delayed signals
    queries         what clients are told; deleted entities do not exist
    hub             workers, waiting clients, purge, and what is written down and restored

Beside the chain: `execution` and `waits` (what an orchestration waits for, told from its history), `dispatch` (leases
that end with their stream, quotas, fresh tokens), `alarm` (all timers in the event loop's heap), `commits` and `store`
(one SQLite transaction for all that changed in one pass of the loop, before anybody hears of it), `service` and
`server` (gRPC on 127.0.0.1).

An activity runs at least once, and so does a turn; their results count once. Only an activity that its orchestration
did not wait for before it ended is forgotten by a crash.
"""

from local.functions_host.engine.server import Engine, run_engine

__all__ = ["Engine", "run_engine"]

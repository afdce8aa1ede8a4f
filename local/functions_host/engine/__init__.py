"""The Durable engine of the local host: Microsoft's in-memory backend, mended and made crash-safe."""

from local.functions_host.engine.server import Engine, run_engine

__all__ = ["Engine", "run_engine"]

"""Runs an Azure Functions app without Core Tools, on Microsoft's own Python worker library."""

import os

# gRPC's core reads this once, when it is first imported; it writes to stderr whenever an engine stops.
os.environ.setdefault("GRPC_VERBOSITY", "NONE")

"""The durable client, kept open.

The binding hands every invocation a configuration, and the package would open a gRPC channel for each, which costs
more than all else in a request. The configuration of a process does not change, so one client serves it.
"""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

from azure.durable_functions import DurableFunctionsClient

_LIMIT_S = 5.0
"""The package sets no limit, and a caller is waiting."""


class Durable:
    """Where the durable client is to be had."""

    def __init__(self) -> None:
        self._binding = ""
        self._client: DurableFunctionsClient | None = None

    def connect(self, binding: str) -> None:
        """Use this durable client binding from now on.

        Args:
            binding: The configuration that a `durableClient` input binding gives, JSON.
        """
        if binding != self._binding:
            self._binding, self._client = binding, DurableFunctionsClient(binding)

    @asynccontextmanager
    async def client(self) -> AsyncGenerator[DurableFunctionsClient]:
        """The client, for one call.

        Raises:
            AioRpcError: The engine failed.
            TimeoutError: It did not answer.
        """
        if self._client is None:
            raise RuntimeError("no durable client binding was connected")
        async with asyncio.timeout(_LIMIT_S):
            yield self._client

"""Kills whatever works with a client, at a call of choice."""

import asyncio
from inspect import iscoroutinefunction
from typing import Any, cast


class Killed(BaseException):
    """The process is gone."""


class Fuse:
    """Burns with every call.

    Attributes:
        calls_left: The call after which the process dies; None if it lives on.
    """

    def __init__(self) -> None:
        self.calls_left: int | None = None

    async def burn(self) -> None:
        await asyncio.sleep(0)
        if self.calls_left is not None:
            self.calls_left -= 1
            if self.calls_left < 0:
                raise Killed

    def under[T](self, client: T) -> T:
        """The client; each of its calls burns the fuse before it does anything."""
        return cast("T", _Mortal(client, self))


class _Mortal:
    def __init__(self, client: object, fuse: Fuse) -> None:
        self._client = client
        self._fuse = fuse

    def __getattr__(self, name: str) -> Any:
        attribute = getattr(self._client, name)
        if not iscoroutinefunction(attribute):
            return attribute

        async def call(*arguments: Any, **named: Any) -> Any:
            await self._fuse.burn()
            return await attribute(*arguments, **named)

        return call
